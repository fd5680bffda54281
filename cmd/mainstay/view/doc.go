// Package view reads what a repository's deployments are, from anywhere with
// read access: the documents of a branch, the claims and the nodes' reports. It
// judges how each node is, and how long ago it was heard.
//
// It never writes, and it must not know how anything is shown.
package view
