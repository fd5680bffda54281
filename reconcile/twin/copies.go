package twin

import (
	"slices"

	"mainstay/reconcile/plan"
)

// Copies is what this run of the agent knows of another one that goes by its node's name
// on a copy of its machine.
type Copies struct {
	// Beside is another run that published under this node's name, and Beat the report
	// of it that was read last.
	Beside string
	Beat   uint64
	// Alive is one on a copy of this machine that has read a report of this run, so that
	// both live.
	Alive string
}

// Read takes in a report that was published under this node's name. Every report names
// its run and the other run that was last seen under the same name, so that an agent
// which finds its own run named knows that the other one lives. What the agent before
// this one left behind names no run that lives. A report of the other one is answered,
// until both know of each other.
func (t *Copies) Read(own *plan.ReportView, instance, run string) {
	if run == "" || own == nil || own.Run == "" || own.Run == run {
		return
	}
	if own.Beside == run && own.Instance == instance {
		t.Alive = own.Run
	}
	if t.Alive == own.Run && t.Beside == own.Run && knowsOfTwo(own) {
		return
	}
	t.Beside, t.Beat = own.Run, own.Beat
}

func knowsOfTwo(r *plan.ReportView) bool {
	return slices.ContainsFunc(r.Conditions, func(c plan.Condition) bool { return c.Type == plan.CondTwoAgents })
}
