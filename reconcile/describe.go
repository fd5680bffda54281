package reconcile

import (
	"slices"
	"time"

	"mainstay/reconcile/plan"
)

// describe brings the report up to date with a decision.
func (a *Actuator) describe(d plan.Decision) {
	wall := a.Clock.Wall()
	if a.last.Status != d.Status {
		a.since = wall
		a.Log.Info("status", "status", d.Status, "rule", d.Rule, "reason", d.Reason)
	}
	a.markPhases(d, wall)
	a.countRestarts(d)
	if d.Converged && a.snap.Accepted != nil && a.blocked == "" {
		a.applied = a.snap.Accepted.Commit
	}
	a.last = d
	a.report = a.compose(d)
}

// countRestarts counts the starts of a side that was up before, by service. It
// begins again when the side comes up.
func (a *Actuator) countRestarts(d plan.Decision) {
	if d.Status == plan.Inactive {
		a.restarts = nil
	}
	for _, s := range d.Steps {
		if s.Do != plan.DoStart || !d.Memory.WasActive {
			continue
		}
		if a.restarts == nil {
			a.restarts = map[string]int{}
		}
		a.restarts[a.nameOf(s)]++
	}
}

// nameOf is the name in the document of what a step is about.
func (a *Actuator) nameOf(s plan.Step) string {
	switch {
	case a.doc == nil || s.Do == plan.DoSelfFence:
		return a.Node
	case s.Do == plan.DoRender && a.wanted != nil && s.Index < len(a.wanted.Files):
		return a.wanted.Files[s.Index].Path
	case s.Do != plan.DoRender && s.Index < len(a.doc.Services):
		return a.doc.Services[s.Index].Name
	}
	return ""
}

func (a *Actuator) markPhases(d plan.Decision, wall time.Time) {
	if a.doc == nil {
		return
	}
	before, claim := a.last, a.snap.Claims[a.doc.Role].Tip
	mine := claim.Instance == a.Instance && !claim.Free()
	mark := func(yes bool, name string) {
		if yes {
			a.phases.mark(name, wall)
		}
	}
	mark(d.Ready, plan.PhaseReady)
	mark(before.Status == plan.Deactivating && d.Status == plan.Inactive, plan.PhaseStopped)
	mark(a.report.Holder.Side() == a.doc.Side && a.doc.Side != "" && !mine, plan.PhaseReleased)
	mark(d.Memory.Stage == plan.StageServing && before.Memory.Stage != plan.StageServing && a.doc.Exclusive, plan.PhaseTaken)
	for _, s := range d.Steps {
		mark(s.Do == plan.DoStart, plan.PhaseStarted)
	}
	mark(d.Status == plan.Active && a.doc.Exclusive && a.doc.Side == a.doc.Active, plan.PhaseActive)
	mark(!a.doc.Exclusive && d.Converged, plan.PhaseSwitched)
}

// compose makes the report of a decision.
func (a *Actuator) compose(d plan.Decision) plan.Report {
	r := plan.Report{
		Node: a.Node, Instance: a.Instance, Status: d.Status, Reason: d.Reason, Rule: d.Rule,
		Ready: d.Ready, Paused: d.Status == plan.Paused, Seen: a.snap.Seen, Applied: a.applied,
		Versions: a.Versions, Since: a.since.UTC(), At: a.Clock.Wall().UTC(), LastRead: a.snap.LastRead.UTC(),
		Phases: slices.Clone(a.phases.now),
	}
	if p := a.pause; p != nil && r.Paused {
		r.PausedUntil = p.Until.UTC()
	}
	if a.doc != nil {
		a.composeDoc(&r, d)
	} else {
		a.composeNone(&r)
	}
	if d.Until > 0 {
		r.Until = r.At.Add(d.Until - a.Clock.Boot()).Round(time.Second)
	}
	if a.takeover != nil {
		r.Takeover = a.takeover.Attest
	}
	r.Conditions = append(append([]plan.Condition(nil), d.Conditions...), a.snap.Conditions...)
	if a.blocked != "" {
		r.Conditions = append(r.Conditions, plan.Condition{Type: plan.CondBlocked, Message: a.blocked})
	}
	a.sayGone(&r)
	a.sayProbes(&r)
	a.sayGuard(&r)
	if a.unsaved != "" {
		r.Conditions = append(r.Conditions, plan.Condition{Type: plan.CondStateNotSaved,
			Message: "the memory could not be kept on disk: " + a.unsaved})
	}
	if a.Machine.Extra != nil {
		a.Machine.Extra(&r, a.tie())
	}
	return r
}

// tie is what this node knows of its claim, as of the newest pass.
func (a *Actuator) tie() plan.Tie {
	in := a.in
	in.Memory = a.mem
	return plan.TieOf(&in)
}

// composeNone makes the report of an agent that goes by no document. It says where it
// belongs and why it does nothing, and nothing of services: it never looked at any.
func (a *Actuator) composeNone(r *plan.Report) {
	r.Deployment = a.snap.Refused
	if acc := a.snap.Accepted; acc != nil {
		r.Deployment = acc.Deployment.Name
	}
	if why := a.noDocument(); why != "" {
		r.Reason += ": " + why
	}
}

// noDocument says why there is none, as far as it is known.
func (a *Actuator) noDocument() string {
	if a.blocked == "" && len(a.snap.Conditions) > 0 {
		return a.snap.Conditions[0].Message
	}
	return a.blocked
}

func (a *Actuator) composeDoc(r *plan.Report, d plan.Decision) {
	acc, doc := a.snap.Accepted, a.doc
	r.Deployment, r.Role, r.Side = acc.Deployment.Name, doc.Role, doc.Side
	r.Declared, r.Serving = doc.Active, d.Serving
	r.Accepted, r.Document = acc.Commit, acc.Digest
	if doc.Exclusive {
		claim := a.snap.Claims[doc.Role]
		tip := claim.Tip
		r.Seq, r.Holder, r.Guarantee, r.Joined = tip.Seq, tip.Holder, tip.Guarantee, claim.Joined
		r.Serving = ""
		if d.Memory.Local != "" {
			r.Guarantee = d.Memory.Guarantee
		}
	}
	for i, o := range a.Machine.Services.Observed() {
		if i >= len(doc.Services) {
			break
		}
		r.Running = r.Running || doc.Exclusive && !o.Down()
		r.Services = append(r.Services, plan.ServiceReport{
			Name: doc.Services[i].Name, Run: o.Run, Ready: o.Ready, Reason: reasonOf(o),
			Restarts: a.restarts[doc.Services[i].Name]})
	}
}

func reasonOf(o plan.Observed) string {
	switch {
	case o.Err != "":
		return o.Err
	case o.Op == plan.OpDrain && o.Left != "":
		return o.Left
	}
	return o.Detail
}

// Report is this node's status as of the newest pass.
func (a *Actuator) Report() plan.Report { return a.report }

// Handover reports whether something between the sides is open, so that git is
// to be looked at more often.
func (a *Actuator) Handover() bool { return a.last.Handover }
