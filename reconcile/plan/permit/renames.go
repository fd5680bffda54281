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

// NotAccepted is a Refused which says why a commit was not accepted that a person named,
// by the commit that was seen last and by what was found then.
func NotAccepted(commit, attest, seen string, found []plan.Condition) error {
	if err := Unstated(commit, attest, found); err != nil {
		return err
	}
	why := "the branch moved on to " + seen
	for i, c := range found {
		if i == 0 {
			why = c.Message
			continue
		}
		why += "; " + c.Message
	}
	return refuse("", "accept overrides the check that a commit descends from the one before, and nothing else", "commit %.12s was not accepted: %s", commit, why)
}

// Study is which commit's document is judged, for which node.
type Study struct{ Node, Path, Commit string }

// Unfit refuses a document that would take a node away from its claim: under another
// name, or in another role, nothing that is known of the other side counts (R13). Was is
// the document in force, nil without one, and when a person on the node has accepted the
// new one with a statement.
func Unfit(was, d *spec.Deployment, s Study) []plan.Condition {
	if _, ok := d.Nodes[s.Node]; !ok {
		return []plan.Condition{{Type: plan.CondNodeUnknown, Message: fmt.Sprintf(
			"%s has no node %q: name it under nodes, or set node in the agent file", s.Path, s.Node)}}
	}
	if was == nil {
		return nil
	}
	kind, what := Renames(was, d, s.Node)
	if kind == "" {
		return nil
	}
	return []plan.Condition{{Type: kind, Message: fmt.Sprintf(
		"%s %s, which would leave its claims behind: if that is meant, see what runs on both sides, then run mainstay accept %.12s --attest \"…\" on each node", s.Path, what, s.Commit)}}
}
