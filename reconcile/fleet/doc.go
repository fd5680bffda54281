// Package fleet reads what a repository's deployments are and were, from anywhere
// with read access: the documents of a branch, the claims and the nodes' reports.
// It judges how each node is, and how long ago it was heard, and tells every
// switch of a deployment from the chain of its claims.
//
// It never writes, and it must not know how anything is shown.
package fleet
