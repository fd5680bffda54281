package control

import (
	"errors"
	"testing"

	"mainstay/reconcile"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/permit"
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

// R9: what a person accepts is what is there at that moment. When nothing came of it, the
// very commit is not accepted later by that order.
func TestAnAcceptanceThatCameToNothingIsOver(t *testing.T) {
	n := ctlServing(t)
	before, _ := n.agent.Status()
	tip := n.git.commit("active: nowhere", true)
	if _, err := n.agent.SyncWait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := n.agent.AcceptCommit(t.Context(), before.Accepted, tip, ""); err == nil {
		t.Fatal("a broken document was accepted")
	}
	n.git.with(func() {
		n.git.documents[tip] = ctlDocument(spec.Main, "")
		n.git.branch, n.git.refs["refs/heads/main"] = []string{before.Accepted}, before.Accepted
	})
	look := func() plan.Report {
		if _, err := n.agent.SyncWait(t.Context()); err != nil {
			t.Fatal(err)
		}
		r, _ := n.agent.Status()
		return r
	}
	look()
	n.git.with(func() { n.git.branch, n.git.refs["refs/heads/main"] = []string{tip}, tip })
	if r := look(); r.Accepted != before.Accepted {
		t.Errorf("goes by %s, by an order that had failed", r.Accepted)
	}
}

// R9: a person who names what a node goes by accepts nothing for a node that goes by
// something else.
func TestAnAcceptanceNamesWhatIsGoneBy(t *testing.T) {
	n := ctlServing(t)
	before, _ := n.agent.Status()
	tip := n.git.commit(ctlDocument(spec.Main, "# rewritten"), true)
	if _, err := n.agent.SyncWait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := n.agent.AcceptCommit(t.Context(), tip, tip, ""); !errors.As(err, new(*permit.Refused)) {
		t.Errorf("got %v", err)
	}
	if _, err := n.agent.AcceptCommit(reconcile.GoodUntil(t.Context(), n.clock.Boot()-reconcile.OrderGoodFor), before.Accepted, tip, ""); !errors.As(err, new(*permit.Refused)) {
		t.Errorf("an order that is taken up late: got %v", err)
	}
	if r, _ := n.agent.Status(); r.Accepted != before.Accepted {
		t.Errorf("goes by %s", r.Accepted)
	}
	if _, err := n.agent.AcceptCommit(t.Context(), before.Accepted, tip, ""); err != nil {
		t.Error(err)
	}
}
