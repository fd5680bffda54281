package main

import (
	"bytes"
	"fmt"
	"time"

	"mainstay/cmd/mainstay/draw"
	"mainstay/cmd/mainstay/ui"
	"mainstay/reconcile/fleet"
)

// show tells how far each node is: in place on a terminal, as one line for each
// change elsewhere.
func (f *follower) show() {
	if f.format != "text" {
		return
	}
	if ui.IsTerminal(f.out) {
		f.draw()
		return
	}
	for _, n := range f.last {
		text := fmt.Sprintf("%-14s %-13s %s", n.Name, n.Status, draw.Phase(n))
		if why := draw.WaitingFor(n); why != "" {
			text += ": " + why
		}
		if f.printed[n.Name] != text {
			f.printed[n.Name] = text
			ui.ScreenOf(f.out).Raw(ui.Plain, fmt.Sprintf("%7.1fs  %s", time.Since(f.pushed).Seconds(), text))
		}
	}
}

// unread tells that a look came to nothing, and that it is tried again.
func (f *follower) unread(err error) {
	news := f.deaf != err.Error()
	f.deaf = err.Error()
	switch {
	case f.format == "text" && ui.IsTerminal(f.out):
		f.draw()
	case news:
		f.say("%s; trying again", f.deaf)
	}
}

// draw shows the nodes in place of the table before.
func (f *follower) draw() {
	table := ui.Table{Head: []string{"NODE", "SIDE", "STATUS", "DONE", "PHASES (AFTER IT SAW THE COMMIT)"}}
	s := ui.ScreenOf(f.out)
	name, status := len("NODE"), len("STATUS")
	for _, n := range f.last {
		name, status = max(name, len(n.Name)), max(status, len(n.Status))
	}
	room := s.Width - len("  standby    DONE  ") - name - status
	for _, n := range f.last {
		table.Rows = append(table.Rows, draw.State(n, room))
	}
	var text bytes.Buffer
	s.Out = &text
	s.Cut(ui.Bold, "%.7s, pushed %s ago, followed for at most %s; Ctrl-C ends following only",
		f.commit, fleet.Age(time.Since(f.pushed)), f.wait)
	_ = table.Draw(&text, s.Width, s.Colour)
	if f.deaf != "" {
		s.Say(ui.Bad, "! %s; trying again", f.deaf)
	}
	f.live.Out = f.out
	_ = f.live.Draw(text.String(), ui.Height(f.out))
}
