package draw

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"mainstay/cmd/mainstay/ui"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plain"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/conditions"
)

// longestQuote is how much of an output is shown beside what wrote it, in
// characters: its end.
const longestQuote = 300

// Nodes draws what runs on each node, one below the other.
func Nodes(s ui.Screen, v *fleet.View, nodes []fleet.Node) error {
	for _, n := range nodes {
		fmt.Fprintln(s.Out)
		s.Cut(ui.Bold, "%s", headline(n))
		if n.Report == nil {
			s.Say(ui.Bad, "it has never reported: what runs on it is not known")
			continue
		}
		told := toldOf(n, v.Read)
		for _, text := range told {
			s.Item(ui.Plain, "  ", text)
		}
		if err := parts(s, v, n.Report); err != nil {
			return err
		}
		for _, c := range n.Report.Conditions {
			s.Item(ui.Warn, "  ! ", advised(c, told))
		}
	}
	return nil
}

// toldOf is the reason of what a node is and what else is to be said of it, each once:
// checks are in the table, and conditions come with what to do.
func toldOf(n fleet.Node, now time.Time) []string {
	reason := fleet.PauseOf(n.Report) + n.Report.Told(now)
	var told []string
	for _, f := range n.Findings {
		switch {
		case strings.Contains(f, reason):
			reason = f
		case !ofPart(f, n.Report):
			told = append(told, f)
		}
	}
	return append([]string{reason}, told...)
}

// ofPart reports whether a finding is about a check or a condition of the node.
func ofPart(finding string, r *plan.Report) bool {
	return slices.ContainsFunc(r.Checks, func(c plan.CheckReport) bool {
		return strings.HasPrefix(finding, "check "+c.Name+" ")
	}) || slices.ContainsFunc(r.Conditions, func(c plan.Condition) bool {
		return finding == c.Type+": "+c.Message
	})
}

// headline names a node and what it is.
func headline(n fleet.Node) string {
	parts := []string{n.Name}
	if n.Role != "" {
		parts = append(parts, "role "+n.Role)
	}
	if n.Side != "" {
		parts = append(parts, "side "+string(n.Side))
	}
	return strings.Join(append(parts, status(n).Text), " · ")
}

// advised is a condition with what to do about it. A message that was told already is
// left out.
func advised(c plan.Condition, told []string) string {
	text := c.Type
	if !slices.ContainsFunc(told, func(t string) bool { return strings.Contains(t, c.Message) }) {
		text += ": " + c.Message
	}
	if do := conditions.Of(c.Type).Do; do != "" {
		text = strings.TrimRight(text, ".") + ". Do: " + do
	}
	return text
}

// parts draws services, checks and jobs in one table.
func parts(s ui.Screen, v *fleet.View, r *plan.Report) error {
	t := ui.Table{Head: []string{"WHAT", "NAME", "STATE", "RESTARTS", "LAST RUN"}}
	for _, x := range r.Services {
		t.Rows = append(t.Rows, serviceRow(r, x))
	}
	for _, c := range r.Checks {
		t.Rows = append(t.Rows, resultRow("check", c.Name, runOf{c.OK, c.At, c.Output, ""}, v.Read))
	}
	for _, c := range r.Leaves {
		t.Rows = append(t.Rows, resultRow("leaves", c.Name, runOf{c.OK, c.At, c.Output, ""}, v.Read))
	}
	for _, j := range r.Jobs {
		t.Rows = append(t.Rows, resultRow("job", j.Name, runOf{j.OK, j.At, j.Output, j.Skipped}, v.Read))
	}
	if len(t.Rows) == 0 {
		s.Say(ui.Dim, "  it reports no services, checks or jobs")
		return nil
	}
	return t.Draw(s.Out, s.Width, s.Colour)
}

// serviceRow says why a service is as it is, unless the node's own reason says it.
func serviceRow(r *plan.Report, x plan.ServiceReport) ui.Row {
	state, style := cmp.Or(string(x.Run), string(plan.RunUnsure)), ui.Plain
	switch {
	case x.Run == plan.Running && x.Ready:
		style = ui.Good
	case x.Run == plan.Running:
		state, style = "running, not ready", ui.Warn
	case x.Run == plan.RunFailed || x.Run == plan.RunUnsure:
		style = ui.Bad
	case x.Run == plan.Stopped:
		style = ui.Dim
	}
	restarts := "-"
	if x.Restarts > 0 {
		restarts = strconv.Itoa(x.Restarts)
	}
	row := ui.Row{Cells: []ui.Cell{{Text: "service"}, {Text: x.Name}, {Text: state, Style: style}, {Text: restarts}, {Text: "-"}}}
	if said := plain.Quote(x.Reason, longestQuote); said != "" && !strings.Contains(r.Reason, x.Reason) {
		row.Notes = append(row.Notes, ui.Cell{Text: said, Style: style})
	}
	return row
}

// runOf is how a check or a job ended.
type runOf struct {
	ok              bool
	at              time.Time
	output, skipped string
}

func resultRow(kind, name string, r runOf, now time.Time) ui.Row {
	state, style, when := "ok", ui.Good, "never"
	switch {
	case r.at.IsZero():
		state, style = "not run yet", ui.Dim
	case !r.ok:
		state, style = "failed", ui.Bad
	}
	if !r.at.IsZero() {
		when = fleet.Age(max(0, now.Sub(r.at))) + " ago"
	}
	row := ui.Row{Cells: []ui.Cell{{Text: kind}, {Text: name}, {Text: state, Style: style}, {Text: "-"}, {Text: when}}}
	if r.skipped != "" {
		row.Notes = append(row.Notes, ui.Cell{Text: "did not run when it was due: " + r.skipped, Style: ui.Warn})
	}
	if said := plain.Quote(r.output, longestQuote); said != "" {
		row.Notes = append(row.Notes, ui.Cell{Text: said, Style: cmp.Or(style, ui.Plain)})
	}
	return row
}
