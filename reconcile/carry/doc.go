// Package carry carries the claim of a role from one place to another with its whole
// chain, without a moment in which both places count (R13).
//
// The claim ends in the old place with a change that says so (plan.Move), made by
// compare-and-swap like every other: whoever was about to change the claim has lost, and
// nobody changes it there any more. The chain up to and with that change is put into the
// new place, and there a change goes on from it (plan.Enter): from then on it counts there.
// The end names the one place that may go on from it. So whoever stops in between can run
// it again, from anywhere, and can go back: that is the same way in the other direction,
// and it first ends the claim in the place that it was on its way to.
//
// It must not know what a node does about any of it: that is plan's.
package carry
