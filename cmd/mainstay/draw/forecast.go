package draw

import (
	"fmt"
	"strings"

	"mainstay/cmd/mainstay/ui"
	"mainstay/reconcile/forecast"
	"mainstay/reconcile/plan"
)

// Forecast draws what a change will do; with diffs, also how files change.
func Forecast(s ui.Screen, p *forecast.Forecast, diffs bool) {
	s.Cut(ui.Bold, "%s", p.Title())
	for _, t := range p.Settings {
		s.Say(ui.Plain, "  %s", t)
	}
	for _, h := range p.Handovers {
		handover(s, h)
	}
	node := ""
	for i, t := range p.Steps {
		name := t.Node
		if name == node {
			name = ""
		}
		node = t.Node
		step(s, i+1, name, t)
		if diffs && t.Diff != "" {
			diff(s, t.Diff)
		}
	}
	for _, o := range p.Objections {
		s.Item(ui.Bad, "! "+o.What+" ", o.String())
	}
	for _, n := range p.Notes {
		s.Item(ui.Warn, "note: ", n)
	}
	for _, n := range p.People {
		s.Item(ui.Plain, "then: ", n)
	}
}

func handover(s ui.Screen, h forecast.Handover) {
	style, guarantee := ui.Good, h.Guarantee
	switch h.Guarantee {
	case "":
		style, guarantee = ui.Bad, "none"
	case string(plan.Presumed):
		style = ui.Warn
	}
	s.Item(style, "  ", fmt.Sprintf("%s: %s, guarantee %s: %s", h.Role, h.Move(), guarantee, h.Why))
	if h.IfDead != "" {
		s.Item(ui.Warn, "    ", h.IfDead)
	}
	for _, w := range h.Waits {
		s.Item(ui.Plain, "    waits for ", w)
	}
	if h.Guarantee != "" && h.Longest > 0 {
		s.Item(ui.Dim, "    ", "over after "+h.Bound().String()+" at the latest, by the document's bounds")
	}
}

// Expectation is what a person accepts by going on.
func Expectation(h forecast.Handover) string {
	if h.Guarantee == "" {
		return "which will not happen by itself"
	}
	text := "guarantee " + h.Guarantee
	if h.Longest > 0 {
		text += ", at most " + h.Bound().String()
	}
	return text
}

func step(s ui.Screen, i int, name string, t forecast.Step) {
	text := t.Text
	if t.After != "" {
		text += ", " + t.After
	}
	s.Item(ui.Plain, fmt.Sprintf("%4d  %-14s", i, name), text)
}

func diff(s ui.Screen, text string) {
	for l := range strings.Lines(text) {
		l = strings.TrimRight(l, "\n")
		style := ui.Dim
		switch {
		case strings.HasPrefix(l, "+"):
			style = ui.Good
		case strings.HasPrefix(l, "-"):
			style = ui.Bad
		}
		s.Raw(style, "        "+l)
	}
}
