package control

import (
	"testing"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// R9, R10: a claim below what a report names holds everything, so a person may
// vouch for it as for one that was seen to go back.
func TestClaimBelowAReportCanBeAccepted(t *testing.T) {
	n := ctlRun(t, "xivo-main", func(n *ctlNode) {
		n.git.commit(ctlDocument(spec.Main, ""), false)
		n.git.setClaim(plan.Claim{Seq: 3, Holder: plan.HeldByNone, Node: "xivo-main", Instance: "xivo-main-1", Action: plan.Release})
		r := plan.Report{Deployment: "paris", Node: "xivo-standby", Role: "xivo", Side: spec.Standby, Status: plan.Inactive, Seq: 7}
		if err := n.git.Publish(t.Context(), plan.ReportRef("paris", "xivo-standby"), r); err != nil {
			t.Fatal(err)
		}
	})
	n.until("held by R10", func(r plan.Report) bool { return r.Status == plan.Held && r.Rule == plan.R10 })
	if _, err := n.control.accept(t.Context(), AcceptRequest{Claim: true, Attest: "nobody else serves"}); err != nil {
		t.Fatal(err)
	}
	n.git.with(func() { delete(n.git.refs, plan.ReportRef("paris", "xivo-standby")) }) // it reports that it is down from here on
	if r := n.untilStatus(plan.Active); r.Seq <= 7 {
		t.Errorf("serves under seq %d", r.Seq)
	}
}
