package servicetest

import (
	"context"
	"errors"
	"testing"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
)

// Run runs the whole suite against the drivers that f makes.
func Run(t *testing.T, f Fixture) {
	f = f.withDefaults()
	for _, c := range cases() {
		if c.outside && !f.Outside || c.behaviour == Late && !f.Late {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			if f.Parallel {
				t.Parallel()
			}
			c.run(newBench(t, f, c.behaviour))
		})
	}
}

type testCase struct {
	name      string
	behaviour Behaviour
	outside   bool
	run       func(*bench)
}

func cases() []testCase {
	return []testCase{
		{name: "a new service is seen down", behaviour: Behaves, run: seenDown},
		{name: "a started service is seen running", behaviour: Behaves, run: starts},
		{name: "starting twice changes nothing", behaviour: Behaves, run: startsTwice},
		{name: "a stop returns when the service is down", behaviour: Behaves, run: stops},
		{name: "stopping what is down is done at once", behaviour: Behaves, run: stopsTwice},
		{name: "a stopped service starts again", behaviour: Behaves, run: restarts},
		{name: "a stop that hangs ends within its bound", behaviour: Hangs, run: hangs},
		{name: "a start that fails says why and leaves nothing", behaviour: FailsToStart, run: failsToStart},
		{name: "a failed start can be stopped and repeated", behaviour: FailsToStart, run: failsTwice},
		{name: "a crash wakes the watcher and is seen down", behaviour: Behaves, run: crashSeen},
		{name: "a crashed service starts again", behaviour: Behaves, run: crashMended},
		{name: "a start cancelled before it began starts nothing for good", behaviour: Behaves, run: cancelledBefore},
		{name: "a start cancelled in the middle can be stopped", behaviour: Behaves, run: cancelStart},
		{name: "a stop cancelled in the middle can be stopped again", behaviour: Hangs, run: cancelStop},
		{name: "a start after a cancelled stop ends running", behaviour: Behaves, run: reverseStop},
		{name: "an observation without time says unknown or the truth", behaviour: Behaves, run: observeCancelled},
		{name: "watching ends with its context", behaviour: Behaves, run: watchEnds},
		{name: "two watchers are both woken", behaviour: Behaves, run: watchersTwo},
		{name: "what an order that ended well left to be seen later is not down", behaviour: Late, run: lateIsNotDown},
		{name: "a stop before a late service came up leaves nothing", behaviour: Late, run: lateIsStopped},
		{name: "a service started by hand is seen and stopped", behaviour: Behaves, outside: true, run: startedOutside},
	}
}

func seenDown(b *bench) {
	if s := b.observe(); !s.Run.Down() {
		b.t.Errorf("a service that never ran is seen %q (%s)", s.Run, s.Detail)
	}
}

func starts(b *bench) {
	b.start()
	b.await("running", running)
	b.settle()
	if !b.Alive() {
		b.t.Error("seen running, but nothing runs")
	}
}

func startsTwice(b *bench) {
	b.start()
	before := b.await("running", running)
	b.start()
	after := b.await("running", running)
	if before.PID != after.PID {
		b.t.Errorf("the second start replaced process %d by %d", before.PID, after.PID)
	}
}

func stops(b *bench) {
	b.start()
	b.await("running", running)
	b.stop()
	if b.Alive() {
		b.t.Error("the stop returned while the service still ran")
	}
	if s := b.observe(); !s.Run.Down() {
		b.t.Errorf("after the stop the service is seen %q (%s)", s.Run, s.Detail)
	}
}

func stopsTwice(b *bench) {
	b.stop()
	b.start()
	b.await("running", running)
	b.stop()
	b.stop()
	if s := b.observe(); !s.Run.Down() {
		b.t.Errorf("after two stops the service is seen %q", s.Run)
	}
}

func restarts(b *bench) {
	for range 2 {
		b.start()
		b.await("running", running)
		b.stop()
		b.await("down", down)
	}
}

func hangs(b *bench) {
	b.start()
	b.await("running", running)
	b.settle()
	ctx, cancel := context.WithTimeout(b.t.Context(), b.f.StopBound)
	defer cancel()
	err := b.within(ctx, "stop", b.Driver.Stop)
	if b.f.Forces {
		if err != nil {
			b.t.Errorf("stop of a service that hangs, by a driver that forces: %v", err)
		}
		b.await("down", down)
		return
	}
	if !errors.Is(err, service.ErrTimeout) {
		b.t.Errorf("stop of a service that hangs is %v, not ErrTimeout", err)
	}
	if s, _ := b.Driver.Observe(b.t.Context()); s.Run.Down() {
		b.t.Errorf("a service that did not stop is seen %q", s.Run)
	}
}

func failsToStart(b *bench) {
	err := b.within(b.t.Context(), "start", b.Driver.Start)
	s := b.await("not running", notRunning)
	if err == nil && s.Detail == "" {
		b.t.Error("neither the start nor the observation says why")
	}
	if b.Alive() {
		b.t.Error("a start that failed left something running")
	}
}

