// Package alert tells people of what a node, or the page, sees: of a switch, of what
// lasts too long, of what nobody hears any more, and of the end of each.
//
// One event is one message. A node tells of itself; of what concerns several nodes tells
// the one that stands nearest to it and is heard, a switch that who won it. What was
// told is kept on disk, so that a restart tells nothing twice. Nothing is told that was
// not observed: a node that is not heard is "not observed", never "down", and an end is
// told only when the end was seen.
//
// It is never in the way of a decision: nothing here is waited for. It must not know git,
// nor how anything is sent.
package alert

import (
	"slices"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// Sight is what somebody who tells sees at one moment.
type Sight struct {
	// At is the time by the clock on the teller's wall.
	At         time.Time
	Deployment string
	// Self is the node that tells, empty for the page, which tells of everything.
	Self string
	// Young says that the teller has just begun: what it finds may be told already.
	Young bool
	// Git says that the newest look at git was answered. Without it nothing is seen but
	// the teller's own node.
	Git bool
	// Objective is how long a switch should take, zero for any time.
	Objective time.Duration
	Nodes     []Node
	Roles     []Role
	// Commit is the accepted one, and Commits those that were read, by hash.
	Commit  string
	Commits map[string]Commit
}

// Node is one node, as the teller sees it.
type Node struct {
	Name, Role string
	Side       spec.Side
	// Report is its newest, nil when it was never heard.
	Report *plan.Report
	// Silent says that it was looked for longer than a node that lives is silent, and
	// not heard. Fresh says that its report speaks for it now.
	Silent, Fresh bool
	// Elder says that it told before the teller began, and has not begun again since.
	Elder bool
	// Heard is when the teller saw its report change last, zero when it did not.
	Heard time.Time
}

// Role is an exclusive role whose claim can be read.
type Role struct {
	Name     string
	Declared spec.Side
	Tip      plan.Tip
	// Leads says that the role follows no other: its switch is the deployment's.
	Leads bool
}

// Commit is what a commit says of itself.
type Commit struct {
	Who     string `json:"who"`
	Subject string `json:"subject"`
}

// node finds a node by its name.
func (s *Sight) node(name string) *Node {
	i := slices.IndexFunc(s.Nodes, func(n Node) bool { return n.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Nodes[i]
}

// sees reports whether a node's report speaks for it now.
func (s *Sight) sees(name string) bool {
	n := s.node(name)
	return n != nil && n.Report != nil && (n.Name == s.Self || s.Git && n.Fresh)
}

// own are the nodes that the teller speaks for: itself, or for the page all that are
// heard.
func (s *Sight) own() []*Node {
	var out []*Node
	for i := range s.Nodes {
		if n := &s.Nodes[i]; s.sees(n.Name) && (s.Self == "" || n.Name == s.Self) {
			out = append(out, n)
		}
	}
	return out
}

// of lists the nodes of a role.
func (s *Sight) of(role string) []*Node {
	var out []*Node
	for i := range s.Nodes {
		if s.Nodes[i].Role == role {
			out = append(out, &s.Nodes[i])
		}
	}
	return out
}

// on is the name of a role's node on a side.
func (s *Sight) on(role string, side spec.Side) string {
	for _, n := range s.of(role) {
		if n.Side == side && side != "" {
			return n.Name
		}
	}
	return ""
}

// mine reports whether the teller is the one to tell of what concerns several nodes: the
// first of those preferred, then of all by name, that sends alerts and is heard.
func (s *Sight) mine(prefer ...string) bool {
	if s.Self == "" {
		return true
	}
	var names []string
	for _, n := range s.Nodes {
		names = append(names, n.Name)
	}
	slices.Sort(names)
	for _, name := range append(prefer, names...) {
		if name == s.Self {
			return true
		}
		if name != "" && s.sees(name) && s.speaks(s.node(name)) {
			return false
		}
	}
	return false
}

// speaks reports whether another node can be relied upon to tell.
func (s *Sight) speaks(n *Node) bool {
	return n.Report.Tells && !n.Report.Ended && len(s.witness(n)) == 0
}

// elder reports whether somebody who is heard told before the teller began.
func (s *Sight) elder() bool {
	return slices.ContainsFunc(s.Nodes, func(n Node) bool { return n.Elder && n.Name != s.Self && s.sees(n.Name) && s.speaks(&n) })
}

// named reports whether a report is of the name that the deployment has: the numbers in one that
// a node gave under another name are of that name's claims.
func (s *Sight) named(r *plan.Report) bool { return r.Deployment == "" || r.Deployment == s.Deployment }

// serves is the side that was seen to serve a role: it holds the claim, and its node
// reports Active under it.
func (s *Sight) serves(r Role) spec.Side {
	side := r.Tip.Holder.Side()
	for _, n := range s.of(r.Name) {
		if n.Side == side && side != "" && s.sees(n.Name) && n.Report.Status == plan.Active && n.Report.Seq == r.Tip.Seq && s.named(n.Report) {
			return side
		}
	}
	return ""
}
