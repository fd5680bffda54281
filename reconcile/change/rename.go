package change

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
)

// renaming are the types of condition by which a node says that a commit takes it away from
// its claim: only a statement of what both sides are makes up for that (R13).
func renaming() []string {
	return []string{plan.CondDeploymentRenamed, plan.CondRoleRenamed, plan.CondRoleRetyped}
}

// nameOf is the deployment's name that a node goes by.
func nameOf(r *plan.Report, d *fleet.Deployment) string { return cmp.Or(r.Deployment, d.Name) }

// under puts the note where the nodes look for one: below the name that they go by. A claim
// of a name that they leave is told: it says who serves, and nothing goes on from it (R13).
func (c *Consent) under(d *fleet.Deployment) error {
	name, by := "", ""
	for _, node := range slices.Sorted(maps.Keys(c.Note.Nodes)) {
		n, _ := d.Node(node)
		own := nameOf(n.Report, d)
		if name != "" && name != own {
			return &Refused{fmt.Sprintf("%s goes by the name %s, and %s by %s: no note is for both", by, name, node, own), "run mainstay accept on each node"}
		}
		name, by = own, node
	}
	c.Note.Deployment = name
	for _, f := range d.Former {
		if f.Name == name {
			c.leave(f, d.Name)
		}
	}
	return nil
}

// leave tells of the claims of a name that nodes leave.
func (c *Consent) leave(f fleet.Former, name string) {
	c.Leaves = append(c.Leaves, fmt.Sprintf("these nodes go by the name %s, and the commit names the deployment %s: under that name no claim says who serves, so what runs stops at once, "+
		"and starts again when the other side says that it is down, or as handover says of a side that is silent (R1, R4, R13)", f.Name, name))
	for _, role := range slices.Sorted(maps.Keys(f.Claims)) {
		said := "cannot be read: " + f.Claims[role].Error
		if t := f.Claims[role]; t.Error == "" {
			said = fmt.Sprintf("is at #%d, held by %s (%s)", t.Seq, t.Holder, cmp.Or(t.Node, "no node"))
		}
		c.Leaves = append(c.Leaves, fmt.Sprintf("the claim of %s under the name %s stays behind; it %s", role, f.Name, said))
	}
}
