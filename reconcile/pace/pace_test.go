package pace

import (
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
	"mainstay/spec/timing"
)

// still is a clock that stands until a test moves it.
type still struct {
	boot time.Duration
	wall time.Time
}

func (c *still) Boot() time.Duration { return c.boot }
func (c *still) Wall() time.Time     { return c.wall }

func (c *still) pass(d time.Duration) { c.boot, c.wall = c.boot+d, c.wall.Add(d) }

func looked(c Clock, number uint64, ok bool) Look {
	return Look{Number: number, Began: c.Boot(), OK: ok, Document: true, Poll: spec.Schedule{Every: 10 * time.Second}}
}

// paced is a pacer whose random number a test chooses.
func paced(random float64) (*Pacer, *still) {
	c := &still{boot: time.Hour, wall: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)}
	return New(c, func() float64 { return random }), c
}

func TestLooksAreSpreadByAFifth(t *testing.T) { // agent.poll
	for random, want := range map[float64]time.Duration{0: 8 * time.Second, 0.5: 10 * time.Second, 1: 12 * time.Second} {
		p, c := paced(random)
		if got := p.NextLook(looked(c, 1, true), false) - c.boot; got != want {
			t.Errorf("with %v: %s, want %s", random, got, want)
		}
	}
}

func TestAHandoverLooksEverySecond(t *testing.T) {
	p, c := paced(0.5)
	s := looked(c, 1, true)
	if got := p.NextLook(s, true) - c.boot; got != time.Second {
		t.Errorf("in a handover: %s", got)
	}
	if got := p.NextLook(s, false) - c.boot; got != 10*time.Second {
		t.Errorf("after it: %s", got)
	}
}

func TestFailingLooksBackOffToAMinute(t *testing.T) {
	p, c := paced(0.5)
	for looks, want := range []time.Duration{20 * time.Second, 40 * time.Second, time.Minute, time.Minute} {
		if got := p.NextLook(looked(c, uint64(looks+1), false), false) - c.boot; got != want {
			t.Errorf("after %d failures: %s, want %s", looks+1, got, want)
		}
	}
	if got := p.NextLook(looked(c, 9, true), false) - c.boot; got != 10*time.Second {
		t.Errorf("after a success: %s", got)
	}
}

func TestALeaseIsNotWaitedFor(t *testing.T) { // R7
	p, c := paced(0.5)
	s := looked(c, 1, false)
	s.Lease = true
	if got := p.NextLook(s, false) - c.boot; got != 10*time.Second {
		t.Errorf("a failing look under a lease comes after %s", got)
	}
}

func TestACronPollComesNoSoonerForBeingAskedOften(t *testing.T) { // agent.poll
	p, c := paced(0.5)
	s := looked(c, 1, true)
	poll, err := timing.ParseSchedule("* * * * *")
	if err != nil {
		t.Fatal(err)
	}
	s.Poll = poll
	first := p.NextLook(s, false)
	for range 20 {
		c.pass(2 * time.Second)
		if got := p.NextLook(s, false); got != first {
			t.Fatalf("first %s, then %s", first, got)
		}
	}
	c.wall = c.wall.Add(-time.Hour)
	if got := p.NextLook(s, false); got != first {
		t.Errorf("a step of the wall clock moves the look by %s", got-first)
	}
}

func TestATriedOrderWaitsLongerEachTime(t *testing.T) {
	p, c := paced(0.5)
	o := Order{Possible: true, Push: &plan.Push{Parent: "k1", Claim: plan.Claim{Action: plan.Take, Start: 1}}}
	var waits []time.Duration
	for range 6 {
		if !p.MayTry(o) {
			t.Fatal("not yet")
		}
		p.Tried(o)
		waits = append(waits, p.NextTry(o)-c.boot)
		if p.MayTry(o) {
			t.Fatal("again at once")
		}
		c.pass(waits[len(waits)-1])
	}
	if waits[0] != time.Second || waits[5] != slowestTry {
		t.Errorf("waits are %v", waits)
	}
	p.Tried(o)
	next := o
	next.Push = &plan.Push{Parent: "k2", Claim: o.Push.Claim}
	if !p.MayTry(next) {
		t.Error("an order on another tip is another order and waits for nothing")
	}
}

// Claims and reports may change all the time: the document is looked at no later for it.
func TestALookAtTheClaimsAlonePutsOffNoLookAtGit(t *testing.T) {
	p, c := paced(0.5)
	first := c.boot
	p.NextLook(looked(c, 1, true), false)
	for n := range uint64(20) {
		c.pass(time.Second)
		s := looked(c, 2+n, false) // git was out of reach before, and nobody asked it since
		s.Claims = true
		if got := p.NextLook(s, false); got != first+10*time.Second {
			t.Fatalf("after %d looks at the claims: %s", n+1, got-first)
		}
	}
}
