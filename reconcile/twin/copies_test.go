package twin_test

import (
	"testing"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/twin"
)

// Each report of the other agent is answered, because what was published may be lost or
// be written over before it is read; and no more once both know of each other.
func TestEachReportOfTheSecondAgentIsAnswered(t *testing.T) {
	theirs := func(beat uint64, beside string, conditions ...plan.Condition) *plan.ReportView {
		return &plan.ReportView{Known: true, Report: plan.Report{Instance: "machine", Run: "other", Beat: beat, Beside: beside, Conditions: conditions}}
	}
	two := plan.Condition{Type: plan.CondTwoAgents}
	var c twin.Copies
	for _, step := range []struct {
		what  string
		own   *plan.ReportView
		beat  uint64
		alive string
	}{
		{"its first", theirs(3, ""), 3, ""},
		{"its next, which knows nothing of this run", theirs(4, "the run before"), 4, ""},
		{"it has read this one", theirs(5, "this"), 5, "other"},
		{"it has not said so yet", theirs(6, "this"), 6, "other"},
		{"it says so", theirs(7, "this", two), 6, "other"},
		{"the own one", &plan.ReportView{Known: true, Report: plan.Report{Run: "this", Beat: 9}}, 6, "other"},
	} {
		c.Read(step.own, "machine", "this")
		if c.Beside != "other" || c.Beat != step.beat || c.Alive != step.alive {
			t.Errorf("%s: answers %q at %d, alive %q", step.what, c.Beside, c.Beat, c.Alive)
		}
	}
}
