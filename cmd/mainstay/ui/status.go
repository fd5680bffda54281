package ui

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
)

// Screen is where something is drawn.
type Screen struct {
	Out    io.Writer
	Width  int // characters, 0 for no bound
	Colour bool
}

// Say writes one line.
func (s Screen) Say(style Style, format string, args ...any) {
	for _, l := range Wrap(fmt.Sprintf(format, args...), s.Width) {
		fmt.Fprintln(s.Out, Paint(l, style, s.Colour))
	}
}

// Cut writes one line and shortens it to the width.
func (s Screen) Cut(style Style, format string, args ...any) {
	fmt.Fprintln(s.Out, Paint(Cut(fmt.Sprintf(format, args...), s.Width), style, s.Colour))
}

// Deployment draws one deployment: what is declared, every node, and what is
// not as it should be.
func (s Screen) Deployment(v *fleet.View, d *fleet.Deployment) error {
	s.Cut(Bold, "%s", title(v, d))
	if v.Subject != "" {
		s.Cut(Dim, "%.7s %q by %s, %s ago", v.Commit, v.Subject, author(v.Author), fleet.Age(v.Read.Sub(v.When)))
	}
	t := Table{Head: []string{"NODE", "ROLE", "SIDE", "STATUS", "COMMIT", "CLAIM", "HEARD"}, Narrow: 6}
	for _, n := range d.Nodes {
		t.Rows = append(t.Rows, nodeRow(n))
	}
	if err := t.Draw(s.Out, s.Width, s.Colour); err != nil {
		return err
	}
	for _, f := range d.Findings {
		s.Say(Bad, "! %s", f)
	}
	style := Good
	if !d.OK {
		style = Bad
	}
	s.Say(style, "%s", Summary(d))
	return nil
}

func title(v *fleet.View, d *fleet.Deployment) string {
	text := d.Name
	if d.Active != "" {
		text += " · active: " + string(d.Active)
	}
	if d.Fenced != "" {
		text += " · fenced: " + string(d.Fenced)
	}
	if v.Repository != "" {
		text += " · " + v.Branch
	}
	return text
}

// author leaves the address out of "Name <address>".
func author(text string) string {
	name, _, _ := strings.Cut(text, " <")
	return name
}

func nodeRow(n fleet.Node) Row {
	r := Row{Cells: []Cell{
		{Text: n.Name}, {Text: n.Role}, {Text: dash(string(n.Side))}, status(n), commits(n), {Text: claim(n)}, heard(n),
	}}
	style := Warn
	if n.Stale || n.Report != nil && n.Report.Status == plan.Failed {
		style = Bad
	}
	for _, f := range n.Findings {
		r.Notes = append(r.Notes, Cell{f, style})
	}
	return r
}

// status says what the node is; of one that was not heard, what it was.
func status(n fleet.Node) Cell {
	if n.Report == nil {
		return Cell{string(plan.Unknown), Bad}
	}
	if n.Stale {
		return Cell{"was " + string(n.Report.Status), Bad}
	}
	switch s := n.Report.Status; s {
	case plan.Active:
		return Cell{string(s), Good}
	case plan.Inactive:
		return Cell{string(s), Dim}
	case plan.Failed, plan.Unknown:
		return Cell{string(s), Bad}
	default:
		return Cell{string(s), Warn}
	}
}

// commits is the one commit that a node has seen, accepted and applied, or the
// three when they differ.
func commits(n fleet.Node) Cell {
	if n.Report == nil {
		return Cell{Text: "-"}
	}
	r := n.Report
	if r.Seen == r.Accepted && r.Accepted == r.Applied {
		return Cell{Text: dash(fmt.Sprintf("%.7s", r.Applied))}
	}
	return Cell{fmt.Sprintf("%s/%s/%s", short(r.Seen), short(r.Accepted), short(r.Applied)), Warn}
}

func short(commit string) string { return dash(fmt.Sprintf("%.4s", commit)) }

