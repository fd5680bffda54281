package reconcile

import (
	"slices"
	"time"

	"mainstay/reconcile/plan"
)

// phases are the moments of the newest change of side as this node saw them, and
// those of the start before, until the claim under which it served is given up.
type phases struct {
	now    []plan.Phase
	before *plan.Served
	// recalled says that what was published before a restart was taken over, or
	// that there was nothing to take over.
	recalled bool
}

// begin starts a new change of side. Served is the seq of the claim this node
// holds, 0 without one; back says that this very side is declared again.
func (p *phases) begin(at time.Time, served uint64, back bool) {
	still := p.before != nil && p.before.Seq == served
	switch {
	case still && back:
		p.now, p.before = p.before.Phases, nil
		return
	case still:
	case served > 0 && len(p.now) > 0:
		p.before = &plan.Served{Seq: served, Phases: p.now}
	default:
		p.before = nil
	}
	p.now = []plan.Phase{{Name: plan.PhaseSeen, At: at.UTC()}}
}

// mark notes the first time a phase is reached.
func (p *phases) mark(name string, at time.Time) {
	if !p.has(name) {
		p.now = append(p.now, plan.Phase{Name: name, At: at.UTC()})
	}
}

func (p *phases) has(name string) bool {
	return slices.ContainsFunc(p.now, func(q plan.Phase) bool { return q.Name == name })
}

// recall puts what this node published before it was restarted in front of what
// it saw since, when both are of the same change of side.
func (p *phases) recall(published []plan.Phase) {
	since := p.now
	p.now = slices.Clone(published)
	for _, q := range since {
		p.mark(q.Name, q.At)
	}
}

// recallPhases takes over what this node published before a restart, once, from
// the first of its own reports that is read.
func (a *Actuator) recallPhases() {
	own := a.snap.Reports[a.Node]
	if a.phases.recalled || a.doc == nil || a.snap.LastRead.IsZero() {
		return
	}
	a.phases.recalled = true
	switch {
	case own == nil || own.Instance != a.Instance || len(own.Phases) == 0:
	case own.Declared == a.doc.Active:
		a.phases.recall(own.Phases)
	case own.Declared == own.Side && own.Holder.Side() == own.Side:
		a.phases.before = &plan.Served{Seq: own.Seq, Phases: own.Phases}
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

// told adds to a change of the claim what people will read of it.
func (a *Actuator) told(push *plan.Push) *plan.Push {
	if push == nil {
		return nil
	}
	p := *push
	p.Claim.Phases, p.Claim.Before = slices.Clone(a.phases.now), a.phases.before
	tip, peer := a.in.Claim.Tip, a.in.Peer
	if p.Claim.Action == plan.Seize && peer.Known && peer.Seq == tip.Seq && peer.Side == peer.Declared {
		p.Claim.Before = &plan.Served{Seq: tip.Seq, Phases: peer.Phases}
	}
	return &p
}
