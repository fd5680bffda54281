// Package git reads the deployment's repository and keeps claims and reports on
// refs of the coordination repository.
//
// Three things make it different from a git client. Every call is bounded: by
// its context, by Options.Timeout for each connection it makes, and in bytes.
// Nothing is kept between calls but idle connections: what is fetched lives in
// memory and is dropped with its result. And a ref is changed by naming the
// value it must still have, so that the server arbitrates between contenders
// whether or not they know of each other.
//
// go-git gives the objects, the packs and the storage in memory. What is said on the
// wire is written here, its transports in package transport and its frames in package
// packet, because go-git's do not keep those promises:
// over SSH they ignore the context while they dial and shake hands, they list
// every ref of a server, and a pack is read whole before anybody can say that
// it is too large.
//
// It speaks the types of the loop (package reconcile) and of the decision: a Document
// and a Coordination are handed to the agent as they are (loop.go).
//
// It must not know what the document means, when a claim may be taken or what a
// report is used for: those are decided elsewhere, from the values returned
// here. What it does know is what a claim and a report look like when they are
// whole, so that a damaged one is an error and never a decision.
package git
