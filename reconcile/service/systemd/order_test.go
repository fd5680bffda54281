package systemd

import (
	"context"
	"strings"
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
	"mainstay/reconcile/service/servicetest"
)

func TestEveryResultOfAStartJobIsUnderstood(t *testing.T) {
	for result, c := range map[string]struct {
		sentinel error
		says     string
	}{
		"canceled":    {nil, "another order for the unit came meanwhile"},
		"timeout":     {service.ErrTimeout, "gave the job up"},
		"failed":      {service.ErrFailed, "failed"},
		"dependency":  {service.ErrFailed, "a unit that it depends on"},
		"assert":      {service.ErrRefused, "an assertion"},
		"unsupported": {service.ErrRefused, "not supported"},
		"invalid":     {service.ErrRefused, "does not fit"},
		"once":        {service.ErrRefused, "only once"},
		"frozen":      {service.ErrRefused, "systemctl thaw"},
		"concurrency": {service.ErrRefused, "no more units"},
		"collected":   {nil, "unloaded"},
		"brand-new":   {nil, `"brand-new"`},
	} {
		t.Run(result, func(t *testing.T) {
			s, bus := newFakeSystemd(t)
			s.add("pbx.service").startResult = result
			servicetest.Wants(t, bus.Unit("pbx").Start(servicetest.Bounded(t)), c.sentinel, "start pbx.service", c.says)
		})
	}
	for _, result := range []string{"done", "skipped"} {
		s, bus := newFakeSystemd(t)
		s.add("pbx.service").startResult = result
		if err := bus.Unit("pbx").Start(servicetest.Bounded(t)); err != nil {
			t.Errorf("%s: %v", result, err)
		}
	}
}

func TestAStartThatSystemdRefusesSaysWhy(t *testing.T) {
	for name, sentinel := range map[string]error{
		destination + ".NoSuchUnit":                           service.ErrNotFound,
		destination + ".UnitMasked":                           service.ErrMasked,
		destination + ".LoadFailed":                           service.ErrRefused,
		destination + ".OnlyByDependency":                     service.ErrRefused,
		destination + ".TransactionIsDestructive":             service.ErrRefused,
		busName + ".Error.AccessDenied":                       service.ErrRefused,
		busName + ".Error.InteractiveAuthorizationRequired":   service.ErrRefused,
		busName + ".Error.NoReply":                            service.ErrUnavailable,
		busName + ".Error.ServiceUnknown":                     service.ErrUnavailable,
		"org.example.NeverHeardOf":                            nil,
		"org.freedesktop.systemd1.SomethingOfALaterVersion.X": nil,
	} {
		s, bus := newFakeSystemd(t)
		s.add("pbx.service").callError["StartUnit"] = name
		servicetest.Wants(t, bus.Unit("pbx").Start(servicetest.Bounded(t)), sentinel, "said by the fake")
	}
}

