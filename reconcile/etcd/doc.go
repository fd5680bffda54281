// Package etcd keeps claims and reports on an etcd cluster, as a git.Place.
//
// A claim is two things there. PREFIX/head/DEPLOYMENT/claim/ROLE names the newest
// change by its hash, and PREFIX/note/DEPLOYMENT/claim/ROLE/NUMBER-HASH keeps every
// change for good, under its own number. A change is one transaction: if the head
// still names the parent, the change is kept and the head names it. The hash of a
// change says all that came before it, so that it can stand for the revision of a
// key, and unlike a revision it does not come again when etcd is restored from a
// snapshot (R10). A report is a head and one note, which only its node writes.
//
// The notes are the very commits that git would hold (git.Notary): chains, signatures
// and what damaged means are the same with both engines.
//
// Every read is linearizable, so one that a member cannot answer for the majority is
// an error and no read (R7). Every call is bounded in time and in bytes. A transaction
// whose answer did not come is failure.ErrUnknown until the claim was read again.
//
// It speaks etcd's JSON gateway over net/http, which every etcd since 3.4 serves at its
// client port. The official client would make the agent of everybody who keeps git
// larger: measured with version 3.7.3 it adds 4.1 MB to the program (25.4 to 29.5 MB) and
// 1.2 MB to the resident memory of an idle agent that never calls it (19.6 to 20.8 MB,
// medians of five).
//
// It must not know what a claim is for, nor decide whether it may be taken.
package etcd
