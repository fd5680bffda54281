package fleet

import (
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// A switch keeps its objective, misses it, or nobody knows: what the node that came up
// did not tell is no verdict, nor is what another machine's clock says.
func TestASwitchIsHeldToItsObjective(t *testing.T) {
	at := func(seconds int) time.Time { return time.Date(2030, 1, 1, 0, 0, seconds, 0, time.UTC) }
	seen, late := Phase{plan.PhaseSeen, "b", at(0)}, Phase{plan.PhaseActive, "b", at(61)}
	for name, c := range map[string]struct {
		first  bool
		bound  time.Duration
		phases []Phase
		want   Verdict
	}{
		"kept":            {bound: time.Minute, phases: []Phase{seen, {plan.PhaseActive, "b", at(60)}}, want: Kept},
		"missed":          {bound: time.Minute, phases: []Phase{seen, late}, want: Missed},
		"no end":          {bound: time.Minute, phases: []Phase{seen, {plan.PhaseTaken, "b", at(1)}}, want: Unknown},
		"no beginning":    {bound: time.Minute, phases: []Phase{late}, want: Unknown},
		"another's clock": {bound: time.Minute, phases: []Phase{{plan.PhaseSeen, "a", at(0)}, {plan.PhaseActive, "b", at(5)}}, want: Unknown},
		"a clock set":     {bound: time.Minute, phases: []Phase{{plan.PhaseSeen, "b", at(9)}, {plan.PhaseActive, "b", at(5)}}, want: Unknown},
		"no objective":    {phases: []Phase{seen, late}},
		"the first one":   {bound: time.Minute, first: true, phases: []Phase{seen, late}},
	} {
		s := Switch{Node: "b", First: c.first, Phases: c.phases}
		s.hold(spec.Duration(c.bound))
		switch {
		case c.want == "" && s.Objective != nil:
			t.Errorf("%s: %+v", name, *s.Objective)
		case c.want != "" && (s.Objective == nil || s.Objective.Verdict != c.want || s.Objective.Bound.D() != c.bound):
			t.Errorf("%s: %+v", name, s.Objective)
		}
	}
}
