// Package host builds one node's agent out of the real parts: git remotes,
// service drivers, files, probes, the state folder and the machine's clock.
//
// It only wires: what is decided, and when, is in reconcile and below. It must
// not be imported by anything but the command line.
package host
