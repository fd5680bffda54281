package draw

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"mainstay/cmd/mainstay/ui"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
)

// Deployment draws one deployment: what is declared, every node, and what is
// not as it should be. What is to be said of the nodes below, which are drawn one by one
// after it, is left to that.
func Deployment(s ui.Screen, v *fleet.View, d *fleet.Deployment, below []fleet.Node) error {
	s.Cut(ui.Bold, "%s", Title(v, d))
	for _, o := range d.Outages {
		s.Say(ui.Bad, "NOT OK: %s", o)
	}
	for _, w := range d.Ways {
		s.Say(ui.Bad, "%s", w)
	}
	if v.Subject != "" {
		s.Cut(ui.Dim, "%.7s %q by %s, %s ago", v.Commit, v.Subject, author(v.Author), fleet.Age(v.Read.Sub(v.When)))
	}
	t := ui.Table{Head: []string{"NODE", "ROLE", "SIDE", "STATUS", "COMMIT", "CLAIM", "HEARD"}, Narrow: 6}
	var nodes []fleet.Node
	for _, n := range d.Nodes {
		if slices.ContainsFunc(below, func(b fleet.Node) bool { return b.Name == n.Name }) {
			n.Findings = nil
		}
		nodes = append(nodes, n)
	}
	same := sameFindings(nodes)
	for _, n := range nodes {
		t.Rows = append(t.Rows, nodeRow(n, same))
	}
	if err := t.Draw(s.Out, s.Width, s.Colour); err != nil {
		return err
	}
	sayTogether(s, nodes, same)
	for _, f := range d.Findings {
		s.Say(ui.Bad, "! %s", f)
	}
	legend(s, d.Nodes)
	style := ui.Good
	if !d.OK {
		style = ui.Bad
	}
	s.Say(style, "%s", Summary(d))
	return nil
}

// sameFindings counts how many nodes say the very same.
func sameFindings(nodes []fleet.Node) map[string]int {
	same := map[string]int{}
	for _, n := range nodes {
		for _, f := range n.Findings {
			same[f]++
		}
	}
	return same
}

// sayTogether says once what several nodes say.
func sayTogether(s ui.Screen, nodes []fleet.Node, same map[string]int) {
	said := map[string]bool{}
	for _, n := range nodes {
		for _, f := range n.Findings {
			if same[f] < 2 || said[f] {
				continue
			}
			said[f] = true
			var who []string
			for _, m := range nodes {
				if slices.Contains(m.Findings, f) {
					who = append(who, m.Name)
				}
			}
			s.Say(ui.Warn, "! %s: %s", strings.Join(who, ", "), f)
		}
	}
}

// legend explains the guarantees of the table.
func legend(s ui.Screen, nodes []fleet.Node) {
	said := map[plan.Guarantee]bool{}
	for _, n := range nodes {
		if r := n.Report; r != nil && !said[r.Guarantee] {
			said[r.Guarantee] = true
			if text := r.Guarantee.Meaning(); text != "" {
				s.Say(ui.Dim, "%s: %s", r.Guarantee, text)
			}
		}
	}
}

// Title is the line above a deployment: its name, what is declared, and from where
// that was read.
func Title(v *fleet.View, d *fleet.Deployment) string {
	text := d.Name
	if d.Active != "" {
		text += " · active: " + string(d.Active)
	}
	if d.Fenced != "" {
		text += " · fenced: " + string(d.Fenced)
	}
	if v.Repository != "" {
		text += " · branch " + v.Branch
	}
	return text
}

// author leaves the address out of "Name <address>".
func author(text string) string {
	name, _, _ := strings.Cut(text, " <")
	return name
}

func nodeRow(n fleet.Node, same map[string]int) ui.Row {
	r := ui.Row{Cells: []ui.Cell{
		{Text: n.Name}, {Text: cmp.Or(n.Role, "-")}, {Text: cmp.Or(string(n.Side), "-")}, status(n), commits(n), {Text: fleet.ClaimOf(n.Report)}, heard(n),
	}}
	style := ui.Warn
	if n.Stale || n.Report != nil && n.Report.Status == plan.Failed {
		style = ui.Bad
	}
	for _, f := range n.Findings {
		if same[f] > 1 {
			continue // said once for all of them, below
		}
		r.Notes = append(r.Notes, ui.Cell{Text: f, Style: style})
	}
	return r
}

// status says what the node is; of one that was not heard, what it was.
func status(n fleet.Node) ui.Cell {
	if n.Report == nil {
		return ui.Cell{Text: string(plan.Unknown), Style: ui.Bad}
	}
	if n.Stale {
		return ui.Cell{Text: "was " + string(n.Report.Status), Style: ui.Bad}
	}
	if n.Report.Status == plan.Paused && n.Report.Running {
		return ui.Cell{Text: "Paused, runs", Style: ui.Warn}
	}
	switch s := n.Report.Status; s {
	case plan.Active:
		return ui.Cell{Text: string(s), Style: ui.Good}
	case plan.Inactive:
		return ui.Cell{Text: string(s), Style: ui.Dim}
	case plan.Failed, plan.Unknown:
		return ui.Cell{Text: string(s), Style: ui.Bad}
	default:
		return ui.Cell{Text: string(s), Style: ui.Warn}
	}
}

