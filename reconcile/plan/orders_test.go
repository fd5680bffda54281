package plan

import (
	"errors"
	"strings"
	"testing"
	"time"

	"mainstay/spec"
)

// R2, R8, R9, R10, R11: a person's order that a rule forbids is refused, and the
// refusal names that rule.
func TestAPersonsTakeoverIsRefusedByTheRuleThatForbidsIt(t *testing.T) {
	type change func(in *Input, was *Decision, ask *TakeoverAsk)
	for _, c := range []struct {
		name   string
		change change
		want   Rule
	}{
		{"nothing forbids it", func(*Input, *Decision, *TakeoverAsk) {}, ""},
		{"no document", func(in *Input, _ *Decision, _ *TakeoverAsk) { in.Doc = nil }, R9},
		{"a shared role", func(in *Input, _ *Decision, _ *TakeoverAsk) { in.Doc.Exclusive = false }, R9},
		{"this side is fenced", func(in *Input, _ *Decision, _ *TakeoverAsk) { in.Doc.Fenced = spec.Standby }, R2},
		{"a pause on the node", func(in *Input, _ *Decision, _ *TakeoverAsk) { in.Pause = &PauseOrder{Reason: "work"} }, R11},
		{"a pause in the document", func(in *Input, _ *Decision, _ *TakeoverAsk) { in.Doc.Paused = true }, R11},
		{"services that cannot start", func(in *Input, _ *Decision, _ *TakeoverAsk) { in.Blocked = "no unit" }, RService},
		{"a claim that went back", func(in *Input, _ *Decision, _ *TakeoverAsk) { in.Claim.Regressed = true }, R10},
		{"Active already", func(in *Input, was *Decision, _ *TakeoverAsk) { in.Doc.Active, was.Status = spec.Standby, Active }, R9},
		{"to adopt a claim of the other side", func(_ *Input, _ *Decision, ask *TakeoverAsk) { ask.Adopt = true }, R9},
		{"to adopt a claim of this side", func(in *Input, _ *Decision, ask *TakeoverAsk) {
			ask.Adopt, in.Claim.Tip.Holder = true, HeldBy(spec.Standby)
		}, ""},
		{"to adopt the claim of a machine that lives", func(in *Input, _ *Decision, ask *TakeoverAsk) {
			ask.Adopt, in.Claim.Tip.Holder, in.Twin = true, HeldBy(spec.Standby), true
		}, R9},
		{"to adopt a claim that was not read", func(in *Input, _ *Decision, ask *TakeoverAsk) {
			ask.Adopt, in.Claim.Tip.Holder, in.Claim.Read = true, HeldBy(spec.Standby), false
		}, R9},
		{"to adopt without coordination", func(in *Input, _ *Decision, ask *TakeoverAsk) { ask.Adopt, in.Doc.Coordinated = true, false }, R8},
		{"to accept a claim that did not go back", func(_ *Input, _ *Decision, ask *TakeoverAsk) { ask.Reroot = true }, R10},
		{"to accept a claim that went back", func(in *Input, _ *Decision, ask *TakeoverAsk) { ask.Reroot, in.Claim.Regressed = true, true }, ""},
		{"to accept one and to state nothing", func(in *Input, _ *Decision, ask *TakeoverAsk) {
			ask.Reroot, ask.Attest, in.Claim.Regressed = true, "", true
		}, R9},
	} {
		in := &Input{
			Instance: "standby-2",
			Doc:      &Doc{Node: "standby", Role: "xivo", Side: spec.Standby, Active: spec.Main, Exclusive: true, Coordinated: true},
			Claim:    ClaimView{Read: true, Reachable: true, Tip: Tip{ID: "t2", Claim: Claim{Holder: HeldBy(spec.Main), Instance: "main-1"}}},
		}
		was, ask := &Decision{Status: Inactive}, TakeoverAsk{Attest: "main is off"}
		c.change(in, was, &ask)
		var refused *Refused
		if got := RefuseTakeover(in, was, ask); errors.As(got, &refused) != (c.want != "") || refused != nil && refused.Rule != c.want {
			t.Errorf("%s: %v, want a refusal by %q", c.name, got, c.want)
		}
	}
}

// R2, R11: only a drain that is under way on a node that is not paused can be ended.
func TestOnlyADrainThatIsUnderWayCanBeEnded(t *testing.T) {
	for _, c := range []struct {
		name string
		in   Input
		want Rule
	}{
		{"no document", Input{}, R2},
		{"nothing drains", Input{Doc: &Doc{}, Memory: Memory{Stage: StageServing}}, R2},
		{"a drain", Input{Doc: &Doc{}, Memory: Memory{Stage: StageDraining}}, ""},
		{"a drain on a paused node", Input{Doc: &Doc{Paused: true}, Memory: Memory{Stage: StageDraining}}, R11},
	} {
		var refused *Refused
		err := RefuseEndOfDrain(&c.in, &Decision{})
		if errors.As(err, &refused) != (c.want != "") || refused != nil && refused.Rule != c.want {
			t.Errorf("%s: %v, want a refusal by %q", c.name, err, c.want)
		}
	}
}

// R9: a person is not advised to adopt the claim of a machine that lives, and an
// order to do so that was given before is not carried out.
func TestTheClaimOfAMachineThatLivesIsNotAdopted(t *testing.T) {
	for _, ask := range []*TakeoverAsk{nil, {Attest: "the old machine is gone", Adopt: true}} {
		in := &Input{
			Now: time.Hour, Instance: "main-2", Twin: true, Takeover: ask, Services: []Observed{{Run: Stopped}},
			Doc: &Doc{Node: "main", Role: "xivo", Side: spec.Main, Active: spec.Main, Exclusive: true, Coordinated: true,
				Services: []Service{{Name: "asterisk"}}},
			Claim: ClaimView{Read: true, Reachable: true, Tip: Tip{ID: "t2", Claim: Claim{Seq: 2, Holder: HeldBy(spec.Main), Instance: "main-1"}}},
		}
		d := Decide(in)
		if d.Status != Held || d.Push != nil || strings.Contains(d.Reason, "--adopt") || !strings.Contains(d.Reason, "another agent calls itself main") {
			t.Errorf("%s: %s, push %v", d.Status, d.Reason, d.Push)
		}
	}
}
