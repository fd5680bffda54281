// Package change carries a failover out: it changes the one word of a document
// that a failover is, the line that fences a side and the word that pauses a node, and
// nothing else. Every
// other byte stays, whatever the comments, the quoting, the order, the line ends
// and the layout are; so do a person's checkout and what is staged in it. A branch
// that moved meanwhile is never overwritten.
//
// It must not know flags, terminals, or how anything is shown.
package change
