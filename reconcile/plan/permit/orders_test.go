package permit

import (
	"errors"
	"testing"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// R2, R8, R9, R10, R11: a person's order that a rule forbids is refused, and the
// refusal names that rule.
func TestAPersonsTakeoverIsRefusedByTheRuleThatForbidsIt(t *testing.T) {
	type change func(in *plan.Input, was *plan.Decision, ask *plan.TakeoverAsk)
	for _, c := range []struct {
		name   string
		change change
		want   plan.Rule
	}{
		{"nothing forbids it", func(*plan.Input, *plan.Decision, *plan.TakeoverAsk) {}, ""},
		{"no document", func(in *plan.Input, _ *plan.Decision, _ *plan.TakeoverAsk) { in.Doc = nil }, plan.R9},
		{"a shared role", func(in *plan.Input, _ *plan.Decision, _ *plan.TakeoverAsk) { in.Doc.Exclusive = false }, plan.R9},
		{"this side is fenced", func(in *plan.Input, _ *plan.Decision, _ *plan.TakeoverAsk) { in.Doc.Fenced = spec.Standby }, plan.R2},
		{"a pause on the node", func(in *plan.Input, _ *plan.Decision, _ *plan.TakeoverAsk) {
			in.Pause = &plan.PauseOrder{Reason: "work"}
		}, plan.R11},
		{"a pause in the document", func(in *plan.Input, _ *plan.Decision, _ *plan.TakeoverAsk) { in.Doc.Paused = true }, plan.R11},
		{"services that cannot start", func(in *plan.Input, _ *plan.Decision, _ *plan.TakeoverAsk) { in.Blocked = "no unit" }, plan.RService},
		{"a claim that went back", func(in *plan.Input, _ *plan.Decision, _ *plan.TakeoverAsk) { in.Claim.Regressed = true }, plan.R10},
		{"Active already", func(in *plan.Input, was *plan.Decision, _ *plan.TakeoverAsk) {
			in.Doc.Active, was.Status = spec.Standby, plan.Active
		}, plan.R9},
		{"to adopt a claim of the other side", func(_ *plan.Input, _ *plan.Decision, ask *plan.TakeoverAsk) { ask.Adopt = true }, plan.R9},
		{"to adopt a claim of this side", func(in *plan.Input, _ *plan.Decision, ask *plan.TakeoverAsk) {
			ask.Adopt, in.Claim.Tip.Holder = true, plan.HeldBy(spec.Standby)
		}, ""},
		{"to adopt the claim of a machine that lives", func(in *plan.Input, _ *plan.Decision, ask *plan.TakeoverAsk) {
			ask.Adopt, in.Claim.Tip.Holder, in.Twin = true, plan.HeldBy(spec.Standby), true
		}, plan.R9},
		{"to adopt a claim that was not read", func(in *plan.Input, _ *plan.Decision, ask *plan.TakeoverAsk) {
			ask.Adopt, in.Claim.Tip.Holder, in.Claim.Read = true, plan.HeldBy(spec.Standby), false
		}, plan.R9},
		{"to adopt without coordination", func(in *plan.Input, _ *plan.Decision, ask *plan.TakeoverAsk) {
			ask.Adopt, in.Doc.Coordinated = true, false
		}, plan.R8},
		{"to accept a claim that did not go back", func(_ *plan.Input, _ *plan.Decision, ask *plan.TakeoverAsk) { ask.Reroot = true }, plan.R10},
		{"to accept a claim that went back", func(in *plan.Input, _ *plan.Decision, ask *plan.TakeoverAsk) {
			ask.Reroot, in.Claim.Regressed = true, true
		}, ""},
		{"to accept one and to state nothing", func(in *plan.Input, _ *plan.Decision, ask *plan.TakeoverAsk) {
			ask.Reroot, ask.Attest, in.Claim.Regressed = true, "", true
		}, plan.R9},
	} {
		in := &plan.Input{
			Instance: "standby-2",
			Doc:      &plan.Doc{Node: "standby", Role: "xivo", Side: spec.Standby, Active: spec.Main, Exclusive: true, Coordinated: true},
			Claim:    plan.ClaimView{Read: true, Reachable: true, Tip: plan.Tip{ID: "t2", Claim: plan.Claim{Holder: plan.HeldBy(spec.Main), Instance: "main-1"}}},
		}
		was, ask := &plan.Decision{Status: plan.Inactive}, plan.TakeoverAsk{Attest: "main is off"}
		c.change(in, was, &ask)
		var refused *Refused
		if got := Takeover(in, was, ask); errors.As(got, &refused) != (c.want != "") || refused != nil && refused.Rule != c.want {
			t.Errorf("%s: %v, want a refusal by %q", c.name, got, c.want)
		}
	}
}

// R2, R11: only a drain that is under way on a node that is not paused can be ended.
func TestOnlyADrainThatIsUnderWayCanBeEnded(t *testing.T) {
	for _, c := range []struct {
		name string
		in   plan.Input
		want plan.Rule
	}{
		{"no document", plan.Input{}, plan.R2},
		{"nothing drains", plan.Input{Doc: &plan.Doc{}, Memory: plan.Memory{Stage: plan.StageServing}}, plan.R2},
		{"a drain", plan.Input{Doc: &plan.Doc{}, Memory: plan.Memory{Stage: plan.StageDraining}}, ""},
		{"a drain on a paused node", plan.Input{Doc: &plan.Doc{Paused: true}, Memory: plan.Memory{Stage: plan.StageDraining}}, plan.R11},
	} {
		var refused *Refused
		err := EndOfDrain(&c.in, &plan.Decision{})
		if errors.As(err, &refused) != (c.want != "") || refused != nil && refused.Rule != c.want {
			t.Errorf("%s: %v, want a refusal by %q", c.name, err, c.want)
		}
	}
}
