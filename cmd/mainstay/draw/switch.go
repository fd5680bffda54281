package draw

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"mainstay/cmd/mainstay/ui"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/git/signature"
	"mainstay/reconcile/plan"
)

// History draws every switch of a deployment, newest first.
func History(s ui.Screen, t *fleet.History) error {
	if len(t.Switches) == 0 {
		if len(t.Damaged) == 0 {
			s.Say(ui.Plain, "no side of %s has ever held a claim", t.Deployment)
		}
		damage(s, t)
		return nil
	}
	table := ui.Table{Head: []string{"WHEN", "ROLE", "SWITCH", "CLAIM", "GUARANTEE", "TOOK", "WHO"}, Narrow: 7}
	for _, sw := range t.Switches {
		table.Rows = append(table.Rows, Switch(sw))
	}
	err := table.Draw(s.Out, s.Width, s.Colour)
	Legend(s, t.Switches)
	damage(s, t)
	return err
}

// damage draws why the history ends where it does.
func damage(s ui.Screen, t *fleet.History) {
	for _, d := range t.Damaged {
		s.Say(ui.Bad, "! %s", d)
	}
}

// Legend explains every guarantee of the table, and why a signature was not checked.
func Legend(s ui.Screen, switches []fleet.Switch) {
	said := map[plan.Guarantee]bool{}
	for _, sw := range switches {
		g := plan.Guarantee(sw.Guarantee)
		if text := g.Meaning(); text != "" && !said[g] {
			said[g] = true
			s.Say(ui.Dim, "%s: %s", g, text)
		}
	}
	if slices.ContainsFunc(switches, func(s fleet.Switch) bool { return s.Signer != nil && s.Signer.State == signature.Unchecked }) {
		s.Say(ui.Dim, "unchecked: there is no list of the nodes' keys here that would tell whose key it is; "+
			"--config names an agent's file that has one (verify.nodes)")
	}
}

// Switch is a line of the history, with what is known of it below.
func Switch(s fleet.Switch) ui.Row {
	style := ui.Plain
	if s.Guarantee != plan.Released {
		style = ui.Warn
	}
	var r ui.Row
	if s.First {
		r.Notes = append(r.Notes, ui.Cell{Text: string(s.To) + " starts for the first time: nobody held the claim before"})
	}
	if d := s.Declared; d != nil {
		why := d.Why
		if why == "" {
			why = d.Subject
		}
		r.Notes = append(r.Notes, ui.Cell{Text: fmt.Sprintf("%.7s %s", d.Commit, why)})
		for _, f := range d.Forced {
			r.Notes = append(r.Notes, ui.Cell{Text: "forced: " + f, Style: ui.Warn})
		}
	}
	if strings.Contains(s.Left, plan.DrainEnded) {
		r.Notes = append(r.Notes, ui.Cell{Text: s.Leaver + ": " + s.Left, Style: ui.Warn})
	}
	if s.Reason != "" {
		r.Notes = append(r.Notes, ui.Cell{Text: s.Node + ": " + s.Reason, Style: ui.Dim})
	}
	if text, style := signed(s); text != "" {
		r.Notes = append(r.Notes, ui.Cell{Text: text, Style: style})
	}
	if o := s.Objective; o != nil {
		r.Notes = append(r.Notes, ui.Cell{Text: "objective " + o.Bound.String() + ": " + string(o.Verdict), Style: map[fleet.Verdict]ui.Style{fleet.Missed: ui.Warn}[o.Verdict]})
	}
	for _, l := range s.Stays {
		text := fmt.Sprintf("stays behind on %s: %s: %s (counted %s)", l.Node, l.Name, l.Said, l.At.UTC().Format("2006-01-02 15:04Z"))
		if l.Failed {
			text = fmt.Sprintf("what stays behind on %s of %s could not be counted: %s", l.Node, l.Name, l.Said)
		}
		r.Notes = append(r.Notes, ui.Cell{Text: text, Style: ui.Warn})
	}
	for _, text := range phasesOf(s) {
		r.Notes = append(r.Notes, ui.Cell{Text: text, Style: ui.Dim})
	}
	took := "-"
	if d := s.Took(); d > 0 {
		took = lasted(d)
	}
	r.Cells = []ui.Cell{
		{Text: s.At.UTC().Format("2006-01-02 15:04:05Z")}, {Text: s.Role}, {Text: s.Move()},
		{Text: fmt.Sprintf("#%d", s.Seq)}, {Text: string(s.Guarantee), Style: style}, {Text: took}, {Text: s.Who()},
	}
	return r
}

// signed says whose key signed the claim that a switch ended with.
func signed(s fleet.Switch) (string, ui.Style) {
	if s.Signer == nil {
		return "", ui.Plain
	}
	switch w := s.Signer; w.State {
	case signature.Verified:
		return "signed by " + w.Node + " (" + w.Key + ")", ui.Dim
	case signature.Unsigned:
		return "", ui.Plain // nobody said that it should be
	case signature.Missing:
		return "the claim is not signed by anybody", ui.Warn
	case signature.Unchecked:
		return "signed by " + w.Key + " (unchecked)", ui.Dim
	case signature.Unlisted:
		return "signed by " + w.Key + ", which is no key of a node", ui.Warn
	default:
		return strings.TrimSpace("its signature is not good: "+w.Node+" "+w.Key) + ", and the claim says " + s.Node, ui.Warn
	}
}

// lasted writes how long a switch took: tenths while they matter.
func lasted(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// phasesOf lists the moments of a switch, a line for each clock that measured them,
// counted from the first moment of that clock: nothing is summed over two clocks.
func phasesOf(s fleet.Switch) []string {
	var lines []string
	for _, c := range s.Timelines() {
		switch {
		case c.Node == "":
			lines = append(lines, fmt.Sprintf("declared at %s by the clock of who made the commit; not part of TOOK",
				c.Phases[0].At.UTC().Format("15:04:05Z")))
		case c.Node == s.Node && len(c.Phases) > 1:
			lines = append(lines, "on "+c.Node+": "+counted(c.Phases))
		case c.Node != s.Node:
			lines = append(lines, "on "+c.Node+", by its own clock, not part of TOOK: "+counted(c.Phases))
		}
	}
	return lines
}

func counted(phases []fleet.Phase) string {
	parts := []string{phases[0].Name}
	for _, p := range phases[1:] {
		parts = append(parts, p.Name+" +"+lasted(p.At.Sub(phases[0].At)))
	}
	return strings.Join(parts, ", ")
}
