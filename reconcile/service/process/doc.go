// Package process drives a service that is a child process of the agent.
//
// The process outlives the agent: it is its own session, writes to a file and
// not to a pipe, and is found again by whichever agent comes next. Three things
// find it, each where another one is blind:
//
//   - the record in the state folder: pid, start time and boot id. It is written
//     after the start, so an agent killed in between leaves none;
//   - the marker MAINSTAY_SERVICE=<deployment>/<node>/<service> in the
//     environment of the process and of whatever it starts, read from
//     /proc/<pid>/environ, with MAINSTAY_FOLDER, which binds it to this agent's state
//     folder. A process that overwrites its environment to change its title loses
//     both. One of another user, or of a program that lends its rights (su), that is not in the agent's control group is somebody
//     else's, whatever it carries;
//   - a lock on a file in the state folder, taken before the fork and inherited.
//     The kernel frees it when the last process that inherited it has ended
//     or closed it. So nothing is ever called down, or started a second time,
//     in the moment between fork and exec.
//
// All processes that carry the marker, are in the recorded session or hold the
// lock are the service; it is down when none is left. A process started by
// hand belongs to the service only if it carries the marker. The main process
// is the one that was started; when it ends and leaves others, the service is
// Stopping until a Start or a Stop ends them.
//
// The end of the process wakes a watcher at once, through a pidfd, also when it
// is not a child of this agent. A process with the marker that a person starts while
// the service is down is found within about a second; what else may happen is looked
// for every Poll. The agent's own service unit must
// be KillMode=process, or a restart of the agent ends the services.
//
// Linux 5.10 or newer with /proc mounted is needed. The package knows nothing
// of why it starts or stops.
package process
