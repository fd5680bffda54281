package fleet

import (
	"fmt"
	"slices"
	"time"

	"mainstay/reconcile/plan"
)

// unserved finds the roles that nobody serves, as far as reports tell, and what gets
// them served again.
func (d *Deployment) unserved(read time.Time) {
	var roles []string
	for _, n := range d.Nodes {
		if n.Side != "" && !slices.Contains(roles, n.Role) {
			roles = append(roles, n.Role)
		}
	}
	for _, role := range roles {
		text, since := d.outage(role, read)
		if text == "" {
			continue
		}
		d.Outages = append(d.Outages, text)
		d.Unserved = append(d.Unserved, Unserved{Role: role, Since: since, Text: text})
		if way := d.way(role); way != "" && !slices.Contains(d.Ways, way) {
			d.Ways = append(d.Ways, way)
		}
	}
}

// outage says that nobody serves a role, and how that is known: it is empty while a
// node of it may serve. Silence of a node is no proof that it does not serve, and the
// text says whose word it is. since is zero where it is not known.
func (d *Deployment) outage(role string, read time.Time) (text string, since time.Time) {
	var silent, lost string
	for _, n := range d.of(role) {
		if n.Report == nil || n.Report.Status == plan.Unknown {
			return "", time.Time{}
		}
		seen, by := d.silence(n)
		switch {
		case n.Report.Status != plan.Active && !n.Report.Running:
			if n.Stale {
				return "", time.Time{}
			}
			since = later(since, n.Report.Since)
		case by != "":
			since, silent = later(since, seen), fmt.Sprintf(", as far as %s sees: %s does not answer", by, n.Name)
		case n.Stale && n.Ahead == 0:
			lost = fmt.Sprintf("nobody is known to serve %s: %s served, and was last heard %s ago", role, n.Name, Age(n.Heard()))
		default:
			return "", time.Time{}
		}
	}
	if lost != "" {
		return lost, time.Time{}
	}
	return fmt.Sprintf("nobody serves %s, since %s%s", role, since.UTC().Format("2006-01-02 15:04:05Z"), silent), since
}

// silence says since when the node of the other side finds that nothing answers on
// this one, and which node that is; by is empty when it does not, and when this one
// was heard since.
func (d *Deployment) silence(n Node) (since time.Time, by string) {
	for _, o := range d.of(n.Role) {
		if o.Side != n.Side.Other() || o.Report == nil || o.Stale {
			continue
		}
		for _, c := range o.Report.Conditions {
			heardSince := n.Ahead == 0 && n.Report != nil && n.Report.At.After(c.Since.Add(farAhead))
			if c.Type == plan.CondWitnessSilent && !heardSince {
				return c.Since, o.Name
			}
		}
	}
	return time.Time{}, ""
}

// way is what a person can do so that a role is served again, empty where nothing
// is known to help.
func (d *Deployment) way(role string) string {
	for _, n := range d.of(role) {
		if r := n.Report; r != nil && !n.Stale && (r.Status == plan.Activating && n.Side == d.Active || r.Status == plan.Deactivating) {
			return fmt.Sprintf("%s is %s: `mainstay status --watch` shows how far it is", n.Name, r.Status)
		}
	}
	for _, n := range d.of(role) {
		r := n.Report
		if r == nil || n.Stale {
			continue
		}
		switch {
		case r.Paused && n.Side == d.Active:
			return fmt.Sprintf("%s is paused: `mainstay resume` on it lets it serve", n.Name)
		case n.Side != d.Active && d.Active != "" && r.Status == plan.Inactive:
			return fmt.Sprintf("if %s cannot be mended soon: `mainstay failover --to %s` shows what would happen, and asks", d.Active, n.Side)
		}
	}
	return ""
}

// of lists the nodes of an exclusive role.
func (d *Deployment) of(role string) []Node {
	var out []Node
	for _, n := range d.Nodes {
		if n.Role == role && n.Side != "" {
			out = append(out, n)
		}
	}
	return out
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
