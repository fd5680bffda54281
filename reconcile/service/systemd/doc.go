// Package systemd drives services that are systemd units: services, templates'
// instances, targets, and whatever else can be started and stopped.
//
// A Bus is the one connection of an agent to systemd; a Unit is one driver on
// it. Orders wait for the result of systemd's own job and believe only the
// unit's state that is read afterwards. A unit counts as down once it is
// inactive or failed, no job is about to start it, and none of its processes is
// left. Signals wake the watchers, so that nothing waits for a poll.
//
// The package knows nothing of roles, claims or the node's limits, and enables,
// masks or edits no unit.
package systemd
