package reconcile

import (
	"cmp"
	"slices"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/permit"
)

// updateReport brings the report up to date with a decision.
func (a *Actuator) updateReport(d plan.Decision) {
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
			a.phases.Mark(name, wall)
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
		Phases: slices.Clone(a.phases.Now), Beside: a.copies.Beside, BesideBeat: a.copies.Beat,
	}
	switch p := a.pause; {
	case p != nil && r.Paused:
		r.PausedUntil = p.Until.UTC()
	case r.Paused && a.wanted != nil:
		r.PausedUntil = a.wanted.PausedUntil.UTC()
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
	if a.unsaved != "" || len(a.unkept) > 0 {
		r.Conditions = append(r.Conditions, plan.Condition{Type: plan.CondStateNotSaved,
			Message: "not everything could be kept on disk: " + cmp.Or(a.unsaved, "an order, or which services are managed")})
	}
	if a.Machine.AddToReport != nil {
		a.Machine.AddToReport(&r, a.ownClaim())
	}
	return r
}

// tie is what this node knows of its claim, as of the newest pass.
func (a *Actuator) ownClaim() permit.OwnClaim {
	in := a.in
	in.Memory = a.mem
	return permit.OwnClaimOf(&in)
}

// composeNone makes the report of an agent that has no document in force. The report
// says where the node belongs and why the agent does nothing. It says nothing of
// services, because the agent never observed any.
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
	r.Heard = a.in.Peer.Run
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

// sayGone reports what runs although no document names it any more.
func (a *Actuator) sayGone(r *plan.Report) {
	m := a.managed
	if m == nil {
		return
	}
	for i, l := range m.Gone {
		message := l.Name + " is in the document no more and was not seen down since: stop it by hand, or it is stopped when this side is"
		if l.Lost != "" {
			message = "which services earlier documents started here is not known, its record was " + string(l.Lost) + ": this side is not released"
		}
		if hand := a.Machine.Services.ByHand(len(m.Services) + i); hand != "" {
			message += "; by hand: " + hand
		}
		r.Conditions = append(r.Conditions, plan.Condition{Type: plan.CondLeftRunning, Message: message})
	}
}

// recallPhases takes over what this node published before a restart, once, from
// the first of its own reports that is read.
func (a *Actuator) recallPhases() {
	own := a.snap.Reports[a.Node]
	if a.phases.Recalled || a.doc == nil || a.snap.LastRead.IsZero() {
		return
	}
	a.phases.Recalled = true
	switch {
	case own == nil || own.Instance != a.Instance || len(own.Phases) == 0:
	case own.Declared == a.doc.Active:
		a.phases.Recall(own.Phases)
	case own.Declared == own.Side && own.Holder.Side() == own.Side:
		a.phases.Before = &plan.Served{Seq: own.Seq, Phases: own.Phases}
	}
}

// served is the seq of the claim this node holds by its newest report, 0 without
// one.
func (a *Actuator) served() uint64 {
	if a.doc == nil || !a.doc.Exclusive || a.report.Holder.Side() != a.doc.Side {
		return 0
	}
	return a.report.Seq
}

// withPhases adds to a change of the claim the phases that people will read in it.
func (a *Actuator) withPhases(push *plan.Push) *plan.Push {
	if push == nil {
		return nil
	}
	p := *push
	p.Claim.Phases, p.Claim.Before = slices.Clone(a.phases.Now), a.phases.Before
	tip, peer := a.in.Claim.Tip, a.in.Peer
	if p.Claim.Action == plan.Seize && peer.Known && peer.Seq == tip.Seq && peer.Side == peer.Declared {
		p.Claim.Before = &plan.Served{Seq: tip.Seq, Phases: peer.Phases}
	}
	return &p
}
