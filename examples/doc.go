// Package examples holds whole repositories to begin from: xivo, cc, xds, edge
// and full, each with its document, its templates and an agent's file for every
// node. It knows nothing of what they mean; its test loads every one of them.
package examples
