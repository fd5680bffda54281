// Package hosts makes real hosts for a test: containers with their own
// systemd, cgroup tree, address, name and disk, on a network of their own
// without a way out. A test cuts them off, freezes, kills and boots them, fills
// their disk and makes their links slow, and everything is gone after it.
//
// A host is a container of the machine's Docker engine, made from an image that
// debootstrap built of Debian's packages. All code is behind the build tag e2e
// and needs root. The package must not know the agent or the documents: it
// offers machines, not deployments.
package hosts
