package fleet

import (
	"fmt"
	"maps"
	"slices"

	"mainstay/reconcile/plan"
)

// judgeStrangers tells of nodes and claims that the document does not name. An old
// report of a node that was taken out of the document is no finding; one that is
// fresh is of an agent that runs now, and a claim it holds keeps the role from
// everybody else.
func (v *View) judgeStrangers(d *Deployment) {
	d.Findings = append(d.Findings, d.left...)
	if d.Spec == nil {
		return
	}
	for _, role := range slices.Sorted(maps.Keys(d.Claims)) {
		c := d.Claims[role]
		if _, named := d.Spec.Nodes[c.Node]; !named && c.Holder.Side() != "" {
			d.say("%s holds the claim of %s, and the document does not name it: if it was renamed, take its old name back and "+
				"rename it while it is inactive", c.Node, role)
		}
	}
	for i := range d.strangers {
		n := &d.strangers[i]
		n.dated(v.Read)
		if n.Heard() > FreshFor(d.Spec, n.Report) {
			continue
		}
		if v.otherDocument(d, n.Report) {
			d.say("two documents are called %s and share its claims: this one, %s of %s, and %s of %s, which %s goes by: "+
				"give one of them another name, or a coordination repository of its own",
				d.Name, d.Path, v.Repository, n.Report.Path, n.Report.Repository, n.Name)
			continue
		}
		does := "is " + string(n.Report.Status)
		if n.Report.Running || n.Report.Status == plan.Active {
			does += ", and its services run"
		}
		text := fmt.Sprintf("an agent calls itself %s, and the document has no such node; it %s", n.Name, does)
		if n.Report.Reason != "" {
			text += ": " + n.Report.Told(v.Read)
		}
		d.say("%s", text)
	}
}

// otherDocument reports whether an agent that the document does not name goes by
// another one of that name: in another repository, whose commits are not of this one.
func (v *View) otherDocument(d *Deployment, r *plan.Report) bool {
	known := r.Repository != "" && v.Repository != "" && v.Commit != ""
	return known && !SameRepository(r.Repository, v.Repository) && r.Seen != v.Commit && r.Accepted != v.Commit
}
