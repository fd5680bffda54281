// Package etcdserver gives tests an etcd cluster on loopback: a real one of Debian's
// etcd-server, and a fake of the part of its JSON gateway that is used, for tests that
// must run where none is installed. Whatever passes with the fake passes with the real
// one too: both run the same suite.
//
// It must not know what is kept there.
package etcdserver
