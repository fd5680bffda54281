package console

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"mainstay/reconcile/console/terms"
	"mainstay/reconcile/console/words"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plain"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// longestQuote is how much of an output is shown beside what wrote it, in characters.
const longestQuote = 300

// card is a node as a page shows it.
type card struct {
	fleet.Node
	// Kind is Main, Standby or shared, in the page's language.
	Kind string
	// Status is the word, Mark its stable form for styles, Shape the sign beside it.
	Status, Mark, Shape string
	Reason, Pause       string
	Since               time.Time
	// Heard is how long ago it spoke, Told whether it ever did.
	Heard    time.Duration
	Told     bool
	Claim    string
	Services []part
	Checks   []part
	Jobs     []part
	// Leaves is what a switch would leave here, or has left.
	Leaves []part
	// Also is what else is to be known, which neither the reason nor a part says.
	Also []string
	// Advice is what the registry says about its conditions.
	Advice []advice
	URL    string
}

// advice is a condition with what to do about it.
type advice struct {
	plan.Condition
	Meaning, Do string
}

// part is a service, a check or a job.
type part struct {
	Name, State, Mark, Shape string
	Restarts                 int
	At                       time.Time
	Said                     string
}

// cardOf makes one of a node.
func (e *entry) cardOf(l *words.Language, n fleet.Node, now time.Time) card {
	c := card{Node: n, Kind: l.Word("side." + cmp.Or(string(n.Side), "shared")), Also: slices.Clone(n.Findings)}
	c.Status, c.Mark, c.Shape = l.Word("status.Unknown"), "unknown", "?"
	if e.D.Spec != nil {
		c.URL = webAddress(e.D.Spec.Nodes[n.Name].URL)
	}
	r := n.Report
	if r == nil {
		return c
	}
	c.Told, c.Heard, c.Since, c.Claim = true, e.heard(n, now), r.Since, fleet.ClaimOf(r)
	c.Status, c.Mark, c.Shape = l.Word("status."+string(r.Status)), strings.ToLower(string(r.Status)), statusShape(r.Status)
	was := n.Stale || r.Status == plan.Active && terms.Superseded(e.D, n)
	switch {
	case was:
		c.Status, c.Mark = l.Say("status.was", "Status", c.Status), "stale"
	case r.Status == plan.Paused && r.Running:
		c.Status = l.Word("status.paused-runs")
	}
	c.Reason, c.Pause = r.Told(now), fleet.PauseOf(r)
	c.Also = slices.DeleteFunc(c.Also, func(f string) bool { return saidElsewhere(f, r) })
	c.parts(l, r)
	if was {
		c.past(l)
	}
	for _, one := range r.Conditions {
		known := terms.Known(one.Type)
		c.Advice = append(c.Advice, advice{one, known.Meaning, known.Do})
	}
	return c
}

// saidElsewhere reports whether a finding repeats the reason, a check or a condition.
func saidElsewhere(finding string, r *plan.Report) bool {
	return r.Reason != "" && strings.Contains(finding, r.Reason) ||
		slices.ContainsFunc(r.Checks, func(c plan.CheckReport) bool { return strings.HasPrefix(finding, "check "+c.Name+" ") }) ||
		slices.ContainsFunc(r.Conditions, func(c plan.Condition) bool { return finding == c.Type+": "+c.Message })
}

// webAddress lets addresses through that a browser may be sent to.
func webAddress(u string) string {
	if strings.HasPrefix(u, "https://") || strings.HasPrefix(u, "http://") {
		return u
	}
	return ""
}

func (c *card) parts(l *words.Language, r *plan.Report) {
	for _, s := range r.Services {
		c.Services = append(c.Services, serviceOf(l, s))
	}
	for _, k := range r.Checks {
		c.Checks = append(c.Checks, resultOf(l, part{Name: k.Name, At: k.At, Said: k.Output}, k.OK))
	}
	for _, k := range r.Leaves {
		c.Leaves = append(c.Leaves, leftOf(l, k))
	}
	for _, j := range r.Jobs {
		p := part{Name: j.Name, At: j.At, Said: j.Output}
		if j.Skipped != "" {
			p.Said = l.Say("job.skipped", "Why", j.Skipped)
		}
		c.Jobs = append(c.Jobs, resultOf(l, p, j.OK))
	}
}

// past makes what a node said of its parts what they were then: its word is too old to
// say what they are.
func (c *card) past(l *words.Language) {
	for _, parts := range [][]part{c.Services, c.Checks, c.Jobs, c.Leaves} {
		for i := range parts {
			parts[i].State, parts[i].Mark = l.Say("status.was", "Status", parts[i].State), "stale"
		}
	}
}

func serviceOf(l *words.Language, s plan.ServiceReport) part {
	p := part{Name: s.Name, Restarts: s.Restarts, Said: plain.Quote(s.Reason, longestQuote)}
	switch {
	case s.Run == plan.Running && s.Ready:
		p.State, p.Mark, p.Shape = l.Word("service.running"), "active", "●"
	case s.Run == plan.Running:
		p.State, p.Mark, p.Shape = l.Word("service.not-ready"), "activating", "◐"
	case s.Run == plan.Stopped:
		p.State, p.Mark, p.Shape = l.Word("service.stopped"), "inactive", "○"
	case s.Run == plan.RunFailed:
		p.State, p.Mark, p.Shape = l.Word("service.failed"), "failed", "▲"
	default:
		p.State, p.Mark, p.Shape = l.Word("service.unsure"), "unknown", "?"
	}
	return p
}

func resultOf(l *words.Language, p part, ok bool) part {
	p.Said = plain.Quote(p.Said, longestQuote)
	switch {
	case p.At.IsZero():
		p.State, p.Mark, p.Shape = l.Word("result.none"), "inactive", "○"
	case ok:
		p.State, p.Mark, p.Shape = l.Word("result.ok"), "active", "●"
	default:
		p.State, p.Mark, p.Shape = l.Word("result.failed"), "failed", "▲"
	}
	return p
}

// leftOf is a count of what a switch leaves on a node.
func leftOf(l *words.Language, k plan.CheckReport) part {
	p := resultOf(l, part{Name: k.Name, At: k.At, Said: k.Output}, k.OK)
	switch {
	case k.At.IsZero() || !k.OK:
	case k.Output == "":
		p.State, p.Mark, p.Shape = l.Word("leaves.nothing"), "inactive", "○"
	default:
		p.State, p.Mark, p.Shape = l.Word("leaves.some"), "activating", "◐"
	}
	return p
}

// Serves reports whether the node says that it is Active: a switch would leave there what
// another node was left with.
func (c card) Serves() bool { return c.Report != nil && c.Report.Status == plan.Active }

// Left are the counts that are not of nothing.
func (c card) Left() []part {
	return slices.DeleteFunc(slices.Clone(c.Leaves), func(p part) bool { return p.Said == "" })
}

// Commits reports whether the node's three commits are one.
func (c card) Commits() bool {
	r := c.Report
	return r != nil && r.Seen == r.Accepted && r.Accepted == r.Applied
}

// ofSide reports whether a node is the one of a role on a side.
func ofSide(n fleet.Node, role string, side spec.Side) bool { return n.Role == role && n.Side == side }
