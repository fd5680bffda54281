package reconcile

import (
	"fmt"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/permit"
	"mainstay/spec"
)

// fits refuses a document that would take this node away from its claim: under
// another name, or in another role, nothing that is known of the other side counts
// (R13). A person on the node can still accept such a document, with a statement.
func (l *Learner) fits(next *Snapshot, d *spec.Deployment, tip string) []plan.Condition {
	if _, ok := d.Nodes[l.Node]; !ok {
		return []plan.Condition{{Type: plan.CondNodeUnknown, Message: fmt.Sprintf(
			"%s has no node %q: name it under nodes, or set node in the agent file", l.Path, l.Node)}}
	}
	if next.Accepted == nil || l.override == tip && l.attest != "" {
		return nil
	}
	kind, what := permit.Renames(next.Accepted.Deployment, d, l.Node)
	if kind == "" {
		return nil
	}
	return []plan.Condition{{Type: kind, Message: fmt.Sprintf(
		"%s %s, which would leave its claims behind: if that is meant, see what runs on both sides, then run mainstay accept %.12s --attest \"…\" on each node", l.Path, what, tip)}}
}
