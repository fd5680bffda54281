package change

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"mainstay/reconcile/acceptance"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
)

// Left are the nodes that were not seen to obey yet.
func (c *Consent) Left(d *fleet.Deployment) (left []string) {
	for _, n := range c.Nodes {
		e, ok := c.Note.Nodes[n.Node]
		now, _ := d.Node(n.Node)
		switch {
		case !ok:
		case e.Commit != nil && now.Report != nil && now.Report.Accepted == e.Commit.To:
		case e.Claim != nil && c.rerooted(n.Node, e, d):
		default:
			left = append(left, n.Node)
		}
	}
	return left
}

// rerooted reports whether a node was seen to do what a note says of its claim: the claim says
// so, or else the node, which says it anew. That the claim went on proves nothing: another
// node may have put it back, or have taken it.
func (c *Consent) rerooted(node string, e acceptance.Entry, d *fleet.Deployment) bool {
	if tip := d.Claims[e.Claim.Role]; c.put[node] || tip.Error == "" && c.Note.Ordered(e.Claim, tip.Tip) {
		return true
	}
	at := obediences(d)[node]
	return !at.IsZero() && !at.Equal(c.obeyed[node])
}

// trace looks, of a claim that went on, whether one of its changes is what the note says: the
// node itself goes on at once.
func (c *Consent) trace(ctx context.Context, node string, d *fleet.Deployment) {
	e := c.Note.Nodes[node]
	if c.Changes == nil || c.otherwise(node, d) == "" || c.traced[node] == d.Claims[e.Claim.Role].ID {
		return
	}
	all, err := c.Changes(ctx, e.Claim.Role)
	if err == nil {
		c.traced[node] = d.Claims[e.Claim.Role].ID
		c.put[node] = slices.ContainsFunc(all, func(t plan.Tip) bool { return c.Note.Ordered(e.Claim, t) })
	}
}

// otherwise says of a claim that went on without the node, what it is now, empty for one that
// did not.
func (c *Consent) otherwise(node string, d *fleet.Deployment) string {
	e := c.Note.Nodes[node]
	if e.Claim == nil {
		return ""
	}
	tip := d.Claims[e.Claim.Role]
	if tip.Error != "" || tip.ID == e.Claim.Server || tip.Seq < e.Claim.Seq {
		return ""
	}
	return fmt.Sprintf("the claim of %s was settled otherwise: it is at #%d, held by %s (%s by %s)", e.Claim.Role, tip.Seq, tip.Holder, tip.Action, tip.Node)
}

// obediences are when nodes obeyed the newest note that they obeyed, by their own clocks.
func obediences(d *fleet.Deployment) map[string]time.Time {
	all := map[string]time.Time{}
	for node, k := range saying(d, plan.CondAcceptedByNote) {
		all[node] = k.Since
	}
	return all
}

// refusals are what nodes say of a note that they do not obey.
func refusals(d *fleet.Deployment) map[string]string {
	all := map[string]string{}
	for node, k := range saying(d, plan.CondNoteRefused) {
		all[node] = k.Message
	}
	return all
}

// saying is the last condition of a type in each node's report, by node.
func saying(d *fleet.Deployment, kind string) map[string]plan.Condition {
	all := map[string]plan.Condition{}
	for _, n := range d.Nodes {
		if n.Report == nil {
			continue
		}
		for _, k := range n.Report.Conditions {
			if k.Type == kind {
				all[n.Name] = k
			}
		}
	}
	return all
}

// Late says which nodes did not obey a note in time.
type Late struct{ Nodes []string }

// Error names them.
func (l *Late) Error() string {
	return "not every node obeyed in time: " + strings.Join(l.Nodes, ", ")
}

// Hint returns where to look.
func (l *Late) Hint() string { return "mainstay status shows what each node says" }

// Follow looks until every node has obeyed the note, and tells of each refusal once. The
// error is a Late when they have not before ctx ends.
func (c *Consent) Follow(ctx context.Context, look Look, tell func(node, says string), tick <-chan time.Time) error {
	told, left := c.before, slices.Sorted(maps.Keys(c.Note.Nodes))
	for {
		if _, d, err := look(ctx); err == nil {
			for _, node := range c.Left(d) {
				c.trace(ctx, node, d)
			}
			left = c.Left(d)
			refused := refusals(d)
			for _, node := range left {
				says := refused[node]
				if other := c.otherwise(node, d); other != "" {
					says = other
				}
				if says != "" && told[node] != says {
					told[node] = says
					tell(node, says)
				}
			}
		}
		if len(left) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return &Late{left}
		case <-tick:
		}
	}
}
