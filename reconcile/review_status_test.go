package reconcile

import (
	"context"
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
	ctx, cancel := context.WithTimeout(t.Context(), ctlBound)
	defer cancel()
	if _, err := n.agent.passes.wait(ctx, func(p progress) bool { return p.edition > 0 }); err != nil {
		t.Fatal(err)
	}
	if r := n.agent.View().Node; r.Node != "xivo-main" || r.Status != plan.Unknown {
		t.Errorf("the node is %q, and %q", r.Node, r.Status)
	}
}
