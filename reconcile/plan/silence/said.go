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
// which says it stays the same from pass to pass, and since when each could not be asked.
// The zero Said is ready; it is for one goroutine.
type Said struct {
	silences map[string]since
	unasked  map[string]plan.Time // by boot time
}

// patience is how long a target cannot be asked before a report says so: right after a
// switch the newest try is from before the other side served, or met it as it started.
const patience = 3 * time.Second

// stamp is RFC 3339.
const stamp = "2006-01-02T15:04:05Z07:00"

type since struct {
	boot plan.Time
	wall time.Time
}

// Say adds to a report that a target is silent, or cannot be asked. Boot is the time now.
func (s *Said) Say(r *plan.Report, boot plan.Time, t Target, v plan.ProbeView) {
	key := t.Silent + " " + t.Who
	if v.Unasked == "" {
		delete(s.unasked, key)
	}
	switch {
	case v.Unasked != "" && !s.longUnasked(key, boot):
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

// longUnasked reports whether a target has not been asked for longer than patience.
func (s *Said) longUnasked(key string, now plan.Time) bool {
	first, ok := s.unasked[key]
	if !ok {
		if s.unasked == nil {
			s.unasked = map[string]plan.Time{}
		}
		s.unasked[key] = now
		return false
	}
	return now-first >= patience
}
