// Package guard makes a lease hold when the agent that should obey it is
// stopped, removed, frozen or killed again and again (R7).
//
// The agent writes to a small file until when the newest read of its claim is
// good. A process of its own, which systemd restarts and watches, looks at that
// file. When the lease has ended and no agent is at it, the guard stops what the
// agent managed, and fences the node when the stop is not seen to succeed in time.
// It never starts anything, reads nothing from git or the network, and knows no
// document.
//
// File and lock are beside the control socket, in memory (/run), so that a disk
// that is full or hangs keeps nobody from renewing or from obeying a lease. A
// reboot empties that folder, and ends everything that ran under the lease.
package guard
