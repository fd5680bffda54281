package forecast

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/permit"
	"mainstay/spec"
)

// settings lists what changes for all nodes.
func (p *planner) settings() {
	if p.From == nil {
		p.plan.Settings = append(p.plan.Settings, p.say("the deployment is new: its nodes begin once their agents run"))
		return
	}
	tell := func(what string, from, to any) {
		if f, t := fmt.Sprint(from), fmt.Sprint(to); f != t {
			p.plan.Settings = append(p.plan.Settings, p.say("%s: %s → %s", what, none(f), none(t)))
		}
	}
	a, b := p.From, p.To
	tell("name", a.Name, b.Name)
	tell("active", a.Active, b.Active)
	tell("fenced", a.Fenced, b.Fenced)
	tell("agent.poll", asText(a.Agent.Poll), asText(b.Agent.Poll))
	tell("agent.timeout", a.Agent.Timeout, b.Agent.Timeout)
	tell("agent.heartbeat", a.Agent.Heartbeat, b.Agent.Heartbeat)
	tell("handover.wait", a.Handover.Wait, b.Handover.Wait)
	tell("handover.unconfirmed", a.Handover.Unconfirmed, b.Handover.Unconfirmed)
	tell("handover.absent", a.Handover.Absent, b.Handover.Absent)
	tell("handover.lease", a.Handover.Lease, b.Handover.Lease)
	tell("handover.objective", objective(a), objective(b))
}

// objective is that of a document, empty for none.
func objective(d *spec.Deployment) string {
	if d.Handover.Objective == 0 {
		return ""
	}
	return d.Handover.Objective.String()
}

func none(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}

func asText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// nodeChanges lists what the document changes on single nodes, whatever is
// declared.
func (p *planner) nodeChanges() {
	if p.From == nil {
		return
	}
	p.plan.Notes = append(p.plan.Notes, p.renames()...)
	for _, name := range fleet.Ordered(p.To) {
		before, err := p.From.Want(name)
		if err != nil {
			p.step(name, DoChange, "", "", p.say("joins the deployment"))
			continue
		}
		if after := p.want(name); after != nil {
			p.nodeChange(before, after)
		}
	}
	for _, name := range p.From.NodeNames() {
		if _, ok := p.To.Nodes[name]; !ok {
			p.plan.Steps = append(p.plan.Steps, Step{Node: name, Role: p.From.Nodes[name].Role, Side: p.From.Nodes[name].Side,
				Do: DoChange, Text: p.leaves(name)})
		}
	}
}

// renames says what leads nodes to another claim than before, which they refuse (R13).
func (p *planner) renames() []string {
	var notes []string
	for _, name := range fleet.Ordered(p.To) {
		if _, was := p.From.Nodes[name]; !was {
			continue
		}
		if kind, what := permit.Renames(p.From, p.To, name); kind != "" {
			notes = append(notes, p.say("the document %s and leaves the claim behind that says who serves: nodes accept that "+
				"only once you saw what runs on both sides and ran mainstay accept COMMIT --attest \"…\" on each", what))
		}
	}
	return slices.Compact(notes)
}

// leaves is what becomes of a node that the document no longer has. One that holds
// the claim goes on serving under a name that nobody looks at.
func (p *planner) leaves(name string) string {
	n := p.From.Nodes[name]
	if n.Side != "" && p.From.Roles[n.Role].Exclusive && p.serving(n.Role) == n.Side {
		p.plan.Notes = append(p.plan.Notes, p.say("%s holds the claim of %s and serves: take it out or rename it while it is Inactive", name, n.Role))
	}
	return p.say("leaves the deployment: its agent keeps what it accepted last")
}

