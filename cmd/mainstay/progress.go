package main

import (
	"bytes"
	"fmt"
	"time"

	"mainstay/cmd/mainstay/ui"
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
		text := fmt.Sprintf("%-14s %-13s %s", n.Name, n.Status, n.phase())
		if why := n.waiting(); why != "" {
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

// phase is the newest thing that happened on a node.
func (n followedNode) phase() string {
	switch {
	case n.Applied:
		return "done"
	case len(n.Phases) == 0:
		return "has not seen the commit"
	}
	return n.Phases[len(n.Phases)-1].Name
}

// waiting says why a node does not go on by itself, empty when it does.
func (n followedNode) waiting() string {
	switch {
	case n.Applied:
		return ""
	case n.silent > 0:
		return "not heard for " + fleet.Age(n.silent) + ": is the machine up, does it reach git?"
	case n.left > 0:
		return n.Reason
	case n.Status == plan.Active, n.Status == plan.Inactive, n.Status == plan.Activating, n.Status == plan.Deactivating:
		return ""
	}
	return n.Reason
}

// draw shows the nodes in place of the table before.
func (f *follower) draw() {
	table := ui.Table{Head: []string{"NODE", "SIDE", "STATUS", "DONE", "PHASES, FROM WHEN IT SAW THE COMMIT"}}
	s := f.screen()
	name, status := len("NODE"), len("STATUS")
	for _, n := range f.last {
		name, status = max(name, len(n.Name)), max(status, len(n.Status))
	}
	room := s.Width - len("  standby    DONE  ") - name - status
	for _, n := range f.last {
		table.Rows = append(table.Rows, n.row(room))
	}
	var text bytes.Buffer
	s.Out = &text
	s.Cut(ui.Bold, "%.7s, pushed %s ago, is followed for at most %s; Ctrl-C ends following only",
		f.commit, fleet.Age(time.Since(f.pushed)), f.wait)
	_ = table.Draw(&text, s.Width, s.Colour)
	if f.deaf != "" {
		s.Say(ui.Bad, "! cannot read: %s; trying again", f.deaf)
	}
	f.live.Out = f.out
	_ = f.live.Draw(text.String(), f.height())
}

// row is a node's line; room is how wide its last column may be.
func (n followedNode) row(room int) ui.Row {
	side, done, style := "-", "-", ui.Warn
	if n.side != "" {
		side = string(n.side)
	}
	switch {
	case n.Applied:
		done, style = "yes", ui.Good
	case n.Status == plan.Failed || n.Status == plan.Unknown || n.silent > 0:
		style = ui.Bad
	}
	r := ui.Row{Cells: []ui.Cell{
		{Text: n.Name}, {Text: side}, {Text: string(n.Status), Style: style}, {Text: done, Style: style}, {Text: n.moments(room)},
	}}
	if why := n.waiting(); why != "" {
		if n.left > 0 && n.silent == 0 {
			why += " (" + n.left.String() + " left)"
		}
		r.Notes = append(r.Notes, ui.Cell{Text: why, Style: style})
	}
	return r
}

// moments lists when a node reached what, counted from when it saw the commit,
// because its clock is its own. Where not all of them fit, the oldest give way.
func (n followedNode) moments(width int) string {
	if len(n.Phases) < 2 {
		return n.phase()
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
