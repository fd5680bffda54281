// Package kept is what the page keeps on disk between its runs: what people say about
// what is wrong, and the switches that they asked for at a time.
//
// It must not know git, nor how anything is shown.
package kept
