package permit

import (
	"fmt"
	"slices"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// Renames says which of the names that lead a node to its claim a document changes, or
// whether it changes the kind of the node's role: under another name, or of a role that
// several nodes may be running, nothing that is known of the other side counts (R13).
func Renames(was, d *spec.Deployment, node string) (condition, what string) {
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

// Unstated returns a Refused when a commit was not accepted because it renames what
// leads to a claim, and the person who accepts it has stated nothing (R13).
func Unstated(commit, attest string, found []plan.Condition) error {
	i := slices.IndexFunc(found, func(c plan.Condition) bool {
		return c.Type == plan.CondDeploymentRenamed || c.Type == plan.CondRoleRenamed || c.Type == plan.CondRoleRetyped
	})
	if i < 0 || attest != "" {
		return nil
	}
	return refuse(plan.R13, fmt.Sprintf(`see what each node runs, then say so on each: mainstay accept %.12s --attest "paris-standby is down, seen by me"`, commit),
		"%s", found[i].Message)
}
