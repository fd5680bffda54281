// Package draw puts on a screen what the product knows: a deployment, the services
// of its nodes, the forecast of a change, how far a change is, and the history.
//
// It reads values and writes lines. It must not read git, ask an agent, or know of
// flags and exit codes.
package draw
