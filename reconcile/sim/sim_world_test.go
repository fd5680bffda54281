package sim

import (
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// deployed is a world that serves on main.
func deployed(t *testing.T, seed uint64) *World {
	t.Helper()
	w := NewWorld(seed, DefaultSettings(), NewLibrary())
	w.Boot()
	settle(t, w, time.Minute)
	return w
}

func settle(t *testing.T, w *World, bound time.Duration) {
	t.Helper()
	if !w.Until(bound, w.Settled) {
		for _, n := range w.nodes {
			if n.proc != nil {
				r := n.proc.actuator.Report()
				t.Logf("%s: %s %s %s; accepted %s applied %s serving %s", n.machine, r.Status, r.Rule, r.Reason, r.Accepted, r.Applied, r.Serving)
			}
		}
		t.Fatalf("not settled after %s; violation %q", w.Now(), w.Violation())
	}
}

func TestFailoverAndBack(t *testing.T) {
	w := deployed(t, 1)
	if got := w.Status("xivo-main"); got != plan.Active {
		t.Fatalf("xivo-main is %s", got)
	}
	for _, side := range []spec.Side{spec.Standby, spec.Main} {
		w.Declare(side)
		settle(t, w, time.Minute)
		if !w.Serving("xivo-"+string(side)) || w.Serving("cc-"+string(side.Other())) {
			t.Fatalf("%s was declared and does not serve alone", side)
		}
	}
}

func TestReadOnlyAccessSwitchesOnAPresumption(t *testing.T) { // R8
	w := NewWorld(1, DefaultSettings(), NewLibrary())
	w.ReadOnly = true
	w.Boot()
	settle(t, w, 2*time.Minute)
	for _, side := range []spec.Side{spec.Standby, spec.Main} {
		w.Declare(side)
		declared, old := w.Now(), "xivo-"+string(side.Other())
		if !w.Until(15*time.Second, func() bool { return !w.Serving(old) }) || w.Now()-declared > 10*time.Second {
			t.Fatalf("%s does not stop at once", old)
		}
		settle(t, w, time.Minute)
	}
	if w.check.dual[0].long > 0 {
		t.Errorf("both sides were active for %s although the witness tells", w.check.dual[0].long)
	}
}
