package reconcile

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

func phaseNames(all []plan.Phase) (names []string) {
	for _, p := range all {
		names = append(names, p.Name)
	}
	return names
}

// released brings a serving node down for a standby that is ready, and returns
// the release.
func (h *hand) released() plan.Claim {
	h.t.Helper()
	h.git.commit("c2", paris(spec.Standby))
	h.git.report("r1", plan.Report{Deployment: "paris", Node: "xivo-standby", Ready: true, Seq: 1, Accepted: "c2"})
	h.pass()
	h.rack.are(plan.Stopped)
	o := h.pass()
	if o.Push == nil || o.Push.Claim.Action != plan.Release {
		h.t.Fatalf("got %+v; %s %s", o.Push, h.Report().Status, h.Report().Reason)
	}
	return o.Push.Claim
}

func TestAReleaseTellsHowTheStartBeforeItCameUp(t *testing.T) { // mainstay history
	c := newHand(t).serving().released()
	if diff := cmp.Diff([]string{"seen", "ready", "taken", "started", "active"}, phaseNames(c.Before.Phases)); diff != "" || c.Before.Seq != 1 {
		t.Errorf("before, under seq %d: %s", c.Before.Seq, diff)
	}
	if diff := cmp.Diff([]string{"seen", "stopped"}, phaseNames(c.Phases)); diff != "" {
		t.Errorf("its own: %s", diff)
	}
}

func TestPhasesOutliveARestartOfTheAgent(t *testing.T) {
	h := newHand(t).serving()
	published := h.Report()
	h.git.refs[plan.ReportRef("paris", "xivo-main")], h.git.reports["r0"] = "r0", published
	h.clock.pass(time.Hour)
	h.restart()
	h.pass()
	if diff := cmp.Diff(published.Phases, h.Report().Phases); diff != "" {
		t.Errorf("after the restart: %s", diff)
	}
	if c := h.released(); c.Before == nil || !cmp.Equal(published.Phases, c.Before.Phases) {
		t.Errorf("the release remembers %+v", c.Before)
	}
}

func TestADeclarationThatIsTakenBackChangesNoPhases(t *testing.T) {
	h := newHand(t).serving()
	before := h.Report().Phases
	h.git.commit("c2", paris(spec.Standby))
	h.pass()
	h.git.commit("c3", paris(spec.Main))
	h.pass()
	if diff := cmp.Diff(before, h.Report().Phases); diff != "" {
		t.Error(diff)
	}
}

// What a side that is gone said of its start is kept by the one that takes over.
func TestASeizureTellsHowTheOtherSideCameUp(t *testing.T) { // R4
	h := newHand(t)
	h.held("standby")
	up := []plan.Phase{{Name: "active", At: h.clock.Wall()}}
	h.git.report("r1", plan.Report{Deployment: "paris", Node: "xivo-standby", Side: spec.Standby, Declared: spec.Standby,
		Status: plan.Active, Seq: 9, Phases: up})
	h.git.commit("c2", paris(spec.Main)+"fenced: standby\n")
	o := h.pass()
	if o.Push == nil || o.Push.Claim.Action != plan.Seize {
		t.Fatalf("got %+v; %s %s", o.Push, h.Report().Status, h.Report().Reason)
	}
	if diff := cmp.Diff(&plan.Served{Seq: 9, Phases: up}, o.Push.Claim.Before); diff != "" {
		t.Error(diff)
	}
}