func (p *planner) nodeChange(a, b *spec.Wanted) {
	tell := func(what, text string) { p.step(b.Node, DoChange, what, "", text) }
	switch {
	case b.Paused && !b.PausedUntil.IsZero() && (!a.Paused || !a.PausedUntil.Equal(b.PausedUntil)):
		tell("paused", p.say("is paused until %s: its agent only looks", b.PausedUntil.UTC().Format("2006-01-02 15:04 UTC")))
	case b.Paused && a.Paused && b.PausedUntil.IsZero() && !a.PausedUntil.IsZero():
		tell("paused", p.say("stays paused until a commit resumes it"))
	case b.Paused && !a.Paused && b.PauseReason == "":
		tell("paused", p.say("is paused: its agent only looks"))
	case b.Paused && !a.Paused:
		tell("paused", p.say("is paused: its agent only looks (%s)", b.PauseReason))
	case a.Paused && !b.Paused:
		tell("paused", p.say("is no longer paused"))
	}
	for _, f := range []struct{ what, from, to string }{
		{"role", a.Role, b.Role}, {"side", string(a.Side), string(b.Side)}, {"address", a.Address, b.Address}, {"url", a.URL, b.URL},
	} {
		if f.from != f.to {
			tell(f.what, p.say("%s: %s → %s", f.what, none(f.from), none(f.to)))
		}
	}
	p.serviceChanges(a, b)
	named(a.Jobs, b.Jobs, func(j spec.Job) string { return j.Name }, func(name, how string) { tell(name, p.say("%s the job %s", verb(how), name)) })
	named(a.Checks, b.Checks, func(c spec.Check) string { return c.Name }, func(name, how string) { tell(name, p.say("%s the check %s", verb(how), name)) })
	named(a.Leaves, b.Leaves, func(c spec.Check) string { return c.Name }, func(name, how string) { tell(name, p.say("%s the count of %s that stay behind", verb(how), name)) })
	named(probes(a), probes(b), func(q namedProbe) string { return q.name }, func(name, how string) { tell(name, p.say("%s the %s probe", verb(how), name)) })
}

// serviceChanges says what becomes of services that come, go or change.
func (p *planner) serviceChanges(a, b *spec.Wanted) {
	up := b.Side == "" || p.serves(b)
	named(a.Services, b.Services, func(s spec.Service) string { return s.Name }, func(name, how string) {
		run := runOf(p.last(b.Node), name)
		switch {
		case how == "adds" && up:
			p.step(b.Node, DoStart, name, "", p.say("starts %s, which is new in the document", name))
		case how == "adds":
			p.step(b.Node, DoChange, name, "", p.say("%s is new: it stays stopped until this side serves", name))
		case how == "drops":
			p.step(b.Node, DoChange, name, "", p.say("no longer looks after %s, which stays as it is%s", name, p.nowIs(run)))
		default:
			p.step(b.Node, DoChange, name, "", p.say("changes how %s is looked after%s", name, p.nowIs(run)))
		}
	})
}

// serves reports whether a node of an exclusive role starts what is new: it holds
// the claim and says so, whether or not all of it runs already.
func (p *planner) serves(w *spec.Wanted) bool {
	r := p.last(w.Node).Report
	if r == nil {
		return false
	}
	holds := p.serving(w.Role) == w.Side
	return r.Status == plan.Active || holds && (r.Status == plan.Activating || r.Status == plan.Failed)
}

// named compares two lists by name, and says what was added, dropped or changed.
func named[T any](a, b []T, name func(T) string, say func(name, how string)) {
	for _, y := range b {
		i := slices.IndexFunc(a, func(x T) bool { return name(x) == name(y) })
		switch {
		case i < 0:
			say(name(y), "adds")
		case !reflect.DeepEqual(a[i], y):
			say(name(y), "changes")
		}
	}
	for _, x := range a {
		if !slices.ContainsFunc(b, func(y T) bool { return name(x) == name(y) }) {
			say(name(x), "drops")
		}
	}
}

type namedProbe struct {
	name  string
	probe spec.Probe
}

func probes(w *spec.Wanted) []namedProbe {
	var out []namedProbe
	if w.Witness != nil {
		out = append(out, namedProbe{"witness", *w.Witness})
	}
	for _, side := range []spec.Side{spec.Main, spec.Standby} {
		if q := w.DetectOn[side]; q != nil {
			out = append(out, namedProbe{"detect on " + string(side), *q})
		}
	}
	return out
}
