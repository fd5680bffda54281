package service_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
	"mainstay/reconcile/service/servicetest"
)

func TestADrainAsksUntilNothingIsLeft(t *testing.T) {
	inBubble(t, func(b *bench) {
		var empty switchable
		fake := servicetest.NewFake(servicetest.Behaves)
		fake.Set(plan.Running, "")
		b.set(service.Managed{Driver: fake, Drain: empty.ask, DrainWithin: time.Minute})
		b.Drain("x")
		b.pass(5 * time.Second)
		b.see(plan.Observed{Run: plan.Running, Ready: true, Op: plan.OpDrain, Left: "no answer"})
		empty.on.Store(true)
		b.pass(time.Second)
		b.see(plan.Observed{Run: plan.Running, Ready: true, Drained: true})
		release := fake.HoldStop()
		b.Stop("x")
		b.see(plan.Observed{Run: plan.Stopping, Op: plan.OpStop})
		release()
		b.see(plan.Observed{Run: plan.Stopped})
	})
}

func TestADrainEndsWithItsBound(t *testing.T) {
	inBubble(t, func(b *bench) {
		var empty switchable
		fake := servicetest.NewFake(servicetest.Behaves)
		fake.Set(plan.Running, "")
		b.set(service.Managed{Driver: fake, Drain: empty.ask, DrainWithin: 3500 * time.Millisecond})
		before := time.Now()
		b.Drain("x")
		b.pass(3400 * time.Millisecond)
		b.see(plan.Observed{Run: plan.Running, Ready: true, Op: plan.OpDrain, Left: "no answer"})
		b.pass(100 * time.Millisecond)
		b.see(plan.Observed{Run: plan.Running, Ready: true})
		if took := time.Since(before); took != 3500*time.Millisecond {
			t.Errorf("it ended after %v", took)
		}
	})
}

func TestADrainShowsWhatItsNewestAnswerLeft(t *testing.T) {
	inBubble(t, func(b *bench) {
		calls := atomic.Int64{}
		calls.Store(3)
		ask := func(context.Context) error {
			if n := calls.Load(); n > 0 {
				return fmt.Errorf("%d calls", n)
			}
			return nil
		}
		fake := servicetest.NewFake(servicetest.Behaves)
		fake.Set(plan.Running, "")
		b.set(service.Managed{Driver: fake, Drain: ask, DrainWithin: time.Minute})
		b.Drain("x")
		b.see(plan.Observed{Run: plan.Running, Ready: true, Op: plan.OpDrain, Left: "3 calls"})
		before := b.wakes.Load()
		b.pass(3 * time.Second)
		if n := b.wakes.Load() - before; n != 0 {
			t.Errorf("the same answer woke %d times", n)
		}
		calls.Store(2)
		b.pass(time.Second)
		b.see(plan.Observed{Run: plan.Running, Ready: true, Op: plan.OpDrain, Left: "2 calls"})
		if n := b.wakes.Load() - before; n != 1 {
			t.Errorf("a new answer woke %d times", n)
		}
		calls.Store(0)
		b.pass(time.Second)
		b.see(plan.Observed{Run: plan.Running, Ready: true, Drained: true})
	})
}

func TestAQuestionThatHangsEndsWithTheDrainsBound(t *testing.T) {
	inBubble(t, func(b *bench) {
		asked := 0
		ask := func(ctx context.Context) error {
			if asked++; asked == 1 {
				return errors.New("3 calls")
			}
			<-ctx.Done()
			return ctx.Err()
		}
		fake := servicetest.NewFake(servicetest.Behaves)
		fake.Set(plan.Running, "")
		b.set(service.Managed{Driver: fake, Drain: ask, DrainWithin: 10 * time.Second})
		b.Drain("x")
		b.pass(9 * time.Second)
		b.see(plan.Observed{Run: plan.Running, Ready: true, Op: plan.OpDrain, Left: "3 calls"})
		b.pass(time.Second)
		b.see(plan.Observed{Run: plan.Running, Ready: true})
	})
}

func TestAStopCancelsADrain(t *testing.T) {
	inBubble(t, func(b *bench) {
		var empty switchable
		fake := servicetest.NewFake(servicetest.Behaves)
		fake.Set(plan.Running, "")
		b.set(service.Managed{Driver: fake, Drain: empty.ask, DrainWithin: time.Hour})
		b.Drain("x")
		synctest.Wait()
		b.Stop("x")
		b.see(plan.Observed{Run: plan.Stopped})
	})
}
