package silence

import (
	"fmt"
	"time"

	"mainstay/reconcile/plan"
)

// Target is what a probe asks, and the conditions that tell of its silence and of a probe
// that could not ask.
type Target struct{ Who, Silent, Unusable string }

// Said keeps since when each target has been silent, by the wall clock, so that a report
// which says it stays the same from pass to pass. The zero Said is ready; it is for one
// goroutine.
type Said struct{ silences map[string]since }

// stamp is RFC 3339.
const stamp = "2006-01-02T15:04:05Z07:00"

type since struct {
	boot plan.Time
	wall time.Time
}

// Say adds to a report that a target is silent, or cannot be asked. Boot is the time now.
func (s *Said) Say(r *plan.Report, boot plan.Time, t Target, v plan.ProbeView) {
	key := t.Silent + " " + t.Who
	switch {
	case v.Unasked != "":
		r.Conditions = append(r.Conditions, plan.Condition{Type: t.Unusable, Message: fmt.Sprintf(
			"%s cannot be asked whether it lives: %s; it will not be presumed dead", t.Who, v.Unasked)})
	case v.Quiet():
		known, ok := s.silences[key]
		if !ok || known.boot != v.SilentSince {
			known = since{v.SilentSince, r.At.Add(v.SilentSince - boot).Round(time.Second)}
			if s.silences == nil {
				s.silences = map[string]since{}
			}
			s.silences[key] = known
		}
		r.Conditions = append(r.Conditions, plan.Condition{Type: t.Silent, Since: known.wall.UTC(), Message: fmt.Sprintf(
			"%s has not answered since %s", t.Who, known.wall.UTC().Format(stamp))})
	default:
		delete(s.silences, key)
	}
}
