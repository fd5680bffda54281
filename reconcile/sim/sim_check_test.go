package sim

import (
	"strings"
	"testing"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/record"
	"mainstay/spec"
)

// passOf is a pass of a node that ends in a step.
func passOf(n *node, do plan.Do, rule plan.Rule) *record.Entry {
	in := plan.Input{Doc: &plan.Doc{Active: spec.Main, Side: n.side, Peer: "xivo-standby", Commit: "d1", Coordinated: true}}
	in.Memory.Stage = plan.StageServing
	return &record.Entry{Input: in, Decision: plan.Decision{Steps: []plan.Step{{Do: do, Rule: rule}}}}
}

// learntOf is a snapshot with a commit accepted and a claim believed.
func learntOf(commit string, seq uint64) *reconcile.Snapshot {
	return &reconcile.Snapshot{Accepted: &reconcile.Accepted{Commit: commit},
		Claims: map[string]plan.ClaimView{"xivo": {Tip: plan.Tip{Claim: plan.Claim{Seq: seq}}}}}
}

// TestEveryInvariantFires breaks each invariant of the rules in the
// world itself, past the agents that would keep it.
func TestEveryInvariantFires(t *testing.T) {
	for want, violate := range map[string]func(w *World, main, stby *node){
		"are active, and nobody presumed": func(_ *World, _, stby *node) { stby.services[0].up = true },
		"no claim push was won": func(w *World, _, stby *node) {
			w.check.passed(stby, passOf(stby, plan.DoStart, plan.R3))
		},
		"releases while its services run": func(w *World, main, _ *node) {
			tip := w.server.tip("xivo")
			push := plan.Push{Parent: tip.ID, Claim: plan.Next(tip, plan.Claim{Action: plan.Release})}
			_ = main.link.PushClaim(t.Context(), plan.ClaimRef(deployment, "xivo"), push)
		},
		"from seq 1 to 3": func(w *World, _, _ *node) {
			tip := w.server.tip("xivo")
			_ = w.server.change("xivo", plan.Push{Parent: tip.ID, Claim: plan.Claim{Seq: 3, Action: plan.Renew, Instance: tip.Instance}})
		},
		"makes a take of claim": func(w *World, _, _ *node) {
			tip := w.server.tip("xivo")
			_ = w.server.change("xivo", plan.Push{Parent: tip.ID, Claim: plan.Claim{Seq: 2, Action: plan.Take, Holder: "standby"}})
		},
		"that its disk knows nothing of": func(w *World, _, stby *node) {
			push := plan.Push{Parent: w.server.tip("xivo").ID, Claim: plan.Claim{Action: plan.Seize}}
			_ = stby.link.PushClaim(t.Context(), plan.ClaimRef(deployment, "xivo"), push)
		},
		"accepted the bad commit": func(w *World, main, _ *node) { w.check.learnt(main, learntOf("d0", 1)) },
		"does not descend from": func(w *World, main, _ *node) {
			w.server.rewrite(w.settings.Text())
			w.check.learnt(main, learntOf(w.server.refs[branch], 1))
		},
		"at seq 0 after 1": func(w *World, main, _ *node) { w.check.learnt(main, learntOf(main.mark.commit, 0)) },
		"is paused and does start": func(w *World, main, _ *node) {
			e := passOf(main, plan.DoStart, plan.R3)
			e.Input.Pause = &plan.PauseOrder{}
			w.check.passed(main, e)
		},
		"which never said it is ready": func(w *World, main, _ *node) {
			w.check.passed(main, passOf(main, plan.DoStop, plan.R2))
		},
		"although claim 9 is held by standby": func(w *World, main, _ *node) {
			e := passOf(main, plan.DoDrain, plan.R2)
			e.Input.Claim = plan.ClaimView{Read: true, Tip: plan.Tip{Claim: plan.Claim{Seq: 9, Holder: "standby"}}}
			e.Input.Services = []plan.Observed{{Run: plan.Running}}
			w.check.passed(main, e)
		},
		"reports Active and was never ready": func(w *World, _, stby *node) {
			e := passOf(stby, plan.DoDrain, plan.R2)
			e.Decision.Status = plan.Active
			w.check.passed(stby, e)
		},
		"xivo was never Active on standby": func(w *World, _, _ *node) {
			n := w.byName["cc-standby"]
			e := passOf(n, plan.DoStart, plan.R3)
			e.Input.Doc.Follows, e.Input.Followed = "xivo", &plan.FollowView{}
			e.Input.Memory.Stage = plan.StageClaiming
			w.server.win("cc", plan.Claim{Instance: n.fingerprint, Holder: "standby"})
			w.check.passed(n, e)
		},
		"somebody does not wait": func(w *World, _, _ *node) {
			var spin func()
			spin = func() { w.after(0, spin) }
			spin()
		},
	} {
		t.Run(want, func(t *testing.T) {
			w := deployed(t, 1)
			violate(w, w.byName["xivo-main"], w.byName["xivo-standby"])
			w.Run(2 * time.Second)
			if got := w.Violation(); !strings.Contains(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// TestADeploymentThatDoesNotConvergeIsAViolation: here a machine is never there.
func TestADeploymentThatDoesNotConvergeIsAViolation(t *testing.T) {
	w := deployed(t, 1)
	w.byName["xivo-standby"].powerOff()
	w.Declare(spec.Standby)
	if w.Until(patience, w.Settled) {
		t.Error("settled without the side that is declared")
	}
}

// TestAScheduleIsRepeatable runs one twice: the same seed is the same course of
// events.
func TestAScheduleIsRepeatable(t *testing.T) {
	course := func() string {
		var b strings.Builder
		s := NewSchedule(7)
		why := s.Run(NewLibrary(), func(at time.Duration, who, what string) {
			b.WriteString(at.String() + " " + who + " " + what + "\n")
		})
		return b.String() + why
	}
	if first, second := course(), course(); first != second || len(first) < 1000 {
		t.Error("two runs of one seed differ")
	}
}

// TestAFailingScheduleIsShrunk leaves out every fault that is not needed.
func TestAFailingScheduleIsShrunk(t *testing.T) {
	s := Schedule{Seed: 1, Settings: DefaultSettings(), Timing: EverydayTiming(), Length: time.Minute}
	s.Faults = []Fault{
		{At: 20 * time.Second, Kind: Comment}, {At: 21 * time.Second, Kind: Slow, Machine: "edge", For: time.Second},
		{At: 25 * time.Second, Kind: both}, {At: 26 * time.Second, Kind: Die, Machine: "cc-main"},
	}
	short := s.Shrink(NewLibrary())
	if len(short.Faults) != 1 || short.Faults[0].Kind != both {
		t.Errorf("shrunk to\n%s", short)
	}
}
