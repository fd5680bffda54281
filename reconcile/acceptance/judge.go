package acceptance

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/permit"
)

// Node is a node as it is now.
type Node struct {
	// Branch is the full name of the branch that it follows.
	Branch string
	// Report is what it says of itself, and Claim what it knows of its role's claim.
	Report plan.Report
	Claim  plan.ClaimView
	Now    time.Time
}

// state names what of a node decides whether an order can be carried out.
func (n Node) state() string {
	return fmt.Sprint(n.Report.Accepted, n.Report.Seen, n.Claim.Tip.ID, n.Claim.Server, n.Claim.Regressed, n.Claim.Reachable)
}

// Refused says why a node does not obey a note.
type Refused struct{ Reason string }

// Error returns the reason.
func (r *Refused) Error() string { return r.Reason }

func refuse(format string, args ...any) error { return &Refused{fmt.Sprintf(format, args...)} }

// For is what a note asks of a node, nil when there is nothing for it to do. A note that
// names the node and not its present state is Refused: somebody accepted something else.
func (n *Note) For(node Node) (*Entry, error) {
	r := &node.Report
	e, named := n.Nodes[r.Node]
	switch {
	case n.Deployment != r.Deployment:
		return nil, refuse("it is about the deployment %q, and this is %s", n.Deployment, r.Deployment)
	case n.Branch != node.Branch:
		return nil, refuse("it is about the branch %q, and this node follows %s", n.Branch, node.Branch)
	case !named || e.done(node):
		return nil, nil
	}
	err := e.fits(node)
	if over := !node.Now.Before(n.Until); over && err != nil {
		return nil, nil
	} else if over {
		return nil, refuse("it was good until %s", n.Until.Format(time.RFC3339))
	}
	if err != nil {
		return nil, err
	}
	return &e, nil
}

// fits returns a Refused when the node is not as the entry says.
func (e Entry) fits(node Node) error {
	r := &node.Report
	switch {
	case e.Instance != r.Instance:
		return refuse("it is about another machine that goes by the name of this node")
	case e.Repository != r.Repository || e.Path != r.Path:
		return refuse("it is about %q in %q, and this node reads %s in %s", e.Path, e.Repository, r.Path, r.Repository)
	case e.Commit != nil:
		return e.commit(r)
	}
	return e.claim(node)
}

// done reports whether the node is where the note leads.
func (e Entry) done(node Node) bool {
	return e.Commit != nil && node.Report.Accepted == e.Commit.To ||
		e.Claim != nil && e.Claim.above(node.Claim.Tip) && !node.Claim.Regressed
}

// above reports whether a change puts the claim above the highest number.
func (c *Claim) above(t plan.Tip) bool { return t.Action == plan.Reroot && t.Seq > c.Seq }

// by reports whether a change puts the claim above the highest number by an order.
func (c *Claim) by(t plan.Tip, order string) bool { return c.above(t) && t.Reason == order }

// Ordered reports whether a change puts a claim above the highest number by an order of this
// note, whoever signed it.
func (n *Note) Ordered(c *Claim, t plan.Tip) bool {
	return c.above(t) && strings.HasPrefix(t.Reason, n.Attest+signedBy)
}

// deadEnd is what to add to an order's error when no note can do better: what a rewritten
// history renames shows only once the history is accepted, so no node says it before (R13).
func (e Entry) deadEnd(err error) string {
	var no *permit.Refused
	if e.Commit == nil || e.Commit.Renames || !errors.As(err, &no) || no.Rule != plan.R13 {
		return ""
	}
	return "; no note can state that: only mainstay accept with --attest, run on this node, does"
}

// settled reports whether a note that was taken up here has no more to do: the node is where
// the note leads, or it went on from where the note begins. While that is not known, it has.
func (n *Note) settled(node Node) bool {
	e, named := n.Nodes[node.Report.Node]
	return named && (e.done(node) || e.Commit != nil && node.Report.Accepted != e.Commit.From ||
		e.Claim != nil && node.Claim.Read && node.Claim.Tip.Seq > e.Claim.Seq)
}

func (e Entry) commit(r *plan.Report) error {
	switch {
	case e.Commit.From != r.Accepted:
		return refuse("it is for a node that goes by commit %.12s, and this one goes by %.12s", e.Commit.From, r.Accepted)
	case e.Commit.To != r.Seen:
		return refuse("it accepts commit %.12s, and the branch is at %.12s", e.Commit.To, r.Seen)
	}
	return nil
}

func (e Entry) claim(node Node) error {
	c := node.Claim
	server := c.Tip.ID
	if c.Regressed {
		server = c.Server
	}
	switch {
	case e.Claim.Role != node.Report.Role:
		return refuse("it is about the claim of %q, and this node is of the role %s", e.Claim.Role, node.Report.Role)
	case !c.Read || !c.Reachable:
		return refuse("the claim of %s cannot be read now", e.Claim.Role)
	case e.Claim.Server != server:
		return refuse("it accepts the claim of %s as %q, and it is %q", e.Claim.Role, short(e.Claim.Server), short(server))
	case e.Claim.Seq != c.Tip.Seq:
		return refuse("it is for a node that remembers the claim of %s up to #%d, and this one remembers it up to #%d", e.Claim.Role, e.Claim.Seq, c.Tip.Seq)
	}
	return nil
}

func short(id string) string { return fmt.Sprintf("%.12s", id) }
