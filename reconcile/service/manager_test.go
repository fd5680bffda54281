package service_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
	"mainstay/reconcile/service/servicetest"
)

// bubbleClock is the time of a synctest bubble.
type bubbleClock struct{ began time.Time }

func (c bubbleClock) Boot() time.Duration { return time.Since(c.began) + time.Hour }

func (bubbleClock) After(d time.Duration) (<-chan time.Time, func()) {
	timer := time.NewTimer(d)
	return timer.C, func() { timer.Stop() }
}

// bench is a manager in a bubble.
type bench struct {
	*service.Manager
	t     *testing.T
	wakes atomic.Int64
}

func inBubble(t *testing.T, test func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		b := &bench{t: t}
		wake := func() { b.wakes.Add(1) }
		b.Manager = service.NewManager(ctx, bubbleClock{time.Now()}, wake, slog.New(slog.NewTextHandler(io.Discard, nil)))
		test(b)
		cancel()
		b.Wait()
	})
}

// set makes one service, named x, and waits until it is known.
func (b *bench) set(managed service.Managed) {
	b.t.Helper()
	b.Set(map[string]service.Managed{"x": managed})
	synctest.Wait()
}

// see waits until nothing moves any more, and compares.
func (b *bench) see(want plan.Observed) {
	b.t.Helper()
	synctest.Wait()
	got, ok := b.Get("x")
	if !ok {
		b.t.Fatal("the service is not known")
	}
	if diff := cmp.Diff(want, got.Plan()); diff != "" {
		b.t.Error(diff)
	}
}

// pass lets time go by. In a bubble that takes none.
func (b *bench) pass(d time.Duration) {
	ctx, cancel := context.WithTimeout(b.t.Context(), d)
	defer cancel()
	<-ctx.Done()
	synctest.Wait()
}

var errSilent = errors.New("no answer")

// switchable is a readiness that a test turns on and off, and counts.
type switchable struct {
	on    atomic.Bool
	asked atomic.Int64
}

func (s *switchable) ask(context.Context) error {
	s.asked.Add(1)
	if s.on.Load() {
		return nil
	}
	return errSilent
}

func TestAServiceIsUnknownUntilItWasObserved(t *testing.T) {
	inBubble(t, func(b *bench) {
		fake := servicetest.NewFake(servicetest.Behaves)
		fake.FailObserve(errors.New("bus gone"))
		b.set(service.Managed{Driver: fake})
		b.see(plan.Observed{Run: plan.RunUnsure, Detail: "bus gone"})
		fake.FailObserve(nil)
		b.see(plan.Observed{Run: plan.Stopped})
	})
}

func TestAStartEndsWhenTheServiceIsReady(t *testing.T) {
	inBubble(t, func(b *bench) {
		var ready switchable
		b.set(service.Managed{Driver: servicetest.NewFake(servicetest.Behaves), Ready: ready.ask})
		b.Start("x")
		b.see(plan.Observed{Run: plan.Running, Op: plan.OpStart, Detail: "no answer"})
		ready.on.Store(true)
		b.pass(time.Second)
		b.see(plan.Observed{Run: plan.Running, Ready: true})
	})
}

func TestWithoutAProbeARunningServiceIsReady(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.set(service.Managed{Driver: servicetest.NewFake(servicetest.Behaves)})
		b.Start("x")
		b.see(plan.Observed{Run: plan.Running, Ready: true})
	})
}

func TestAnOrderShowsBeforeItIsCarriedOut(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.set(service.Managed{Driver: servicetest.NewFake(servicetest.Behaves)})
		id := b.Start("x")
		if got, _ := b.Get("x"); got.Op != plan.OpStart || got.OpID != id {
			t.Errorf("right after the order: %+v", got)
		}
	})
}

