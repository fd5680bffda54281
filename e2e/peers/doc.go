//go:build e2e

// Package peers measures, on real hosts, how one trivial unit moves between two of them by
// mainstay and by what else is in use for it: Pacemaker on Corosync, keepalived, and a loop in
// shell. All ways have the same two hosts and a unit each, and move it in turn, so that
// what disturbs the machine disturbs all of them.
//
// Moments are read from the kernel's monotonic clock, which all hosts of a machine share:
// the command begins by it, and systemd notes by it when a unit became active or inactive.
package peers
