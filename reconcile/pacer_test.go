package reconcile

import (
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

func looked(c Clock, looks uint64, ok bool) *Snapshot {
	return &Snapshot{Looks: looks, Began: c.Boot(), OK: ok, Accepted: &Accepted{Deployment: &spec.Deployment{
		Agent: spec.AgentSettings{Poll: spec.Schedule{Every: 10 * time.Second}}}}}
}

// paced is a pacer whose random number a test chooses.
func paced(random float64) (*Pacer, *still) {
	c := newStill()
	return NewPacer(c, func() float64 { return random }), c
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
	s.Accepted.Deployment.Handover.Lease = spec.Duration(time.Minute)
	if got := p.NextLook(s, false) - c.boot; got != 10*time.Second {
		t.Errorf("a failing look under a lease comes after %s", got)
	}
}

func TestACronPollComesNoSoonerForBeingAskedOften(t *testing.T) { // agent.poll
	p, c := paced(0.5)
	s := looked(c, 1, true)
	poll, err := spec.ParseSchedule("* * * * *")
	if err != nil {
		t.Fatal(err)
	}
	s.Accepted.Deployment.Agent.Poll = poll
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
	s := &Snapshot{OK: true, Claims: map[string]plan.ClaimView{"xivo": {Reachable: true}}}
	o := Order{Role: "xivo", Push: &plan.Push{Parent: "k1", Claim: plan.Claim{Action: plan.Take, Start: 1}}}
	var waits []time.Duration
	for range 6 {
		if !p.MayTry(s, o) {
			t.Fatal("not yet")
		}
		p.Tried(o)
		waits = append(waits, p.NextTry(s, o)-c.boot)
		if p.MayTry(s, o) {
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
	if !p.MayTry(s, next) {
		t.Error("an order on another tip is another order and waits for nothing")
	}
}

func TestAnOrderWaitsForTheClaimAndNotForTheDocument(t *testing.T) {
	p, _ := paced(0.5)
	o := Order{Role: "xivo", Push: &plan.Push{Parent: "k1"}}
	claims := func(reachable bool) map[string]plan.ClaimView {
		return map[string]plan.ClaimView{"xivo": {Reachable: reachable}}
	}
	if !p.MayTry(&Snapshot{OK: false, Claims: claims(true)}, o) {
		t.Error("the claim can be read, and the order waits for another repository")
	}
	if p.MayTry(&Snapshot{OK: true, Claims: claims(false)}, o) {
		t.Error("pushed to a repository that does not answer")
	}
	if p.MayTry(&Snapshot{OK: true, Claims: claims(true)}, Order{Role: "xivo"}) {
		t.Error("there is nothing to try")
	}
}
