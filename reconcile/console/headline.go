package console

import (
	"slices"
	"strings"

	"mainstay/reconcile/console/terms"
	"mainstay/reconcile/console/words"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// headline says what matters most of a deployment, in a few words.
type headline struct {
	Level terms.Level
	// Lines are the headline itself.
	Lines []string
	// Told is the same as package fleet words it, where that says more.
	Told []told
	// Ways are what a person can do.
	Ways []told
}

// headlineOf words a deployment, worst first.
func headlineOf(l *words.Language, d *fleet.Deployment) headline {
	h := headline{Level: terms.LevelOf(d)}
	for _, way := range d.Ways {
		h.Ways = append(h.Ways, sentenced(l, way))
	}
	for _, role := range terms.DualRoles(d) {
		h.Lines = append(h.Lines, l.Say("head.dual", "Role", role))
	}
	for _, u := range d.Unserved {
		if u.Since.IsZero() {
			h.Lines = append(h.Lines, l.Say("head.lost", "Role", u.Role))
		} else {
			h.Lines = append(h.Lines, l.Say("head.nobody", "Role", u.Role, "Since", l.Time(u.Since)))
		}
		h.Told = append(h.Told, sentenced(l, u.Text))
	}
	if len(d.Problems) > 0 {
		h.Lines = append(h.Lines, l.Word("head.broken"))
	}
	if h.Level == terms.Moving && between(d) {
		h.Lines = append(h.Lines, l.Say("head.moving", "Side", l.Word("side."+string(d.Active))))
	}
	if h.Level != terms.Dual {
		h.Lines = append(h.Lines, servingLines(l, d)...)
	}
	if len(h.Lines) == 0 {
		h.Lines = append(h.Lines, l.Word("head.unknown"))
	}
	h.advise(l, d)
	return h
}

// sentenced tells a sentence that another package words.
func sentenced(l *words.Language, english string) told {
	text, foreign := l.Sentence(english)
	return told{text, foreign}
}

// between reports whether the side that the document declares does not serve everything
// yet.
func between(d *fleet.Deployment) bool {
	roles := terms.Served(d)[d.Active]
	return d.Active != "" && slices.ContainsFunc(d.Nodes, func(n fleet.Node) bool { return n.Side != "" && !slices.Contains(roles, n.Role) })
}

// servingLines say which side serves what.
func servingLines(l *words.Language, d *fleet.Deployment) []string {
	var out []string
	roles := terms.Served(d)
	for _, side := range []spec.Side{spec.Main, spec.Standby} {
		if len(roles[side]) > 0 {
			out = append(out, l.Say("head.serves", "Side", l.Word("side."+string(side)), "Roles", strings.Join(roles[side], ", ")))
		}
	}
	return out
}

// advise adds what the registry of conditions says to do about what nodes report.
func (h *headline) advise(l *words.Language, d *fleet.Deployment) {
	for _, n := range d.Nodes {
		if n.Report == nil {
			continue
		}
		for _, c := range n.Report.Conditions {
			known := terms.Known(c.Type)
			do, foreign := l.Sentence(known.Do)
			way := told{n.Name + ": " + c.Type + ". " + do, foreign}
			if known.Do == "" || known.Passing {
				continue
			}
			if known.AtOnce {
				h.Ways = slices.Insert(h.Ways, 0, way)
			} else {
				h.Ways = append(h.Ways, way)
			}
		}
	}
}

// statusShape is the sign of a node's status.
func statusShape(s plan.Status) string {
	shape := map[plan.Status]string{
		plan.Active: "●", plan.Inactive: "○", plan.Activating: "◐", plan.Deactivating: "◑",
		plan.Held: "◇", plan.Failed: "▲", plan.Paused: "❚❚",
	}[s]
	if shape == "" {
		return "?"
	}
	return shape
}
