package reconcile

import (
	"fmt"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// fits refuses a document that would take this node away from its claim: under
// another name, or in another role, nothing that is known of the other side counts
// (R13). A person on the node can still accept such a document.
func (l *Learner) fits(next *Snapshot, d *spec.Deployment, tip string) []plan.Condition {
	if _, ok := d.Nodes[l.Node]; !ok {
		return []plan.Condition{{Type: plan.CondNodeUnknown, Message: fmt.Sprintf(
			"%s has no node %q: name it under nodes, or set node in the agent file", l.Path, l.Node)}}
	}
	if next.Accepted == nil || l.override == tip {
		return nil
	}
	kind, what := renames(next.Accepted.Deployment, d, l.Node)
	if kind == "" {
		return nil
	}
	return []plan.Condition{{Type: kind, Message: fmt.Sprintf(
		"%s %s, which would leave its claims behind: run mainstay accept %.12s on each node if that is meant", l.Path, what, tip)}}
}

// renames says which of the names that lead a node to its claim a document changes, or
// whether it changes the kind of the node's role.
func renames(was, d *spec.Deployment, node string) (condition, what string) {
	before, after := was.Nodes[node].Role, d.Nodes[node].Role
	wasExclusive, exclusive := was.Roles[before].Exclusive, d.Roles[after].Exclusive
	switch {
	case was.Name != d.Name:
		return plan.CondDeploymentRenamed, fmt.Sprintf("renames the deployment from %q to %q", was.Name, d.Name)
	case before != after && (wasExclusive || exclusive):
		return plan.CondRoleRenamed, fmt.Sprintf("takes %s from the role %q to %q", node, before, after)
	case exclusive && !wasExclusive:
		return plan.CondRoleRetyped, fmt.Sprintf("makes the role %q exclusive, which several nodes may be running", after)
	}
	return "", ""
}
