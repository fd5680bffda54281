package console

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"mainstay/reconcile/console/kept"
	"mainstay/reconcile/console/terms"
	"mainstay/reconcile/console/words"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// picture is a deployment as its page shows it.
type picture struct {
	Head     headline
	View     *fleet.View
	D        *fleet.Deployment
	Rows     []pictureRow
	Shared   []card
	Findings []string
	Switch   []progress
	// Seen is what somebody said of what is wrong, nil for nobody; Wrong says that
	// something is.
	Seen  *kept.Word
	Wrong bool
	// Timed are the switches that people asked for at a time, Strangers branches of that
	// kind that nobody asked for here.
	Timed     []timedView
	Strangers []string
	// Guarantees are the words of the claims that are held, with what they rest on.
	Guarantees []plan.Guarantee
}

// pictureRow is a role: its nodes on the two sides, and the claim between them.
type pictureRow struct {
	Role          string
	Main, Standby *card
	// Claim is nil for a role that has none.
	Claim *fleet.Claim
	// Holder is the side that holds it, empty when it is free.
	Holder spec.Side
}

// progress is how far a node is in a switch.
type progress struct {
	Name, Side, Status, Shape, Mark string
	Phases                          []moment
	// Waits is what it waits for, with the time that is left of a bounded wait.
	Waits string
}

// moment is a phase of a switch, counted from the first that the node knows.
type moment struct {
	Name  string
	After time.Duration
	First bool
	At    time.Time
}

func (c *Console) deploymentPage(w http.ResponseWriter, r *http.Request) {
	s, p, e := c.about(w, r, "now")
	if e == nil {
		return
	}
	m := pictureOf(p.Language, e, s.at)
	m.Seen, m.Wrong = c.seenOf(e), markOf(e.D) != ""
	m.Timed, m.Strangers = c.timedOf(p, e)
	p.Main = m
	c.render(w, http.StatusOK, "deployment", p)
}

// pictureOf puts a deployment's page together.
func pictureOf(l *words.Language, e *entry, now time.Time) *picture {
	d := e.D
	p := &picture{Head: headlineOf(l, d), View: e.Reading.View, D: d, Findings: d.Findings}
	for _, role := range rolesOf(d) {
		row := pictureRow{Role: role}
		for _, n := range d.Nodes {
			card := e.cardOf(l, n, now)
			if ofSide(n, role, spec.Main) {
				row.Main = &card
			} else if ofSide(n, role, spec.Standby) {
				row.Standby = &card
			}
		}
		if claim, ok := d.Claims[role]; ok {
			row.Claim, row.Holder = &claim, claim.Holder.Side()
			if g := claim.Guarantee; g.Meaning() != "" && row.Holder != "" && !slices.Contains(p.Guarantees, g) {
				p.Guarantees = append(p.Guarantees, g)
			}
		}
		p.Rows = append(p.Rows, row)
	}
	for _, n := range d.Nodes {
		if n.Side == "" {
			p.Shared = append(p.Shared, e.cardOf(l, n, now))
		}
	}
	p.Switch = switchOf(l, e, now)
	return p
}

// rolesOf lists the roles that have sides, as the nodes are ordered, and those that
// only a claim knows of.
func rolesOf(d *fleet.Deployment) []string {
	var out []string
	for _, n := range d.Nodes {
		if n.Side != "" && !slices.Contains(out, n.Role) {
			out = append(out, n.Role)
		}
	}
	for _, role := range slices.Sorted(maps.Keys(d.Claims)) {
		if !slices.Contains(out, role) {
			out = append(out, role)
		}
	}
	return out
}

// switchOf shows how far every node is, nil while none is on its way.
func switchOf(l *words.Language, e *entry, now time.Time) []progress {
	under := slices.ContainsFunc(e.D.Nodes, func(n fleet.Node) bool {
		return n.Report != nil && !n.Stale && terms.OnTheWay(n.Report.Status)
	})
	if !under {
		return nil
	}
	var out []progress
	for _, n := range e.D.Nodes {
		c := e.cardOf(l, n, now)
		p := progress{Name: n.Name, Side: c.Kind, Status: c.Status, Shape: c.Shape, Mark: c.Mark}
		if r := n.Report; r != nil {
			if terms.OnTheWay(r.Status) || r.Status == plan.Failed || !n.Applied {
				p.Waits = r.Told(now)
			}
			if r.Accepted == e.Reading.View.Commit || r.Document == e.D.Digest {
				p.Phases = momentsOf(r.Phases)
			}
		}
		out = append(out, p)
	}
	return out
}

func momentsOf(phases []plan.Phase) []moment {
	var out []moment
	for i, p := range phases {
		out = append(out, moment{p.Name, p.At.Sub(phases[0].At), i == 0, p.At})
	}
	return out
}
