package ui

import (
	"fmt"
	"strings"

	"mainstay/reconcile/forecast"
)

// Plan draws what a change will do; with diffs, also how files change.
func (s Screen) Plan(p *forecast.Forecast, diffs bool) {
	s.Cut(Bold, "%s", p.Title())
	for _, t := range p.Settings {
		s.Say(Plain, "  %s", t)
	}
	for _, h := range p.Handovers {
		s.handover(h)
	}
	node := ""
	for i, t := range p.Steps {
		name := t.Node
		if name == node {
			name = ""
		}
		node = t.Node
		s.step(i+1, name, t)
		if diffs && t.Diff != "" {
			s.diff(t.Diff)
		}
	}
	for _, o := range p.Objections {
		s.Item(Bad, "! "+o.What+" ", fmt.Sprintf("%s: %s. %s.", o.Node, o.Why, o.Advice))
	}
	for _, n := range p.Notes {
		s.Item(Warn, "note: ", n)
	}
	for _, n := range p.People {
		s.Item(Plain, "then: ", n)
	}
}

func (s Screen) handover(h forecast.Handover) {
	from := string(h.From)
	if from == "" {
		from = "nobody"
	}
	style, guarantee := Good, h.Guarantee
	switch h.Guarantee {
	case "":
		style, guarantee = Bad, "none"
	case "presumed":
		style = Warn
	}
	s.Item(style, "  ", fmt.Sprintf("%s: %s → %s, guarantee %s: %s", h.Role, from, h.To, guarantee, h.Why))
	if h.IfDead != "" {
		s.Item(Warn, "    ", h.IfDead)
	}
	for _, w := range h.Waits {
		s.Item(Plain, "    waits for ", w)
	}
	if h.Guarantee != "" && h.Longest > 0 {
		s.Item(Dim, "    ", "over after "+h.Bound().String()+" at the latest, by the document's bounds")
	}
}

func (s Screen) step(i int, name string, t forecast.Step) {
	text := t.Text
	if t.After != "" {
		text += ", " + t.After
	}
	s.Item(Plain, fmt.Sprintf("%4d  %-14s", i, name), text)
}

func (s Screen) diff(text string) {
	for l := range strings.Lines(text) {
		l = strings.TrimRight(l, "\n")
		style := Dim
		switch {
		case strings.HasPrefix(l, "+"):
			style = Good
		case strings.HasPrefix(l, "-"):
			style = Bad
		}
		fmt.Fprintln(s.Out, Paint("        "+l, style, s.Colour))
	}
}

// Item writes a text behind a lead, wrapped beside it.
func (s Screen) Item(style Style, lead, text string) {
	width := 0
	if s.Width > 0 {
		width = max(20, s.Width-len([]rune(lead)))
	}
	for i, l := range Wrap(text, width) {
		if i > 0 {
			lead = strings.Repeat(" ", len([]rune(lead)))
		}
		fmt.Fprintln(s.Out, Paint(lead+l, style, s.Colour))
	}
}
