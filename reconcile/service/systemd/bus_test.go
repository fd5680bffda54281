package systemd

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	godbus "github.com/godbus/dbus/v5"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
	"mainstay/reconcile/service/servicetest"
)

func TestUnitFilesReadAgainWakeEveryWatcher(t *testing.T) {
	s, bus := newFakeSystemd(t)
	s.add("a.service")
	s.add("b.service")
	a, b := servicetest.Watched(t, bus.Unit("a")), servicetest.Watched(t, bus.Unit("b"))
	s.bus.emit(managerPath, manager, "Reloading", false)
	servicetest.Await(t, "the wake of a by a reload", a)
	servicetest.Await(t, "the wake of b by a reload", b)
	s.bus.emit(managerPath, manager, "UnitFilesChanged")
	servicetest.Await(t, "the wake of a by a unit file", a)
	servicetest.Await(t, "the wake of b by a unit file", b)
}

func TestAChangeOfOneUnitDoesNotWakeTheWatcherOfAnother(t *testing.T) {
	s, bus := newFakeSystemd(t)
	a, b := s.add("a.service"), s.add("b.service")
	wakeA, wakeB := servicetest.Watched(t, bus.Unit("a")), servicetest.Watched(t, bus.Unit("b"))
	s.change(a, a.enter("active", "running", 1))
	servicetest.Await(t, "the wake of a", wakeA)
	s.change(b, b.enter("active", "running", 1))
	servicetest.Await(t, "the wake of b", wakeB)
	if len(wakeA) != 0 {
		t.Error("a change of b woke the watcher of a")
	}
}

func TestABusThatRestartsCostsAWakeAndNothingElse(t *testing.T) {
	s, bus := newFakeSystemd(t)
	u := s.add("pbx.service")
	unit := bus.Unit("pbx")
	woken := servicetest.Watched(t, unit)
	s.bus.goDown()
	if seen, err := unit.Observe(servicetest.Bounded(t)); err == nil || seen.Run != plan.RunUnsure {
		t.Errorf("without a bus: %+v, %v", seen, err)
	} else {
		servicetest.Wants(t, err, service.ErrUnavailable, "a test bus")
	}
	u.active, u.sub = "active", "running"
	s.bus.listen(t)
	servicetest.Await(t, "the wake after the bus came back", woken)
	if seen, err := unit.Observe(servicetest.Bounded(t)); err != nil || seen.Run != plan.Running {
		t.Errorf("after the bus came back: %+v, %v", seen, err)
	}
	s.change(u, u.enter("failed", "failed", 0))
	servicetest.Await(t, "the wake by a change after that", woken)
}

func TestAnotherSystemdBehindTheBusIsSubscribedToAgain(t *testing.T) {
	s, bus := newFakeSystemd(t)
	s.add("pbx.service")
	woken := servicetest.Watched(t, bus.Unit("pbx"))
	before := s.bus.connections()
	s.bus.emit("/org/freedesktop/DBus", busName, "NameOwnerChanged", destination, ":1.1", ":1.2")
	servicetest.Await(t, "the wake after the new subscription", woken)
	if after := s.bus.connections(); after != before+2 {
		t.Errorf("%d connections made, then %d", before, after)
	}
}

func TestAnOrderWhoseConnectionIsLostIsLookedAfterOnTheNext(t *testing.T) {
	s, bus := newFakeSystemd(t)
	u := s.add("pbx.service")
	u.hold = true
	started := make(chan error, 1)
	go func() { started <- bus.Unit("pbx").Start(servicetest.Bounded(t)) }()
	servicetest.Until(t, "the start", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return u.active == "activating" })
	s.mu.Lock()
	u.hold = false
	s.mu.Unlock()
	s.change(u, u.enter("active", "running", 5))
	s.bus.dropAll()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	if n := s.count(u, "StartUnit"); n != 1 {
		t.Errorf("%d starts were ordered", n)
	}
}

func TestAllUnitsShareOneConnection(t *testing.T) {
	s, bus := newFakeSystemd(t)
	for _, name := range []string{"a.service", "b.service", "c.service"} {
		s.add(name)
		servicetest.Watched(t, bus.Unit(name))
	}
	// One for calls and one for signals.
	if n := s.bus.connections(); n != 2 {
		t.Errorf("%d connections", n)
	}
}

