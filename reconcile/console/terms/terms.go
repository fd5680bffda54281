// Package terms judges what nodes published, for their pages: how much a deployment needs
// a person, which terms of a node are older than they should be, when its jobs come
// next, which rules it names, and how a deployment is called among others.
//
// It must not know of pages. It says what the reports have, and guesses nothing.
package terms

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/conditions"
	"mainstay/spec"
)

// The kinds of a Late term.
const (
	// Report is of a report that should have been followed by another one.
	Report = "report"
	// Read is of a look at git that was long ago when the node reported.
	Read = "read"
	// Check is of a readiness check whose result was old when the node reported.
	Check = "check"
	// Seen is of a commit that is newer than the newest that the node saw, Accepted of
	// one that it saw and does not go by, Applied of one that it is not yet as.
	Seen     = "newest"
	Accepted = "accepted"
	Applied  = "applied"
)

// Late is a term that is older than it should be.
type Late struct {
	Kind string
	// Name is the check's.
	Name string
	// Age is how old it is or was, Bound how old it may be.
	Age, Bound time.Duration
	// Has is the commit that the node has, Wants the one that it should have.
	Has, Wants string
}

// Subject is a node with what its terms are measured by.
type Subject struct {
	Document *spec.Deployment
	Report   *plan.Report
	// Heard is how long ago the node was heard; Ahead says that this is not known.
	Heard time.Duration
	Ahead bool
	// Newest is the newest commit of the branch, Digest that of the document.
	Newest, Digest string
}

// Late lists what is older than it should be, the report itself first: what is older
// than that is not known.
func (s Subject) Late() []Late {
	r := s.Report
	if r == nil {
		return nil
	}
	var out []Late
	if s.Document != nil {
		out = s.ages(s.Document.Agent)
	}
	// A newer commit that does not touch the document changes nothing for a node.
	if r.Seen != "" && r.Seen != s.Newest && r.Document != s.Digest {
		out = append(out, Late{Kind: Seen, Has: r.Seen, Wants: s.Newest})
	}
	if r.Accepted != r.Seen {
		out = append(out, Late{Kind: Accepted, Has: r.Accepted, Wants: r.Seen})
	}
	if r.Applied != r.Accepted {
		out = append(out, Late{Kind: Applied, Has: r.Applied, Wants: r.Accepted})
	}
	return out
}

func (s Subject) ages(a spec.AgentSettings) []Late {
	r := s.Report
	var out []Late
	late := func(kind, name string, age, bound time.Duration) {
		if age > bound {
			out = append(out, Late{Kind: kind, Name: name, Age: age, Bound: bound})
		}
	}
	if !s.Ahead {
		late(Report, "", s.Heard, r.Every(a.Heartbeat.D())+a.Timeout.D())
	}
	if !r.LastRead.IsZero() {
		late(Read, "", r.At.Sub(r.LastRead), 2*a.Poll.Longest(r.At))
	}
	w, err := s.Document.Want(r.Node)
	if err != nil {
		return out
	}
	for _, c := range r.Checks {
		i := slices.IndexFunc(w.Checks, func(k spec.Check) bool { return k.Name == c.Name })
		if i >= 0 && !c.At.IsZero() {
			late(Check, c.Name, r.At.Sub(c.At), 2*w.Checks[i].Every.D())
		}
	}
	return out
}

// The kinds of a Run.
const (
	// Clock is a time by the node's own clock on the wall, whose zone it does not tell.
	Clock = "clock"
	// About is a time that lies an interval after the last run, and up to a tenth later.
	About = "about"
	// Soon is within an interval of the agent's start: no run is known.
	Soon = "soon"
	// Idle is of a job that does not run in the state that the node is in.
	Idle = "idle"
)

// Run is when a job comes next.
type Run struct {
	Kind string
	// At is when. For Clock its zone means nothing.
	At time.Time
	// Schedule is what the document says.
	Schedule string
}

// Next says when a job comes after a moment. last is when it last ran, zero where that
// is not known. Every node counts a cron expression in its machine's own zone.
func Next(j spec.Job, active bool, last, now time.Time) Run {
	r := Run{Kind: Soon, Schedule: j.Schedule.Text}
	switch {
	case j.When == spec.WhenActive && !active, j.When == spec.WhenInactive && active:
		r.Kind = Idle
	case j.Schedule.Cron != nil:
		r.Kind, r.At = Clock, j.Schedule.Cron.Next(now.UTC())
	case !last.IsZero():
		r.Kind, r.At = About, last.Add(j.Schedule.Every)
	}
	return r
}

// Known is what the registry says of a type of condition; its zero value says nothing.
func Known(kind string) conditions.Type { return conditions.Of(kind) }

// Rule is one that a report names, with what it says.
type Rule struct {
	Name, Title, Text string
	// For is why it is named: empty for the decision itself, else a condition.
	For string
}

// named is how texts name rules.
var named = regexp.MustCompile(`\bR1?[0-9]\b`)

// Rules lists the rules by which a node came to what it says: that of its newest
// decision first, then those that the meanings of its conditions name.
func Rules(r *plan.Report) []Rule {
	if r == nil {
		return nil
	}
	var out []Rule
	add := func(name, why string) {
		text := plan.Rule(name).Text()
		if text == "" || slices.ContainsFunc(out, func(o Rule) bool { return o.Name == name }) {
			return
		}
		title, _, _ := strings.Cut(text, ":")
		if first, _, long := strings.Cut(title, " ("); long {
			title = first
		}
		out = append(out, Rule{Name: name, Title: strings.Join(strings.Fields(title), " "), Text: text, For: why})
	}
	add(string(r.Rule), "")
	for _, name := range named.FindAllString(r.Reason, -1) {
		add(name, "")
	}
	for _, c := range r.Conditions {
		for _, name := range named.FindAllString(c.Message+" "+conditions.Of(c.Type).Meaning, -1) {
			add(name, c.Type)
		}
	}
	return out
}