func TestAStartThatNeverGetsReadyFailsAfterItsBoundWithTheProbesReason(t *testing.T) {
	inBubble(t, func(b *bench) {
		var ready switchable
		b.set(service.Managed{Driver: servicetest.NewFake(servicetest.Behaves), Ready: ready.ask, Within: 10 * time.Second})
		b.Start("x")
		b.pass(9 * time.Second)
		b.see(plan.Observed{Run: plan.Running, Op: plan.OpStart, Detail: "no answer"})
		b.pass(2 * time.Second)
		b.see(plan.Observed{
			Run: plan.Running, Detail: "no answer",
			Err: "not ready within 10s of its start: no answer",
		})
		ready.on.Store(true)
		b.pass(time.Second)
		b.see(plan.Observed{Run: plan.Running, Ready: true})
	})
}

func TestAStartThatFailsSaysWhy(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.set(service.Managed{Driver: servicetest.NewFake(servicetest.FailsToStart)})
		b.Start("x")
		b.see(plan.Observed{Run: plan.RunFailed, Detail: "exit status 1", Err: "start: failed: exit status 1"})
	})
}

func TestAServiceThatEndsWhileItGetsReadyHasFailedToStart(t *testing.T) {
	inBubble(t, func(b *bench) {
		var ready switchable
		fake := servicetest.NewFake(servicetest.Behaves)
		b.set(service.Managed{Driver: fake, Ready: ready.ask})
		b.Start("x")
		synctest.Wait()
		fake.Crash()
		b.see(plan.Observed{
			Run: plan.RunFailed, Detail: "signal: killed",
			Err: "it started, and ended: signal: killed",
		})
	})
}

func TestAStopCancelsARunningStartAtOnce(t *testing.T) {
	inBubble(t, func(b *bench) {
		fake := servicetest.NewFake(servicetest.Behaves)
		defer fake.HoldStart()()
		b.set(service.Managed{Driver: fake})
		b.Start("x")
		b.see(plan.Observed{Run: plan.Starting, Op: plan.OpStart})
		before := time.Now()
		b.Stop("x")
		b.see(plan.Observed{Run: plan.Stopped})
		if took := time.Since(before); took != 0 {
			t.Errorf("the reversal took %v", took)
		}
	})
}

func TestAStopDoesNotWaitForReadiness(t *testing.T) {
	inBubble(t, func(b *bench) {
		var ready switchable
		b.set(service.Managed{Driver: servicetest.NewFake(servicetest.Behaves), Ready: ready.ask})
		b.Start("x")
		synctest.Wait()
		b.Stop("x")
		b.see(plan.Observed{Run: plan.Stopped})
	})
}

func TestAStartCancelsARunningStopAtOnce(t *testing.T) {
	inBubble(t, func(b *bench) {
		fake := servicetest.NewFake(servicetest.Behaves)
		b.set(service.Managed{Driver: fake})
		b.Start("x")
		synctest.Wait()
		defer fake.HoldStop()()
		b.Stop("x")
		b.see(plan.Observed{Run: plan.Stopping, Op: plan.OpStop})
		b.Start("x")
		b.see(plan.Observed{Run: plan.Running, Ready: true})
	})
}

func TestOnlyTheNewestOrderCounts(t *testing.T) {
	inBubble(t, func(b *bench) {
		fake := servicetest.NewFake(servicetest.Behaves)
		release := fake.HoldStart()
		b.set(service.Managed{Driver: fake})
		for range 10 {
			b.Start("x")
			b.Stop("x")
		}
		first := b.Start("x")
		if again := b.Start("x"); again != first {
			t.Errorf("a start asked for twice has the numbers %d and %d", first, again)
		}
		synctest.Wait()
		release()
		b.see(plan.Observed{Run: plan.Running, Ready: true})
	})
}

// deaf is a driver whose stop does not return when it is cancelled.
type deaf struct {
	*servicetest.Fake
	held chan struct{}
}

func (d deaf) Start(context.Context) error {
	<-d.held
	return nil
}

