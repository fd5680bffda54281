package servicetest

import (
	"context"
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
)

// bench is one service on the test bench, watched all the time.
type bench struct {
	Subject
	t *testing.T
	f Fixture
	// stopBound is the deadline of a stop that is expected to succeed.
	stopBound time.Duration
	woken     chan struct{}
}

func newBench(t *testing.T, f Fixture, behaviour Behaviour) *bench {
	b := &bench{t: t, f: f, Subject: f.New(t, behaviour), woken: make(chan struct{}, 1), stopBound: f.Bound}
	if behaviour == Hangs {
		b.stopBound = f.StopBound
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := b.begin(ctx, func(ctx context.Context) error {
		return b.Driver.Watch(ctx, func() { offer(b.woken) })
	})
	t.Cleanup(func() {
		cancel()
		b.result("watch", ended)
		b.leaveNothing(behaviour)
	})
	return b
}

// leaveNothing ends the service the driver's way and asks the fixture whether
// that was true.
func (b *bench) leaveNothing(behaviour Behaviour) {
	if behaviour == Hangs && !b.f.Forces {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), b.stopBound)
	defer cancel()
	if err := b.Driver.Stop(ctx); err != nil {
		b.t.Errorf("the last stop: %v", err)
	}
	if b.Alive() {
		b.t.Error("something still runs after the last stop")
	}
}

func running(s service.State) bool { return s.Run == plan.Running }
func down(s service.State) bool    { return s.Run.Down() }

// notRunning is down, or waiting for another order after a start that came to
// nothing: a driver may want a stop before it calls that down.
func notRunning(s service.State) bool { return down(s) || s.Holdoff }

// await observes after every wake until the state is as wanted: what never
// wakes is never seen.
func (b *bench) await(what string, is func(service.State) bool) service.State {
	b.t.Helper()
	bound := time.NewTimer(b.f.Bound)
	defer bound.Stop()
	for {
		s := b.observe()
		if is(s) {
			return s
		}
		select {
		case <-b.woken:
		case <-bound.C:
			b.t.Fatalf("not seen %s after %v without a further wake: %q (%s)", what, b.f.Bound, s.Run, s.Detail)
		}
	}
}

func (b *bench) observe() service.State {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), b.f.Bound)
	defer cancel()
	s, err := b.Driver.Observe(ctx)
	if err != nil {
		b.t.Fatalf("observe: %v", err)
	}
	return s
}

func (b *bench) settle() {
	b.t.Helper()
	if b.Settled != nil {
		b.Settled(b.t)
	}
}

func (b *bench) start() {
	b.t.Helper()
	b.must("start", b.f.Bound, b.Driver.Start)
}

func (b *bench) stop() {
	b.t.Helper()
	b.must("stop", b.stopBound, b.Driver.Stop)
}

func (b *bench) must(what string, bound time.Duration, call func(context.Context) error) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), bound)
	defer cancel()
	if err := b.within(ctx, what, call); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// within runs a call that must return, whatever its context allows.
func (b *bench) within(ctx context.Context, what string, call func(context.Context) error) error {
	b.t.Helper()
	return b.result(what, b.begin(ctx, call))
}

func (b *bench) begin(ctx context.Context, call func(context.Context) error) <-chan error {
	result := make(chan error, 1)
	go func() { result <- call(ctx) }()
	return result
}

func (b *bench) result(what string, result <-chan error) error {
	b.t.Helper()
	limit := b.f.Bound + b.f.Bound/2
	bound := time.NewTimer(limit)
	defer bound.Stop()
	select {
	case err := <-result:
		return err
	case <-bound.C:
		b.t.Fatalf("%s did not return within %v", what, limit)
		return nil
	}
}

func (b *bench) receive(what string, from <-chan struct{}) {
	b.t.Helper()
	bound := time.NewTimer(b.f.Bound)
	defer bound.Stop()
	select {
	case <-from:
	case <-bound.C:
		b.t.Fatalf("%s did not come within %v", what, b.f.Bound)
	}
}

// offer leaves one token; more wakes than looks are one.
func offer(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}
