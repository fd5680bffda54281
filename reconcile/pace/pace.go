// Package pace says when to look at git, and when an order may be tried again. The
// agent and the simulation both keep time by it.
//
// It looks at nothing and tries nothing: it is told what came of either.
package pace

import (
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// The pace of the learner. In a handover it looks every second until that is
// over, or nothing happens in it any more, and twice a second right after news,
// when the other side's next step is near; failing looks back off to a minute,
// unless a handover or a lease waits for them.
const (
	handoverPoll = time.Second
	// briskPoll takes its place for briskNews after git had something new.
	briskPoll = 500 * time.Millisecond
	briskNews = 10 * time.Second
	// patientPoll takes its place once git had nothing new for handoverNews: a
	// side may be held for days.
	patientPoll  = 5 * time.Second
	handoverNews = 10 * time.Minute
	firstPoll    = 5 * time.Second // before a document says how often
	// Slowest is how seldom something is tried that goes on failing.
	Slowest = time.Minute
	// longestSpread bounds how much later than a cron expression says a node
	// looks.
	longestSpread = 10 * time.Second
	firstTry      = 500 * time.Millisecond
	slowestTry    = 10 * time.Second
)

// Clock tells the time.
type Clock interface {
	// Boot is the time since boot, suspend included (R7).
	Boot() time.Duration
	// Wall is what a cron expression counts by.
	Wall() time.Time
}

// Look is what a look at git says of the time until the next one.
type Look struct {
	// Number counts the looks, and Began is when this one began, in boot time.
	Number uint64
	Began  time.Duration
	// Claims says that it asked for claims and reports alone. It puts off none that asks for
	// the document too.
	Claims bool
	// OK says that git answered.
	OK bool
	// Document says that one is accepted. Poll is how often it wants to be looked at,
	// and Lease that it has a lease, which waits for no failing look (R7).
	Document bool
	Poll     spec.Schedule
	Lease    bool
	// Heads is what the two sides tell each other by: the branch and the claims.
	Heads string
}

// Order is a change of a claim that waits to be tried.
type Order struct {
	// Possible says that there is something to try, and that the newest look could
	// read the claim.
	Possible bool
	Push     *plan.Push
	Restore  bool
}

// Pacer says when to look at git, and when an order may be tried again. It is
// owned by the goroutine that owns the Learner.
type Pacer struct {
	clock  Clock
	random func() float64
	failed int
	// looks is the look that usual and hasty were reckoned from: when to look
	// next in quiet times, and in a handover.
	looks                 uint64
	usual, hasty, patient time.Duration
	// news is when git last had something new, or a handover began.
	news     time.Duration
	handover bool
	heads    string
	key      orderKey
	tries    int
	last     time.Duration
}

// orderKey tells two orders apart: another parent is another order.
type orderKey struct {
	parent  string
	action  plan.Action
	start   uint64
	restore bool
}

// New returns a pacer that has seen no look yet. Random gives numbers from 0 up to
// 1, which spread the nodes.
func New(c Clock, random func() float64) *Pacer { return &Pacer{clock: c, random: random} }

func keyOf(o Order) orderKey {
	k := orderKey{restore: o.Restore}
	if o.Push != nil {
		k.parent, k.action, k.start = o.Push.Parent, o.Push.Claim.Action, o.Push.Claim.Start
	}
	return k
}

// NextLook returns when to look at git after the look that gave s, in boot time.
func (p *Pacer) NextLook(s Look, handover bool) time.Duration {
	if s.Number != p.looks {
		p.looked(s)
	}
	if handover && !p.handover {
		p.news = p.clock.Boot()
	}
	p.handover = handover
	switch {
	case !handover:
		return p.usual
	case p.clock.Boot()-p.news > handoverNews:
		return p.patient
	}
	return p.hasty
}

// looked reckons once per look, so that being asked often makes nothing sooner.
func (p *Pacer) looked(s Look) {
	p.looks = s.Number
	if s.Heads != p.heads {
		p.heads, p.news = s.Heads, p.clock.Boot()
	}
	if s.Claims {
		return
	}
	p.failed++
	if s.OK {
		p.failed = 0
	}
	poll, lease := pollOf(s)
	if poll.Cron != nil {
		p.usual = p.clock.Boot() + p.later(untilNext(poll, p.clock.Wall()))
	} else {
		p.usual = s.Began + p.jitter(p.backoff(poll.Every, lease))
	}
	pace := p.jitter(handoverPoll)
	p.patient = min(p.usual, s.Began+pace*(patientPoll/handoverPoll))
	if p.clock.Boot()-p.news < briskNews {
		pace /= handoverPoll / briskPoll
	}
	p.hasty = min(p.usual, s.Began+pace)
}

// backoff slows down failing looks, unless a lease waits for them.
func (p *Pacer) backoff(every time.Duration, lease bool) time.Duration {
	if p.failed == 0 || lease {
		return every
	}
	return min(every<<min(p.failed, 10), max(every, Slowest))
}

// pollOf is the document's poll schedule, and whether a lease is in force.
func pollOf(s Look) (spec.Schedule, bool) {
	if !s.Document {
		return spec.Schedule{Every: firstPoll}, false
	}
	return s.Poll, s.Lease
}

func untilNext(s spec.Schedule, wall time.Time) time.Duration {
	return max(s.Cron.Next(wall).Sub(wall), 0)
}

// jitter spreads the nodes by a fifth, so that they do not ask all at once.
func (p *Pacer) jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*p.random()))
}

// later spreads the nodes after a moment of the clock, never before it: a look
// before it would be followed by one more.
func (p *Pacer) later(d time.Duration) time.Duration {
	return d + time.Duration(p.random()*float64(min(d/5, longestSpread))) + time.Millisecond
}

// MayTry reports whether an order may be tried now: the claim was readable by
// the newest look, and the order is a new one or enough time has passed since
// the last try.
func (p *Pacer) MayTry(o Order) bool { return p.clock.Boot() >= p.NextTry(o) }

// NextTry returns when an order may be tried, in boot time; never is the
// largest duration there is.
func (p *Pacer) NextTry(o Order) time.Duration {
	if !o.Possible {
		return 1<<63 - 1
	}
	if keyOf(o) != p.key {
		return 0
	}
	return p.last + min(firstTry<<min(p.tries, 10), slowestTry)
}

// Tried notes that an order is being tried now.
func (p *Pacer) Tried(o Order) {
	if k := keyOf(o); k != p.key {
		p.key, p.tries = k, 0
	}
	p.tries++
	p.last = p.clock.Boot()
}
