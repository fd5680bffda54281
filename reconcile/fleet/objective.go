package fleet

import (
	"slices"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// Verdict says whether a switch kept its objective.
type Verdict string

// The verdicts.
const (
	Kept   Verdict = "kept"
	Missed Verdict = "missed"
	// Unknown is of a switch whose beginning or end the node that came up did not tell.
	Unknown Verdict = "unknown"
)

// Objective is what the document, as it is now, wants of a switch, with what came of it.
type Objective struct {
	Bound   spec.Duration `json:"bound"`
	Verdict Verdict       `json:"verdict"`
}

// hold lays a switch beside its objective: from when the node that came up saw the
// commit until it was Active, by its own clock.
func (s *Switch) hold(bound spec.Duration) {
	if bound <= 0 || s.First {
		return
	}
	s.Objective = &Objective{bound, Unknown}
	at := func(name string) int {
		return slices.IndexFunc(s.Phases, func(p Phase) bool { return p.Name == name && p.Node == s.Node })
	}
	seen, active := at(plan.PhaseSeen), at(plan.PhaseActive)
	switch {
	case seen < 0 || active < 0 || s.Phases[active].At.Before(s.Phases[seen].At):
	case s.Phases[active].At.Sub(s.Phases[seen].At) <= bound.D():
		s.Objective.Verdict = Kept
	default:
		s.Objective.Verdict = Missed
	}
}
