package control

import (
	"testing"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// An agent that still looks at its services says so, and not that it is nobody.
func TestStatusBeforeTheFirstDecisionNamesTheNode(t *testing.T) {
	n := ctlRun(t, "xivo-main", func(n *ctlNode) {
		n.services.run = []plan.Run{""}
		n.git.commit(ctlDocument(spec.Main, ""), false)
	})
	n.until("passed", func(plan.Report) bool { return n.agent.Passed() > 0 })
	if r := ViewOf(n.agent).Node; r.Node != "xivo-main" || r.Status != plan.Unknown {
		t.Errorf("the node is %q, and %q", r.Node, r.Status)
	}
}
