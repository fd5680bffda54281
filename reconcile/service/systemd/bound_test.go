package systemd

import (
	"strings"
	"testing"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service/servicetest"
)

// database is a unit that runs nothing and one that is bound to it, both active.
func database(t *testing.T) (s *fakeSystemd, b *Bus, wrapper, real *fakeUnit) {
	s, b = newFakeSystemd(t)
	wrapper, real = s.add("postgresql.service"), s.add("postgresql@15-main.service")
	wrapper.consistsOf = []string{real.name}
	wrapper.enter("active", "exited", 0)()
	real.enter("active", "running", 700)()
	return s, b, wrapper, real
}

// R2: a unit that is down is not, while one that is bound to it is not.
func TestWhatIsBoundToAUnitIsPartOfItsBeingDown(t *testing.T) {
	s, b, wrapper, real := database(t)
	for _, c := range []struct {
		active, sub string
		left        []process
		want        plan.Run
	}{
		{"active", "running", nil, plan.Starting},
		{"activating", "start", nil, plan.Starting},
		{"deactivating", "stop-sigterm", nil, plan.Stopping},
		{"inactive", "dead", []process{{700, "postgres: checkpointer"}}, plan.Stopping},
		{"failed", "failed", []process{{700, "postgres: checkpointer"}}, plan.Stopping},
		{"inactive", "dead", nil, plan.Stopped},
		{"failed", "failed", nil, plan.Stopped},
	} {
		s.change(wrapper, wrapper.enter("inactive", "dead", 0))
		s.change(real, func() { real.enter(c.active, c.sub, 0)(); real.left = c.left })
		if seen := servicetest.Observed(t, b.Unit("postgresql")); seen.Run != c.want || !c.want.Down() && !strings.Contains(seen.Detail, real.name) {
			t.Errorf("with the database %s, %v left: %+v", c.active, c.left, seen)
		}
	}
}

func TestAStopWaitsForWhatIsBoundToTheUnit(t *testing.T) {
	for _, ended := range []bool{false, true} { // whether the wrapper ended before
		s, b, wrapper, real := database(t)
		real.hangs = true
		if ended {
			wrapper.enter("inactive", "dead", 0)()
		}
		result := make(chan error, 1)
		go func() { result <- b.Unit("postgresql").Stop(servicetest.Bounded(t)) }()
		servicetest.Until(t, "the stop of what is bound", func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return real.active == "deactivating"
		})
		if seen := servicetest.Observed(t, b.Unit("postgresql")); seen.Run.Down() {
			t.Fatalf("seen %+v", seen)
		}
		select {
		case err := <-result:
			t.Errorf("the stop returned %v while the database was stopping", err)
		default:
		}
		s.change(real, func() { real.enter("inactive", "dead", 0)(); real.job = 0 })
		if err := <-result; err != nil || s.alive(real) || s.alive(wrapper) {
			t.Errorf("stop: %v", err)
		}
	}
}

func TestAStandInRunsOnlyWhenWhatItStandsForDoes(t *testing.T) {
	s, b, _, real := database(t)
	u := b.Unit("postgresql")
	if seen := servicetest.Observed(t, u); seen.Run != plan.Running || !strings.Contains(seen.StandIn, "name in the document what runs: "+real.name) {
		t.Errorf("%+v", seen)
	}
	woken := servicetest.Watched(t, u)
	servicetest.Observed(t, u)
	servicetest.Forget(woken)
	s.change(real, func() { real.enter("failed", "failed", 0)(); real.result, real.status = "signal", 9 })
	servicetest.Await(t, "the wake by the end of the database", woken)
	if seen := servicetest.Observed(t, u); seen.Run != plan.Starting || !seen.Holdoff || !strings.Contains(seen.Detail, real.name+" failed: ") {
		t.Errorf("with the database killed: %+v", seen)
	}
	if err := u.Start(servicetest.Bounded(t)); err != nil || !s.alive(real) {
		t.Errorf("start: %v", err)
	}
	if seen := servicetest.Observed(t, u); seen.Run != plan.Running {
		t.Errorf("after the start: %+v", seen)
	}
}

// A target's own stop does not end what it wants.
func TestATargetIsNotDownWhileWhatItWantsRuns(t *testing.T) {
	s, b := newFakeSystemd(t)
	target, pbx := s.add("voice.target"), s.add("pbx.service")
	target.wants = []string{pbx.name}
	pbx.enter("active", "running", 7)()
	if seen := servicetest.Observed(t, b.Unit("voice.target")); seen.Run.Down() {
		t.Errorf("%+v", seen)
	}
	if s.count(pbx, "StopUnit") != 0 {
		t.Error("a unit that others may need was stopped")
	}
	s.change(pbx, pbx.enter("inactive", "dead", 0))
	if seen := servicetest.Observed(t, b.Unit("voice.target")); !seen.Run.Down() {
		t.Errorf("%+v", seen)
	}
}

// R2: what may start a unit again at any time is part of its being down.
func TestAnActiveTriggerIsStoppedWithTheUnit(t *testing.T) {
	for _, trigger := range []string{"pbx.socket", "pbx.timer", "pbx.path"} {
		s, b := newFakeSystemd(t)
		pbx, lurking := s.add("pbx.service"), s.add(trigger)
		pbx.triggeredBy = []string{trigger}
		lurking.enter("active", "listening", 0)()
		if seen := servicetest.Observed(t, b.Unit("pbx")); seen.Run.Down() || !strings.Contains(seen.Detail, trigger) {
			t.Errorf("%+v", seen)
		}
		if err := b.Unit("pbx").Stop(servicetest.Bounded(t)); err != nil || s.alive(lurking) {
			t.Errorf("stop: %v", err)
		}
		if seen := servicetest.Observed(t, b.Unit("pbx")); !seen.Run.Down() {
			t.Errorf("%+v", seen)
		}
	}
}

func TestAUnitThatIsNamedByAnAliasHasItsEvents(t *testing.T) {
	s, b := newFakeSystemd(t)
	maria := s.add("maria.service")
	s.alias(maria, "mysqlx.service")
	maria.fileState = "enabled"
	u := b.Unit("mysqlx")
	woken := servicetest.Watched(t, u)
	if seen := servicetest.Observed(t, u); seen.Enabled != "" {
		t.Errorf("an alias alone starts it at boot: %q", seen.Enabled)
	}
	servicetest.Forget(woken)
	s.change(maria, maria.enter("active", "running", 7))
	servicetest.Await(t, "the wake by the real name", woken)
	if seen := servicetest.Observed(t, u); seen.Run != plan.Running || seen.PID != 7 {
		t.Errorf("%+v", seen)
	}
	s.bus.emit(managerPath, manager, "Reloading", false)
	servicetest.Await(t, "the wake by a reload", woken)
	servicetest.Observed(t, u)
	servicetest.Forget(woken)
	s.change(maria, maria.enter("failed", "failed", 0))
	servicetest.Await(t, "the wake after a reload", woken)
}
