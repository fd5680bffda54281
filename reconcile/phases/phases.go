// Package phases keeps the moments of a change of side, for people.
package phases

import (
	"slices"
	"time"

	"mainstay/reconcile/plan"
)

// Log is the moments of the newest change of side as this node saw them, and
// those of the start before, until the claim under which it served is given up.
type Log struct {
	Now    []plan.Phase
	Before *plan.Served
	// Recalled says that what was published before a restart was taken over, or
	// that there was nothing to take over.
	Recalled bool
}

// Begin starts a new change of side. Served is the seq of the claim this node
// holds, 0 without one; back says that this very side is declared again.
func (p *Log) Begin(at time.Time, served uint64, back bool) {
	still := p.Before != nil && p.Before.Seq == served
	switch {
	case still && back:
		p.Now, p.Before = p.Before.Phases, nil
		return
	case still:
	case served > 0 && len(p.Now) > 0:
		p.Before = &plan.Served{Seq: served, Phases: p.Now}
	default:
		p.Before = nil
	}
	p.Now = []plan.Phase{{Name: plan.PhaseSeen, At: at.UTC()}}
}

// Mark notes the first time a phase is reached.
func (p *Log) Mark(name string, at time.Time) {
	if !p.has(name) {
		p.Now = append(p.Now, plan.Phase{Name: name, At: at.UTC()})
	}
}

func (p *Log) has(name string) bool {
	return slices.ContainsFunc(p.Now, func(q plan.Phase) bool { return q.Name == name })
}

// Recall puts what this node published before it was restarted in front of what
// it saw since, when both are of the same change of side.
func (p *Log) Recall(published []plan.Phase) {
	since := p.Now
	p.Now = slices.Clone(published)
	for _, q := range since {
		p.Mark(q.Name, q.At)
	}
}