// claim says who holds the claim of an exclusive role, under which number and by
// which guarantee; for a shared node it says where it points.
func claim(n fleet.Node) string {
	r := n.Report
	switch {
	case r == nil || r.Side == "" && r.Serving == "" || r.Side != "" && r.Holder == "":
		return "-"
	case r.Side == "":
		return "points at " + string(r.Serving)
	case r.Holder == plan.HeldByNone:
		return fmt.Sprintf("#%d free", r.Seq)
	}
	return strings.TrimSpace(fmt.Sprintf("#%d %s %s", r.Seq, r.Holder, r.Guarantee))
}

func heard(n fleet.Node) Cell {
	switch {
	case n.Report == nil:
		return Cell{"never", Bad}
	case n.Stale:
		return Cell{fleet.Age(n.Heard()) + " ago", Bad}
	}
	return Cell{Text: fleet.Age(n.Heard()) + " ago"}
}

// Summary is a deployment in one line.
func Summary(d *fleet.Deployment) string {
	bad := 0
	for _, n := range d.Nodes {
		if !n.OK {
			bad++
		}
	}
	switch {
	case d.OK:
		return fmt.Sprintf("ok: %s serves, %d of %d nodes as declared", d.Active, len(d.Nodes), len(d.Nodes))
	case bad == 0:
		return fmt.Sprintf("not ok: %d of %d nodes as declared", len(d.Nodes), len(d.Nodes))
	}
	return fmt.Sprintf("not ok: %d of %d nodes as declared", len(d.Nodes)-bad, len(d.Nodes))
}

// Fleet draws many deployments, one line each, first those that somebody should
// look at; what is wrong is below the line.
func (s Screen) Fleet(v *fleet.View) error {
	t := Table{Head: []string{"DEPLOYMENT", "ACTIVE", "SERVING", "NODES", "OLDEST", "DOCUMENT"}, Narrow: 6}
	good := 0
	var fine []Row
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
	style := Good
	if !v.OK {
		style = Bad
	}
	s.Say(style, "%d of %d deployments ok", good, len(v.Deployments))
	return nil
}

func fleetRow(d *fleet.Deployment) Row {
	good, oldest := 0, ""
	var age float64
	var r Row
	for _, n := range d.Nodes {
		if n.OK {
			good++
		} else if len(n.Findings) > 0 {
			r.Notes = append(r.Notes, Cell{n.Name + ": " + n.Findings[0], Warn})
		}
		if n.Report == nil {
			oldest = "never"
		} else if n.Age >= age && oldest != "never" {
			age, oldest = n.Age, fleet.Age(n.Heard())+" ago"
		}
	}
	if oldest == "never" && !anyHeard(d) {
		r.Notes = []Cell{{"no node was ever heard", Warn}}
	}
	for _, f := range d.Findings {
		r.Notes = append(r.Notes, Cell{f, Bad})
	}
	style := Good
	if !d.OK {
		style = Bad
	}
	r.Cells = []Cell{
		{Text: dash(d.Name)}, {Text: dash(string(d.Active))}, {Text: dash(serving(d))},
		{fmt.Sprintf("%d/%d ok", good, len(d.Nodes)), style}, {Text: dash(oldest)}, {Text: d.Path},
	}
	return r
}

func anyHeard(d *fleet.Deployment) bool {
	return slices.ContainsFunc(d.Nodes, func(n fleet.Node) bool { return n.Report != nil })
}

// serving names the sides whose node of a role that follows nobody says that it
// is Active.
func serving(d *fleet.Deployment) string {
	var sides []string
	for _, n := range d.Nodes {
		lead := d.Spec == nil || d.Spec.Roles[n.Role].Follows == ""
		if lead && n.Side != "" && n.Report != nil && n.Report.Status == plan.Active {
			sides = append(sides, string(n.Side))
		}
	}
	return strings.Join(sides, "+")
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
