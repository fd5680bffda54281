package draw

import (
	"mainstay/cmd/mainstay/ui"
	"mainstay/reconcile/change"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
)

// Phase is the newest thing that happened on a node.
func Phase(n change.State) string {
	switch {
	case n.Applied:
		return "done"
	case len(n.Phases) == 0:
		return "has not seen the commit"
	}
	return n.Phases[len(n.Phases)-1].Name
}

// WaitingFor says why a node does not go on by itself, empty when it does.
func WaitingFor(n change.State) string {
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

// State is a node's line; room is how wide its last column may be.
func State(n change.State, room int) ui.Row {
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
	if why := WaitingFor(n); why != "" {
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
		return Phase(n)
	}
	text := ""
	for i := len(n.Phases) - 1; i > 0; i-- {
		p := n.Phases[i]
		one := p.Name + " +" + lasted(p.At.Sub(n.Phases[0].At))
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
