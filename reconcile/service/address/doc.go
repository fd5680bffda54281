// Package address drives a floating address: an IP address that is on an interface of
// this machine while its service runs, and on none while it is down.
//
// The kernel's own list of addresses, over netlink, is the only witness of what this
// machine has; an address that cannot be listed is not known, not down. Before an address
// is added it is asked for on the network, as RFC 5227 and RFC 4862 ask, though in less
// time: Ask. An answer keeps it from being added. Silence proves nothing, since a machine
// that is cut off does not answer either: it is the claim that keeps two sides apart.
// After it was added the address is announced, and again a few times, so that others send
// to this machine from now on. Nothing is announced that the kernel does not list.
//
// The kernel tells of every change, so that an address that somebody removed is noticed at
// once. It stays when the agent ends. The package must not know why it is added.
package address
