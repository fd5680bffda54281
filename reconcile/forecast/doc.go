// Package forecast says what a change of the document will do: per node, in the
// order in which things will happen across nodes, with the guarantee to expect
// and what speaks against it. It goes by what the nodes last said, so that it
// tells what is and not only what the file says.
//
// It is pure: it reads nothing and must not know where documents and reports
// come from. It foretells; the agents decide by package plan.
package forecast
