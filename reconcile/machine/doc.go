// Package machine is the machine that an agent runs on: its services, files and
// probes as the loop wants them (reconcile/ports.go), its clock and identity, and
// the stopper that stops services in the agent's place (R7).
//
// It carries out and observes. It must not know git, claims or a person's orders,
// and it decides nothing.
package machine
