package pace

import (
	"testing"
	"time"
)

// A side may be held for days: once nothing happens any more it looks every five
// seconds, and twice a second again with the first news.
func TestAHandoverInWhichNothingHappensLooksLessOften(t *testing.T) {
	p, c := paced(0.5)
	looks := uint64(0)
	wait := func(tip string, handover bool) time.Duration {
		looks++
		s := looked(c, looks, true)
		s.Heads = tip
		return p.NextLook(s, handover) - c.boot
	}
	wait("t1", false)
	c.pass(time.Hour)
	if got := wait("t1", true); got != time.Second {
		t.Errorf("at its beginning: %s", got)
	}
	c.pass(9 * time.Minute)
	if got := wait("t1", true); got != time.Second {
		t.Errorf("after nine minutes: %s", got)
	}
	c.pass(2 * time.Minute)
	if got := wait("t1", true); got != 5*time.Second {
		t.Errorf("after eleven minutes: %s", got)
	}
	c.pass(time.Hour)
	if got := wait("t2", true); got != 500*time.Millisecond {
		t.Errorf("with a new claim: %s", got)
	}
	c.pass(11 * time.Second)
	if got := wait("t2", true); got != time.Second {
		t.Errorf("once that is no news any more: %s", got)
	}
}
