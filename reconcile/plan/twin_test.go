package plan

import (
	"strings"
	"testing"
	"time"

	"mainstay/spec"
)

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
