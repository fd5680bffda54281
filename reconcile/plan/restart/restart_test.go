package restart

import (
	"testing"
	"time"
)

func TestTheWaitDoublesUpToTheMost(t *testing.T) {
	p := Policy{First: 2 * time.Second, Most: 5 * time.Second}.Or(Default())
	for count, want := range []time.Duration{0, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second} {
		if got := p.Wait(count); got != want {
			t.Errorf("after %d orders: %v, want %v", count, got, want)
		}
	}
	if p.Forgive != Default().Forgive {
		t.Errorf("what was left open is %v", p.Forgive)
	}
	if got := Default().Wait(1 << 30); got != Default().Most {
		t.Errorf("after many orders: %v", got)
	}
}
