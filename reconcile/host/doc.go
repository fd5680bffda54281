// Package host puts one node's agent together: the loop, git remotes, the machine,
// the control socket, jobs, the journal and metrics. It does the same for a guard.
//
// It only wires: what is decided, and when, is in reconcile and below. How services
// are started and seen is in package machine. Only the command line may import it.
package host
