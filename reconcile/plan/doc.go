// Package plan is the decision: given what the document wants, what the machine
// runs, what the claim and the other nodes' reports say and what this node
// remembers, it says what to do next, and which rule says so.
//
// It is pure. It does no I/O, reads no clock, draws no random number, knows no
// context and starts no goroutine: time is a value in the input, and whoever
// calls it carries the decision out. That is why the same code can be searched
// by the state explorer, run by the simulation and trusted by the agent.
package plan
