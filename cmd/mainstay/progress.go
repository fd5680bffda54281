package main

import (
	"bytes"
	"fmt"
	"time"

	"mainstay/cmd/mainstay/ui"
	"mainstay/reconcile/change"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
)

// show tells how far each node is: in place on a terminal, as one line for each
// change elsewhere.
func (f *follower) show() {
	if f.format != "text" {
		return
	}
	if isTerminal(f.out) {
		f.draw()
		return
	}
	for _, n := range f.last {
		text := fmt.Sprintf("%-14s %-13s %s", n.Name, n.Status, phaseOf(n))
		if why := waitingFor(n); why != "" {
			text += ": " + why
		}
		if f.told[n.Name] != text {
			f.told[n.Name] = text
			f.screen().Raw(ui.Plain, fmt.Sprintf("%7.1fs  %s", time.Since(f.pushed).Seconds(), text))
		}
	}
}

// unread tells that a look came to nothing, and that it is tried again.
func (f *follower) unread(err error) {
	news := f.deaf != err.Error()
	f.deaf = err.Error()
	switch {
	case f.format == "text" && isTerminal(f.out):
		f.draw()
	case news:
		f.say("cannot read: %s; trying again", f.deaf)
	}
}

// phaseOf is the newest thing that happened on a node.
func phaseOf(n change.State) string {
	switch {
	case n.Applied:
		return "done"
	case len(n.Phases) == 0:
		return "has not seen the commit"
	}
	return n.Phases[len(n.Phases)-1].Name
}

// waitingFor says why a node does not go on by itself, empty when it does.
func waitingFor(n change.State) string {
	switch {
	case n.Applied:
		return ""
	case n.Refuses != "":
		return n.Refuses
	case n.Silent > 0:
		return "not heard for " + fleet.Age(n.Silent) + ": is the machine up, does it reach git?"
	case n.Left > 0:
		return n.Reason
	case n.Status == plan.Active, n.Status == plan.Inactive, n.Status == plan.Activating, n.Status == plan.Deactivating:
		return ""
	}
	return n.Reason
}

// draw shows the nodes in place of the table before.
func (f *follower) draw() {
	table := ui.Table{Head: []string{"NODE", "SIDE", "STATUS", "DONE", "PHASES (AFTER IT SAW THE COMMIT)"}}
	s := f.screen()
	name, status := len("NODE"), len("STATUS")
	for _, n := range f.last {
		name, status = max(name, len(n.Name)), max(status, len(n.Status))
	}
	room := s.Width - len("  standby    DONE  ") - name - status
	for _, n := range f.last {
		table.Rows = append(table.Rows, stateRow(n, room))
	}
	var text bytes.Buffer
	s.Out = &text
	s.Cut(ui.Bold, "%.7s, pushed %s ago, followed for at most %s; Ctrl-C ends following only",
		f.commit, fleet.Age(time.Since(f.pushed)), f.wait)
	_ = table.Draw(&text, s.Width, s.Colour)
	if f.deaf != "" {
		s.Say(ui.Bad, "! cannot read: %s; trying again", f.deaf)
	}
	f.live.Out = f.out
	_ = f.live.Draw(text.String(), f.height())
}

// stateRow is a node's line; room is how wide its last column may be.
func stateRow(n change.State, room int) ui.Row {
	side, done, style := "-", "-", ui.Warn
	if n.Side != "" {
		side = string(n.Side)
	}
	switch {
	case n.Applied:
		done, style = "yes", ui.Good
	case n.Status == plan.Failed || n.Status == plan.Unknown || n.Silent > 0:
		style = ui.Bad
	}
	r := ui.Row{Cells: []ui.Cell{
		{Text: n.Name}, {Text: side}, {Text: string(n.Status), Style: style}, {Text: done, Style: style}, {Text: momentsOf(n, room)},
	}}
	if why := waitingFor(n); why != "" {
		if n.Left > 0 && n.Silent == 0 {
			why += " (" + n.Left.String() + " left)"
		}
		r.Notes = append(r.Notes, ui.Cell{Text: why, Style: style})
	}
	return r
}

// momentsOf lists when a node reached what, counted from when it saw the commit,
// because its clock is its own. Where not all of them fit, the oldest give way.
func momentsOf(n change.State, width int) string {
	if len(n.Phases) < 2 {
		return phaseOf(n)
	}
	text := ""
	for i := len(n.Phases) - 1; i > 0; i-- {
		p := n.Phases[i]
		one := fmt.Sprintf("%s +%.1fs", p.Name, p.At.Sub(n.Phases[0].At).Seconds())
		switch {
		case text == "":
			text = one
		case len(one)+len(", ")+len(text)+len("… ") > width && width > 0:
			return "… " + text
		default:
			text = one + ", " + text
		}
	}
	return text
}
