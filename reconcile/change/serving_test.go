package change

import (
	"strings"
	"testing"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// Who serves is said by side, and nothing is said to serve that did not say so.
func TestWhoServesIsSaidBySide(t *testing.T) {
	main := plan.Claim{Seq: 3, Holder: "main"}
	active := &plan.Report{Status: plan.Active, Seq: 3}
	d := &fleet.Deployment{
		Claims: map[string]fleet.Claim{"cc": {Tip: plan.Tip{Claim: main}}, "xivo": {Tip: plan.Tip{Claim: main}}, "fax": {}, "sms": {Tip: plan.Tip{Claim: main}}, "web": {Tip: plan.Tip{Claim: main}}},
		Nodes: []fleet.Node{
			{Name: "c", Role: "cc", Side: spec.Main, Report: active}, {Name: "x", Role: "xivo", Side: spec.Main, Report: active},
			{Name: "s", Role: "sms", Side: spec.Main, Report: &plan.Report{Deployment: "lutetia", Status: plan.Active, Seq: 3}},
			{Name: "w", Role: "web", Side: spec.Main, Report: &plan.Report{Status: plan.Active, Seq: 2}},
		},
	}
	const want = "main serves cc and xivo, nobody holds the claim of fax, main holds the claim of sms but has not said that it serves, main holds the claim of web but has not said that it serves"
	if got := strings.Join(Serving(d), ", "); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