func TestADriverThatHangsDoesNotKeepAStopFromBeingTried(t *testing.T) {
	inBubble(t, func(b *bench) {
		held := make(chan struct{})
		fake := servicetest.NewFake(servicetest.Behaves)
		b.set(service.Managed{Driver: deaf{fake, held}})
		fake.Set(plan.Running, "")
		b.Start("x")
		synctest.Wait()
		b.Stop("x")
		b.pass(3 * time.Second)
		b.see(plan.Observed{Run: plan.Stopped})
		close(held)
		b.see(plan.Observed{Run: plan.Stopped})
	})
}

func TestAStopThatTimesOutSaysSoUntilTheServiceIsDown(t *testing.T) {
	inBubble(t, func(b *bench) {
		fake := servicetest.NewFake(servicetest.Behaves)
		fake.Set(plan.Running, "")
		b.set(service.Managed{Driver: fake, StopTimeout: 20 * time.Second})
		defer fake.HoldStop()()
		b.Stop("x")
		b.pass(21 * time.Second)
		b.see(plan.Observed{Run: plan.Stopping, Err: "timed out: context deadline exceeded"})
		fake.Set(plan.Stopped, "")
		b.see(plan.Observed{Run: plan.Stopped})
	})
}

func TestAnOperationEndsOnlyWithAnObservationFromAfterIt(t *testing.T) {
	inBubble(t, func(b *bench) {
		fake := servicetest.NewFake(servicetest.Behaves)
		fake.Set(plan.Running, "")
		b.set(service.Managed{Driver: fake})
		fake.FailObserve(errors.New("bus gone"))
		b.Stop("x")
		b.see(plan.Observed{Run: plan.RunUnsure, Detail: "bus gone"})
		fake.FailObserve(nil)
		b.see(plan.Observed{Run: plan.Stopped})
	})
}

func TestAnObservationThatFailsIsBridgedForItsBoundAndThenUnknown(t *testing.T) {
	inBubble(t, func(b *bench) {
		fake := servicetest.NewFake(servicetest.Behaves)
		fake.Set(plan.Running, "")
		b.set(service.Managed{Driver: fake})
		fake.FailObserve(errors.New("bus gone"))
		b.see(plan.Observed{Run: plan.Running, Ready: true})
		wakes := b.wakes.Load()
		b.pass(41 * time.Second)
		b.see(plan.Observed{Run: plan.RunUnsure, Detail: "last seen running 40s ago: bus gone"})
		if b.wakes.Load() == wakes {
			t.Error("nobody was woken when the service became unknown")
		}
	})
}

func TestAChangeWakesAndIsSeen(t *testing.T) {
	inBubble(t, func(b *bench) {
		fake := servicetest.NewFake(servicetest.Behaves)
		fake.Set(plan.Running, "")
		b.set(service.Managed{Driver: fake})
		wakes := b.wakes.Load()
		fake.Crash()
		b.see(plan.Observed{Run: plan.RunFailed, Detail: "signal: killed"})
		if b.wakes.Load() == wakes {
			t.Error("nobody was woken by a crash")
		}
	})
}

func TestNothingNewWakesNobody(t *testing.T) {
	inBubble(t, func(b *bench) {
		var ready switchable
		ready.on.Store(true)
		fake := servicetest.NewFake(servicetest.Behaves)
		fake.Set(plan.Running, "")
		b.set(service.Managed{Driver: fake, Ready: ready.ask})
		wakes := b.wakes.Load()
		b.pass(time.Minute)
		if woken := b.wakes.Load() - wakes; woken != 0 {
			t.Errorf("woken %d times in a quiet minute", woken)
		}
		if got, _ := b.Get("x"); got.Run != plan.Running {
			t.Errorf("after a quiet minute: %+v", got)
		}
	})
}