func failsTwice(b *bench) {
	first := b.within(b.t.Context(), "start", b.Driver.Start)
	b.await("not running", notRunning)
	b.stop()
	b.await("down", down)
	second := b.within(b.t.Context(), "start", b.Driver.Start)
	b.await("not running", notRunning)
	if (first == nil) != (second == nil) {
		b.t.Errorf("the same failing start: first %v, then %v", first, second)
	}
}

func crashSeen(b *bench) {
	b.start()
	b.await("running", running)
	b.Crash(b.t)
	b.await("down", down)
}

func crashMended(b *bench) {
	b.start()
	old := b.await("running", running)
	b.Crash(b.t)
	b.await("down", down)
	b.start()
	if s := b.await("running", running); s.PID != 0 && s.PID == old.PID {
		b.t.Errorf("process %d is seen running after it crashed", s.PID)
	}
}

func cancelledBefore(b *bench) {
	ctx, cancel := context.WithCancel(b.t.Context())
	cancel()
	if err := b.within(ctx, "start", b.Driver.Start); !errors.Is(err, context.Canceled) {
		b.t.Errorf("start under a cancelled context: %v", err)
	}
	b.stop()
}

func cancelStart(b *bench) {
	ctx, cancel := context.WithCancel(b.t.Context())
	result := b.begin(ctx, b.Driver.Start)
	cancel()
	if err := b.result("start", result); err != nil && !errors.Is(err, context.Canceled) {
		b.t.Errorf("a cancelled start: %v", err)
	}
	b.stop()
}

func cancelStop(b *bench) {
	b.start()
	b.await("running", running)
	b.settle()
	ctx, cancel := context.WithCancel(b.t.Context())
	result := b.begin(ctx, b.Driver.Stop)
	cancel()
	if err := b.result("stop", result); !errors.Is(err, context.Canceled) {
		b.t.Errorf("a cancelled stop of a service that hangs: %v", err)
	}
	if s := b.observe(); s.Run.Down() && b.Alive() {
		b.t.Errorf("a service that still runs is seen %q", s.Run)
	}
	if b.f.Forces {
		b.stop()
	}
}

func reverseStop(b *bench) {
	b.start()
	b.await("running", running)
	ctx, cancel := context.WithCancel(b.t.Context())
	result := b.begin(ctx, b.Driver.Stop)
	cancel()
	if err := b.result("stop", result); err != nil && !errors.Is(err, context.Canceled) {
		b.t.Errorf("a cancelled stop: %v", err)
	}
	b.start()
	b.await("running", running)
	b.settle()
	if !b.Alive() {
		b.t.Error("seen running, but nothing runs")
	}
}

func observeCancelled(b *bench) {
	b.start()
	b.await("running", running)
	ctx, cancel := context.WithCancel(b.t.Context())
	cancel()
	s, err := b.Driver.Observe(ctx)
	if err != nil && s.Run != plan.RunUnsure {
		b.t.Errorf("an observation that failed (%v) says %q", err, s.Run)
	}
	if s.Run.Down() {
		b.t.Errorf("an observation cut short says %q of what runs", s.Run)
	}
}

func watchEnds(b *bench) {
	ctx, cancel := context.WithCancel(b.t.Context())
	woken := make(chan struct{}, 1)
	result := b.begin(ctx, func(ctx context.Context) error {
		return b.Driver.Watch(ctx, func() { offer(woken) })
	})
	b.receive("the first wake", woken)
	cancel()
	if err := b.result("watch", result); !errors.Is(err, context.Canceled) {
		b.t.Errorf("a watch that ended with its context: %v", err)
	}
}

func watchersTwo(b *bench) {
	second := make(chan struct{}, 1)
	b.begin(b.t.Context(), func(ctx context.Context) error {
		return b.Driver.Watch(ctx, func() { offer(second) })
	})
	b.receive("the first wake of the second watcher", second)
	b.start()
	b.await("running", running)
	b.receive("the second watcher's wake for a start", second)
}

func startedOutside(b *bench) {
	b.StartOutside(b.t)
	b.await("running", running)
	b.stop()
	if b.Alive() {
		b.t.Error("the stop returned while the service still ran")
	}
}

// R2: nothing counts as known that was not observed. Finding nothing of what was
// just started is no observation of its being down.
func lateIsNotDown(b *bench) {
	b.start()
	if s := b.observe(); s.Run.Down() || s.Run == plan.Running {
		b.t.Errorf("a service that was started and is not there yet is seen %q (%s)", s.Run, s.Detail)
	}
	b.ComeUp(b.t)
	b.await("running", running)
	b.Crash(b.t)
	b.await("down", down)
}

func lateIsStopped(b *bench) {
	b.start()
	ctx, cancel := context.WithTimeout(b.t.Context(), b.stopBound)
	defer cancel()
	stopped := b.begin(ctx, b.Driver.Stop)
	b.ComeUp(b.t)
	err := b.result("stop", stopped)
	if b.Alive() {
		b.t.Errorf("the stop (%v) returned while the service came up", err)
	}
	if err != nil {
		b.t.Errorf("stop: %v", err)
	}
	b.await("down", down)
}