// commits is the commit that a node goes by, and whether it refuses a newer one or is
// not as it says yet.
func commits(n fleet.Node) ui.Cell {
	if n.Report == nil {
		return ui.Cell{Text: "-"}
	}
	r := n.Report
	switch {
	case r.Seen == r.Accepted && r.Accepted == r.Applied:
		return ui.Cell{Text: cmp.Or(fmt.Sprintf("%.7s", r.Applied), "-")}
	case r.Accepted == "":
		return ui.Cell{Text: fmt.Sprintf("none, refuses %.7s", r.Seen), Style: ui.Warn}
	case r.Seen != r.Accepted && r.Seen != "":
		return ui.Cell{Text: fmt.Sprintf("accepted %.7s, not %.7s", r.Accepted, r.Seen), Style: ui.Warn}
	}
	return ui.Cell{Text: fmt.Sprintf("%.7s, not done yet", r.Accepted), Style: ui.Warn}
}

func heard(n fleet.Node) ui.Cell {
	switch {
	case n.Report == nil:
		return ui.Cell{Text: "never", Style: ui.Bad}
	case n.Ahead > 0:
		return ui.Cell{Text: "not known", Style: ui.Bad}
	case n.Stale:
		return ui.Cell{Text: fleet.Age(n.Heard()) + " ago", Style: ui.Bad}
	}
	return ui.Cell{Text: fleet.Age(n.Heard()) + " ago"}
}

// Summary is a deployment in one line.
func Summary(d *fleet.Deployment) string {
	bad, amiss := 0, []string{}
	for _, n := range d.Nodes {
		if !n.OK {
			bad, amiss = bad+1, append(amiss, n.Name)
		}
	}
	switch {
	case d.OK:
		return fmt.Sprintf("ok: %s serves, %d of %d nodes as declared", d.Active, len(d.Nodes), len(d.Nodes))
	case len(d.Outages) > 0:
		return "not ok: " + strings.Join(d.Outages, "; ")
	case bad == 0 && len(d.Problems) > 0:
		return "not ok: the newest document is broken, and nodes go by an older one"
	case bad == 0:
		return "not ok: every node is as declared, but see above"
	}
	return fmt.Sprintf("not ok: %d of %d nodes as declared, look at %s", len(d.Nodes)-bad, len(d.Nodes), ui.Some(amiss))
}

// Fleet draws many deployments, one line each, first those that somebody should
// look at; what is wrong is below the line.
func Fleet(s ui.Screen, v *fleet.View) error {
	t := ui.Table{Head: []string{"DEPLOYMENT", "ACTIVE", "SERVING", "NODES", "OLDEST", "DOCUMENT"}, Narrow: 6}
	good := 0
	var fine []ui.Row
	for i := range v.Deployments {
		d := &v.Deployments[i]
		if !d.OK {
			t.Rows = append(t.Rows, fleetRow(d))
			continue
		}
		fine = append(fine, fleetRow(d))
		good++
	}
	t.Rows = append(t.Rows, fine...)
	if err := t.Draw(s.Out, s.Width, s.Colour); err != nil {
		return err
	}
	style := ui.Good
	if !v.OK {
		style = ui.Bad
	}
	s.Say(style, "%d of %d deployments ok", good, len(v.Deployments))
	return nil
}

func fleetRow(d *fleet.Deployment) ui.Row {
	good, oldest := 0, ""
	var age float64
	var r ui.Row
	for _, n := range d.Nodes {
		if n.OK {
			good++
		} else if len(n.Findings) > 0 {
			r.Notes = append(r.Notes, ui.Cell{Text: n.Name + ": " + n.Findings[0], Style: ui.Warn})
		}
		if n.Report == nil {
			oldest = "never"
		} else if n.Ahead > 0 && oldest != "never" {
			age, oldest = math.MaxFloat64, "not known"
		} else if n.Age >= age && oldest != "never" {
			age, oldest = n.Age, fleet.Age(n.Heard())+" ago"
		}
	}
	if oldest == "never" && !anyHeard(d) {
		r.Notes = []ui.Cell{{Text: "no node was ever heard", Style: ui.Warn}}
	}
	for _, o := range d.Outages {
		r.Notes = append(r.Notes, ui.Cell{Text: o, Style: ui.Bad})
	}
	for _, f := range d.Findings {
		r.Notes = append(r.Notes, ui.Cell{Text: f, Style: ui.Bad})
	}
	style := ui.Good
	if !d.OK {
		style = ui.Bad
	}
	r.Cells = []ui.Cell{
		{Text: cmp.Or(d.Name, "-")}, {Text: cmp.Or(string(d.Active), "-")}, {Text: cmp.Or(servingSides(d), "-")},
		{Text: fmt.Sprintf("%d/%d ok", good, len(d.Nodes)), Style: style}, {Text: cmp.Or(oldest, "-")}, {Text: d.Path},
	}
	return r
}

func anyHeard(d *fleet.Deployment) bool {
	return slices.ContainsFunc(d.Nodes, func(n fleet.Node) bool { return n.Report != nil })
}

// servingSides names the sides whose node of a role that follows nobody says that it
// serves: a paused one that runs does.
func servingSides(d *fleet.Deployment) string {
	var sides []string
	for _, n := range d.Nodes {
		lead := d.Spec == nil || d.Spec.Roles[n.Role].Follows == ""
		if lead && n.Side != "" && n.Report != nil && (n.Report.Status == plan.Active || n.Report.Paused && n.Report.Running) {
			sides = append(sides, string(n.Side))
		}
	}
	return strings.Join(sides, "+")
}
