package reconcile

import (
	"math/rand/v2"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// The pace of the learner. In a handover it looks every second until that is
// over; failing looks back off to a minute, unless a handover or a lease waits
// for them.
const (
	handoverPoll = time.Second
	slowestPoll  = time.Minute
	firstTry     = 500 * time.Millisecond
	slowestTry   = 10 * time.Second
)

// pacer says when to look at git, and when an order may be tried again.
type pacer struct {
	clock  Clock
	failed int
	looks  uint64
	key    orderKey
	tries  int
	last   time.Duration
}

// orderKey tells two orders apart: another parent is another order.
type orderKey struct {
	parent  string
	action  plan.Action
	start   uint64
	restore bool
}

func newPacer(c Clock) *pacer { return &pacer{clock: c} }

func keyOf(o Order) orderKey {
	k := orderKey{restore: o.Restore}
	if o.Push != nil {
		k.parent, k.action, k.start = o.Push.Parent, o.Push.Claim.Action, o.Push.Claim.Start
	}
	return k
}

// nextLook returns when to look at git next, in boot time.
func (p *pacer) nextLook(s *Snapshot, handover bool) time.Duration {
	if s.Looks != p.looks {
		p.looks = s.Looks
		p.failed++
		if s.OK {
			p.failed = 0
		}
	}
	every, lease := interval(s, p.clock)
	if handover {
		every = min(every, handoverPoll)
	}
	if p.failed > 0 && !handover && !lease {
		every = min(every<<min(p.failed, 10), max(every, slowestPoll))
	}
	return s.Began + jitter(every)
}

// interval is the document's poll interval now, and whether a lease is in force.
func interval(s *Snapshot, c Clock) (time.Duration, bool) {
	if s.Accepted == nil {
		return 5 * time.Second, false
	}
	d := s.Accepted.Deployment
	return untilNext(d.Agent.Poll, c.Wall()), d.Handover.Lease > 0
}

func untilNext(s spec.Schedule, wall time.Time) time.Duration {
	if s.Cron == nil {
		return s.Every
	}
	return max(s.Cron.Next(wall).Sub(wall), 100*time.Millisecond)
}

// jitter spreads the nodes by a fifth, so that they do not ask all at once.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}

// mayTry reports whether an order may be tried now: it is a new one, or enough
// time has passed since the last try.
func (p *pacer) mayTry(s *Snapshot, o Order) bool {
	return !o.Empty() && s.OK && p.clock.Boot() >= p.nextTry(s, o)
}

// nextTry returns when an order may be tried, in boot time.
func (p *pacer) nextTry(s *Snapshot, o Order) time.Duration {
	if o.Empty() || !s.OK {
		return 1<<63 - 1
	}
	if keyOf(o) != p.key {
		return 0
	}
	return p.last + min(firstTry<<min(p.tries, 10), slowestTry)
}

func (p *pacer) tried(o Order) {
	if k := keyOf(o); k != p.key {
		p.key, p.tries = k, 0
	}
	p.tries++
	p.last = p.clock.Boot()
}