func TestReadinessIsAskedOnlyWhileTheServiceRuns(t *testing.T) {
	inBubble(t, func(b *bench) {
		var ready switchable
		fake := servicetest.NewFake(servicetest.Behaves)
		b.set(service.Managed{Driver: fake, Ready: ready.ask})
		b.pass(time.Minute)
		if asked := ready.asked.Load(); asked != 0 {
			t.Errorf("a stopped service was asked %d times", asked)
		}
		fake.Set(plan.Running, "")
		b.pass(10 * time.Second)
		if asked := ready.asked.Load(); asked < 15 || asked > 17 {
			t.Errorf("a service that does not answer yet was asked %d times in ten seconds, want a few at once and then one each second", asked)
		}
		ready.on.Store(true)
		b.pass(time.Second)
		before := ready.asked.Load()
		b.pass(time.Minute)
		if asked := ready.asked.Load() - before; asked < 11 || asked > 13 {
			t.Errorf("a service that answers was asked %d times in a minute, want one each five seconds", asked)
		}
	})
}

func TestAReadyServiceMustBeSilentSeveralTimesInARow(t *testing.T) {
	inBubble(t, func(b *bench) {
		var ready switchable
		ready.on.Store(true)
		fake := servicetest.NewFake(servicetest.Behaves)
		fake.Set(plan.Running, "")
		b.set(service.Managed{Driver: fake, Ready: ready.ask})
		ready.on.Store(false)
		b.pass(6 * time.Second)
		b.see(plan.Observed{Run: plan.Running, Ready: true})
		b.pass(time.Second)
		b.see(plan.Observed{Run: plan.Running, Detail: "no answer"})
	})
}

func TestARestartedServiceIsNotReadyUntilItAnswersAgain(t *testing.T) {
	inBubble(t, func(b *bench) {
		var ready switchable
		ready.on.Store(true)
		fake := servicetest.NewFake(servicetest.Behaves)
		b.set(service.Managed{Driver: fake, Ready: ready.ask})
		b.Start("x")
		synctest.Wait()
		ready.on.Store(false)
		fake.Crash()
		synctest.Wait()
		b.Start("x")
		b.see(plan.Observed{Run: plan.Running, Op: plan.OpStart, Detail: "no answer"})
	})
}

func TestAnotherProcessInItsPlaceIsNotReadyUntilItAnswers(t *testing.T) {
	inBubble(t, func(b *bench) {
		var ready switchable
		ready.on.Store(true)
		quiet := &eventless{Fake: servicetest.NewFake(servicetest.Behaves)}
		b.set(service.Managed{Driver: quiet, Ready: ready.ask})
		b.Start("x")
		b.see(plan.Observed{Run: plan.Running, Ready: true})
		ready.on.Store(false)
		quiet.Crash()
		if err := quiet.Fake.Start(b.t.Context()); err != nil {
			t.Fatal(err)
		}
		b.Observe(b.t.Context())
		b.see(plan.Observed{Run: plan.Running, Detail: "no answer"})
	})
}

func TestObserveReturnsWhatIsSeenAfterTheCall(t *testing.T) {
	inBubble(t, func(b *bench) {
		quiet := &eventless{Fake: servicetest.NewFake(servicetest.Behaves)}
		b.set(service.Managed{Driver: quiet})
		quiet.Set(plan.Running, "")
		if got, _ := b.Get("x"); got.Run != plan.Stopped {
			t.Fatalf("seen without an event or a look: %+v", got)
		}
		b.Observe(b.t.Context())
		if got, _ := b.Get("x"); got.Run != plan.Running {
			t.Errorf("after the look: %+v", got)
		}
	})
}

// eventless is a driver whose watch cannot work.
type eventless struct{ *servicetest.Fake }

func (eventless) Watch(context.Context, func()) error { return errors.New("no events here") }

func TestWithoutEventsTheServiceIsLookedAtAllTheSame(t *testing.T) {
	inBubble(t, func(b *bench) {
		quiet := &eventless{Fake: servicetest.NewFake(servicetest.Behaves)}
		b.set(service.Managed{Driver: quiet, ObserveEvery: 7 * time.Second})
		quiet.Set(plan.Running, "")
		b.pass(8 * time.Second)
		b.see(plan.Observed{Run: plan.Running, Ready: true})
	})
}