func TestAnEndedWatchIsForgottenByTheBus(t *testing.T) {
	s, bus := newFakeSystemd(t)
	s.add("pbx.service")
	ctx, cancel := context.WithCancel(t.Context())
	woken, ended := make(chan struct{}, 1), make(chan error, 1)
	go func() { ended <- bus.Unit("pbx").Watch(ctx, func() { offer(woken) }) }()
	servicetest.Await(t, "the first wake", woken)
	if n := s.bus.rules(unitPath("pbx.service")); n != 1 {
		t.Errorf("%d subscriptions while watching", n)
	}
	cancel()
	<-ended
	if n := s.bus.rules(unitPath("pbx.service")); n != 0 {
		t.Errorf("%d subscriptions are left", n)
	}
}

func TestABusThatDoesNotAnswerIsGivenUp(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "mute"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b := newBus(slog.New(slog.DiscardHandler), []way{{name: "mute", hello: true, open: func(o ...godbus.ConnOption) (*godbus.Conn, error) {
		return godbus.Dial("unix:path="+l.Addr().String(), o...)
	}}})
	defer b.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = b.Unit("pbx").Observe(ctx)
	servicetest.Wants(t, err, service.ErrTimeout, "connect to systemd")
}

func TestTheSecondWayIsTakenWhenTheFirstIsShut(t *testing.T) {
	s, bus := newFakeSystemd(t)
	s.add("pbx.service")
	shut := way{name: "shut", hello: true, open: func(o ...godbus.ConnOption) (*godbus.Conn, error) {
		return godbus.Dial("unix:path="+filepath.Join(t.TempDir(), "nobody"), o...)
	}}
	bus.ways = append([]way{shut}, bus.ways...)
	if _, err := bus.Unit("pbx").Observe(servicetest.Bounded(t)); err != nil {
		t.Error(err)
	}
}

func TestAClosedBusStaysClosed(t *testing.T) {
	s, bus := newFakeSystemd(t)
	s.add("pbx.service")
	if _, err := bus.Unit("pbx").Observe(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	bus.Close()
	_, err := bus.Unit("pbx").Observe(servicetest.Bounded(t))
	servicetest.Wants(t, err, service.ErrUnavailable)
}

func TestOnlyTheStateOfAWatchedUnitIsReadAgain(t *testing.T) {
	s, bus := newFakeSystemd(t)
	u := s.add("pbx.service")
	u.enter("active", "running", 7)()
	unit := bus.Unit("pbx")
	woken := servicetest.Watched(t, unit)
	for range 3 {
		if seen, err := unit.Observe(servicetest.Bounded(t)); err != nil || seen.PID != 7 {
			t.Fatalf("%+v, %v", seen, err)
		}
	}
	if all, state := s.count(u, "GetAll"), s.count(u, "ListUnitsByNames"); all != 1 || state != 2 {
		t.Errorf("everything was read %d times, the state %d times", all, state)
	}
	s.change(u, u.enter("active", "running", 8))
	servicetest.Await(t, "the wake", woken)
	if seen, err := unit.Observe(servicetest.Bounded(t)); err != nil || seen.PID != 8 {
		t.Errorf("after a signal: %+v, %v", seen, err)
	}
}

func TestAStateWhoseSignalWasLostIsSeenAllTheSame(t *testing.T) {
	s, bus := newFakeSystemd(t)
	u := s.add("pbx.service")
	u.enter("active", "running", 7)()
	unit := bus.Unit("pbx")
	servicetest.Watched(t, unit)
	for _, want := range []plan.Run{plan.Running, plan.RunFailed, plan.Stopping} {
		if seen, err := unit.Observe(servicetest.Bounded(t)); err != nil || seen.Run != want {
			t.Errorf("want %s: %+v, %v", want, seen, err)
		}
		s.mu.Lock()
		if u.active == "failed" {
			u.left = []process{{1, "left"}}
		}
		u.enter("failed", "failed", 0)()
		s.mu.Unlock()
	}
}