func TestAStartDoesNotWaitForTheOneThatSystemdHasInMind(t *testing.T) {
	s, bus := newFakeSystemd(t)
	u := s.add("pbx.service")
	s.change(u, u.enter("activating", "auto-restart", 0))
	unit := bus.Unit("pbx")
	seen, err := unit.Observe(servicetest.Bounded(t))
	if err != nil || seen.Run != plan.Starting || !seen.Holdoff {
		t.Errorf("before the start it is %+v, %v", seen, err)
	}
	if err := unit.Start(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	seen, err = unit.Observe(servicetest.Bounded(t))
	if err != nil || seen.Run != plan.Running || seen.Holdoff {
		t.Errorf("after the start it is %+v, %v", seen, err)
	}
	s.change(u, u.enter("activating", "auto-restart-queued", 0))
	if seen, err := unit.Observe(servicetest.Bounded(t)); err != nil || seen.Holdoff {
		t.Errorf("with systemd's own start queued it is %+v, %v", seen, err)
	}
}

func TestAUnitThatCannotBeStartedIsNotTried(t *testing.T) {
	for load, c := range map[string]struct {
		sentinel error
		says     string
	}{
		"not-found":   {service.ErrNotFound, "no such unit on this machine"},
		"masked":      {service.ErrMasked, "systemctl unmask"},
		"error":       {service.ErrRefused, "line 3 is wrong"},
		"bad-setting": {service.ErrRefused, "line 3 is wrong"},
	} {
		s, bus := newFakeSystemd(t)
		u := s.add("pbx.service")
		u.load = load
		servicetest.Wants(t, bus.Unit("pbx").Start(servicetest.Bounded(t)), c.sentinel, c.says)
		if n := s.count(u, "StartUnit"); n != 0 {
			t.Errorf("%s: %d starts were ordered", load, n)
		}
	}
}

func TestAConditionThatIsNotMetIsNamedAlthoughTheJobIsDone(t *testing.T) {
	s, bus := newFakeSystemd(t)
	u := s.add("pbx.service")
	u.unmet, u.startResult = true, "done"
	servicetest.Wants(t, bus.Unit("pbx").Start(servicetest.Bounded(t)), service.ErrRefused, "ConditionPathExists=!/gone")
}

func TestAFailedStartSaysHowTheProcessEnded(t *testing.T) {
	s, bus := newFakeSystemd(t)
	s.add("pbx.service").fails = true
	servicetest.Wants(t, bus.Unit("pbx").Start(servicetest.Bounded(t)), service.ErrFailed, "exit code 203 (the program cannot be executed)")
}

func TestAFailureBeforeIsForgottenByAStart(t *testing.T) {
	s, bus := newFakeSystemd(t)
	u := s.add("pbx.service")
	u.active, u.sub, u.result = "failed", "failed", "start-limit-hit"
	if err := bus.Unit("pbx").Start(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	if n := s.count(u, "ResetFailedUnit"); n != 1 {
		t.Errorf("the failure was reset %d times", n)
	}
}

func TestAStopWaitsForProcessesThatOutliveTheUnitAndKillsThem(t *testing.T) {
	s, bus := newFakeSystemd(t)
	u := s.add("pbx.service")
	u.active, u.sub = "failed", "failed"
	u.left = []process{{4711, "/usr/sbin/asterisk -f"}}
	unit := bus.Unit("pbx")
	seen, err := unit.Observe(servicetest.Bounded(t))
	if err != nil || seen.Run != plan.Stopping || !strings.Contains(seen.Detail, "4711 (/usr/sbin/asterisk -f)") {
		t.Errorf("seen %+v, %v", seen, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 600*time.Millisecond)
	defer cancel()
	if err := unit.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if s.alive(u) {
		t.Error("the stop returned while a process was left")
	}
	if n := s.count(u, "KillUnit"); n != 1 {
		t.Errorf("killed %d times", n)
	}
}

func TestAStopThatEndedByForceLeavesTheUnitStoppedNotFailed(t *testing.T) {
	s, bus := newFakeSystemd(t)
	u := s.add("pbx.service")
	u.hangs, u.active, u.sub = true, "active", "running"
	unit := bus.Unit("pbx")
	ctx, cancel := context.WithTimeout(t.Context(), 600*time.Millisecond)
	defer cancel()
	if err := unit.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if seen, err := unit.Observe(servicetest.Bounded(t)); err != nil || seen.Run != plan.Stopped {
		t.Errorf("seen %+v, %v", seen, err)
	}
}

func TestAStopThatCannotBeForcedSaysWhatIsStillThere(t *testing.T) {
	s, bus := newFakeSystemd(t)
	u := s.add("pbx.service")
	u.hangs, u.active, u.sub = true, "active", "running"
	u.callError["KillUnit"] = busName + ".Error.AccessDenied"
	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	servicetest.Wants(t, bus.Unit("pbx").Stop(ctx), service.ErrTimeout, "it is still stopping: stop-sigterm")
	s.killed(u)
}

func TestAUnitStartedAgainWhileItIsStoppedIsAnErrorAtOnce(t *testing.T) {
	s, bus := newFakeSystemd(t)
	u := s.add("pbx.service")
	u.hangs, u.active, u.sub = true, "active", "running"
	stopped := make(chan error, 1)
	go func() { stopped <- bus.Unit("pbx").Stop(servicetest.Bounded(t)) }()
	servicetest.Until(t, "the stop", func() bool { return s.count(u, "StopUnit") == 1 })
	servicetest.Until(t, "stopping", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return u.active == "deactivating" })
	s.mu.Lock()
	id := u.job
	s.mu.Unlock()
	s.change(u, u.enter("active", "running", 5))
	s.endJob(u, id, "canceled")
	servicetest.Wants(t, <-stopped, nil, "it runs again although it was stopped", "canceled")
}

func TestAQueuedStartIsNotDownAndAStopCancelsIt(t *testing.T) {
	s, bus := newFakeSystemd(t)
	u := s.add("pbx.service")
	u.job = 77
	unit := bus.Unit("pbx")
	if seen, err := unit.Observe(servicetest.Bounded(t)); err != nil || seen.Run != plan.Starting {
		t.Errorf("seen %+v, %v", seen, err)
	}
	if err := unit.Stop(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	if n := s.count(u, "StopUnit"); n != 1 {
		t.Errorf("%d stops were ordered", n)
	}
}

func TestAReloadWaitsForItsResultAndLeavesAStoppedUnitAlone(t *testing.T) {
	s, bus := newFakeSystemd(t)
	u := s.add("nginx.service")
	for _, c := range []struct {
		active string
		orders int
	}{{"inactive", 0}, {"active", 1}} {
		u.active = c.active
		if err := bus.Reload(servicetest.Bounded(t), "nginx.service"); err != nil {
			t.Errorf("%s: %v", c.active, err)
		}
		if n := s.count(u, "ReloadUnit"); n != c.orders {
			t.Errorf("%s: %d reloads were ordered", c.active, n)
		}
	}
}

func TestWhatAPersonWouldTypeIsSafeForAShell(t *testing.T) {
	_, bus := newFakeSystemd(t)
	got := bus.Unit(`a\x2db@c d'e.service`).StopByHand()
	want := `systemctl kill --signal=SIGKILL 'a\x2db@c d'\''e.service'; systemctl stop 'a\x2db@c d'\''e.service'`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestTargetsAndInstancesKeepTheirNames(t *testing.T) {
	for in, want := range map[string]string{
		"asterisk": "asterisk.service", "asterisk.service": "asterisk.service", "voice.target": "voice.target",
		"pbx@paris": "pbx@paris.service", "pbx@paris.service": "pbx@paris.service", "a.b": "a.b.service",
	} {
		if got := fullName(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	s, bus := newFakeSystemd(t)
	for _, name := range []string{"pbx@paris.service", "voice.target"} {
		u := s.add(name)
		if err := bus.Unit(name).Start(servicetest.Bounded(t)); err != nil || !s.alive(u) {
			t.Errorf("start of %s: %v", name, err)
		}
		if err := bus.Unit(name).Stop(servicetest.Bounded(t)); err != nil || s.alive(u) {
			t.Errorf("stop of %s: %v", name, err)
		}
	}
}
