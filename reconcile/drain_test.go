package reconcile

import (
	"strings"
	"testing"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// drained is paris with a service that is drained before it stops.
func drained(active spec.Side) string {
	return strings.Replace(paris(active), "systemd: asterisk.service }",
		"systemd: asterisk.service, drain: { command: [calls], within: 1h } }", 1)
}

// R2: a person's word ends the drain that is under way, and no later one.
func TestTheWordThatEndsADrainIsGoodForThatDrain(t *testing.T) {
	h := newHand(t)
	h.git = newVault(drained(spec.Main))
	h.learn.Repository, h.learn.Coordination = h.git, h.git
	h.serving()
	away := func(commit string) {
		t.Helper()
		h.git.commit(commit, drained(spec.Standby))
		h.git.report("ready for "+commit, plan.Report{Deployment: "paris", Node: "xivo-standby", Ready: true, Seq: 1, Accepted: commit})
		if h.pass(); h.mem.Stage != plan.StageDraining {
			t.Fatalf("%s: %s %s", commit, h.Report().Status, h.Report().Reason)
		}
	}
	away("c2")
	h.endDrain = true
	h.git.commit("c3", drained(spec.Main)) // this very pass brings the way back
	h.pass()
	h.rack.are(plan.Running)
	if h.pass(); h.Report().Status != plan.Active {
		t.Fatalf("%s: %s", h.Report().Status, h.Report().Reason)
	}
	away("c4")
	h.pass()
	if h.mem.Stage != plan.StageDraining || h.j.has("stop") {
		t.Errorf("the next drain was ended by the old word: %s, %q", h.Report().Reason, h.j.lines)
	}
}
