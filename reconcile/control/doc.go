// Package control lets people and machines talk to a running agent: the control
// socket and its client, the status and metrics address, and notifications.
//
// It decodes what is asked, calls a method of the agent, and encodes the answer.
// It knows no rule: whether an order is refused is decided in plan.
package control
