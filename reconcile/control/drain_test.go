package control

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// ctlDrained is a document whose service is drained before it stops.
func ctlDrained(active spec.Side, extra string) string {
	return strings.Replace(ctlDocument(active, extra), "systemd: asterisk.service }",
		"systemd: asterisk.service, drain: { command: [calls], within: 1h } }", 1)
}

// ctlDraining is the node of main while it waits for calls to end.
func ctlDraining(t *testing.T) *ctlNode {
	t.Helper()
	n := ctlRun(t, "xivo-main", func(n *ctlNode) { n.git.commit(ctlDrained(spec.Main, ""), false) })
	n.untilStatus(plan.Active)
	n.declare(spec.Standby)
	n.until("draining with its calls told", func(r plan.Report) bool {
		return r.Status == plan.Deactivating && strings.HasSuffix(r.Reason, "waiting up to 1h0m0s for calls to end: 3 calls")
	})
	return n
}

// declare commits a side, for which the other node is ready.
func (n *ctlNode) declare(active spec.Side) {
	n.t.Helper()
	hash := n.git.commit(ctlDrained(active, ""), false)
	n.git.with(func() {
		n.git.reports["ready for "+hash] = plan.Report{Deployment: "paris", Node: "xivo-standby", Role: "xivo", Side: spec.Standby,
			Status: plan.Held, Ready: true, Accepted: hash, Seq: 1}
		n.git.refs[plan.ReportRef("paris", "xivo-standby")] = "ready for " + hash
	})
	if _, err := n.dial().Sync(n.t.Context(), ctlBound); err != nil {
		n.t.Fatal(err)
	}
}

func TestTheReportTellsWhatADrainWaitsFor(t *testing.T) {
	n := ctlDraining(t)
	r, _ := n.agent.Status()
	if s := r.Services[0]; s.Reason != "3 calls" {
		t.Errorf("of the service it says %q", s.Reason)
	}
	if r.Until.IsZero() {
		t.Error("it does not say until when")
	}
}

func TestAPersonEndsADrain(t *testing.T) { // R2
	n := ctlDraining(t)
	a, err := n.dial().Drain(t.Context(), DrainRequest{End: true})
	if err != nil {
		t.Fatal(err)
	}
	if a.Message == "" || !strings.HasSuffix(a.Report.Reason, "a person ended the drain") && a.Report.Status != plan.Inactive {
		t.Errorf("the answer is %q: %s: %s", a.Message, a.Report.Status, a.Report.Reason)
	}
	n.untilStatus(plan.Inactive)
	released := func() bool {
		n.git.mu.Lock()
		defer n.git.mu.Unlock()
		return slices.ContainsFunc(mapValues(n.git.claims), func(c plan.Claim) bool {
			return c.Action == plan.Release && strings.HasSuffix(c.Reason, "; a person ended the drain")
		})
	}
	n.until("released, and why, in the claim's history", func(plan.Report) bool { return released() })
	_, err = n.dial().Drain(t.Context(), DrainRequest{End: true})
	refused(t, err, plan.R2, "nothing drains on this node: it is Inactive: ")
}

func TestADrainIsEndedWhereOneIsUnderWay(t *testing.T) {
	n := ctlServing(t)
	c := n.dial()
	_, err := c.Drain(t.Context(), DrainRequest{})
	misused(t, err, "begins with a commit")
	w := newAnswer()
	n.control.Handler().ServeHTTP(w, newOrder("/v1/drain", `{"end":false}`))
	if w.Code != http.StatusBadRequest {
		t.Errorf("an order that ends nothing answered %d", w.Code)
	}
	_, err = c.Drain(t.Context(), DrainRequest{End: true})
	refused(t, err, plan.R2, "nothing drains on this node: it is Active: ")
}

func TestAPausedNodeIsResumedBeforeItsDrainIsEnded(t *testing.T) { // R11
	n := ctlDraining(t)
	c := n.dial()
	if _, err := c.Pause(t.Context(), PauseRequest{Reason: "new disks", For: "1h"}); err != nil {
		t.Fatal(err)
	}
	_, err := c.Drain(t.Context(), DrainRequest{End: true})
	refused(t, err, plan.R11, "new disks")
}
