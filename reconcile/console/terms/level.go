package terms

import (
	"slices"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// Level is how much a deployment needs a person.
type Level string

// The levels, worst first.
const (
	Dual   Level = "dual"   // both sides serve a role
	Down   Level = "down"   // nobody serves a role
	Bad    Level = "bad"    // something is not as it should be
	Moving Level = "moving" // a switch is under way, and nothing else is wrong
	Fine   Level = "fine"
)

// Levels lists them, worst first.
func Levels() []Level { return []Level{Dual, Down, Bad, Moving, Fine} }

// Rank is its place, 0 for the worst.
func (l Level) Rank() int { return slices.Index(Levels(), l) }

// LevelOf judges a deployment by what package fleet found.
func LevelOf(d *fleet.Deployment) Level {
	switch {
	case len(DualRoles(d)) > 0:
		return Dual
	case len(d.Outages) > 0:
		return Down
	case d.OK:
		return Fine
	case moving(d):
		return Moving
	}
	return Bad
}

// DualRoles are the roles that both sides say they serve, or that a node saw both
// sides serve.
func DualRoles(d *fleet.Deployment) []string {
	var out []string
	add := func(role string) {
		if role != "" && !slices.Contains(out, role) {
			out = append(out, role)
		}
	}
	serving := map[string]spec.Side{}
	for _, n := range d.Nodes {
		r := n.Report
		if r == nil {
			continue
		}
		for _, c := range r.Conditions {
			if c.Type == plan.CondDualActive && !n.Stale {
				add(n.Role)
			}
		}
		if n.Side == "" || n.Stale || !r.Running && r.Status != plan.Active || Superseded(d, n) {
			continue
		}
		if other := serving[n.Role]; other != "" && other != n.Side {
			add(n.Role)
		}
		serving[n.Role] = n.Side
	}
	return out
}

// Superseded reports whether the other side holds the claim since a node said that it
// serves: its word is from before.
func Superseded(d *fleet.Deployment, n fleet.Node) bool {
	c := d.Claims[n.Role]
	return d.Own(n.Report) && c.Holder.Side() == n.Side.Other() && c.Seq > n.Report.Seq
}

// moving reports whether nothing is wrong but that nodes are on their way.
func moving(d *fleet.Deployment) bool {
	if len(d.Findings)+len(d.Problems) > 0 {
		return false
	}
	for _, n := range d.Nodes {
		if n.OK {
			continue
		}
		if n.Report == nil || n.Stale || len(n.Report.Conditions) > 0 {
			return false
		}
		if OnTheWay(n.Report.Status) || !n.Applied && n.Report.Status != plan.Failed && n.Report.Status != plan.Paused {
			continue
		}
		return false
	}
	return true
}

// OnTheWay reports whether a node of this status goes on by itself.
func OnTheWay(s plan.Status) bool {
	return s == plan.Activating || s == plan.Deactivating || s == plan.Held
}

// Served lists the roles that each side serves, as far as fresh reports under the
// claim's own number tell.
func Served(d *fleet.Deployment) map[spec.Side][]string {
	out := map[spec.Side][]string{}
	for _, n := range d.Nodes {
		r := n.Report
		if n.Side == "" || r == nil || n.Stale || Superseded(d, n) || slices.Contains(out[n.Side], n.Role) {
			continue
		}
		if r.Status == plan.Active || r.Paused && r.Running {
			out[n.Side] = append(out[n.Side], n.Role)
		}
	}
	return out
}

// Shape is a sign that stands beside the word of a level, so that no one needs to tell
// colours apart.
func (l Level) Shape() string {
	return map[Level]string{Dual: "■", Down: "✕", Bad: "▲", Moving: "◐", Fine: "●"}[l]
}
