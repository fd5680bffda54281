package service_test

import (
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
	"mainstay/reconcile/service/servicetest"
)

const place = "http://127.0.0.1:8080/"

// R3: Active is reported once the service answers, not once something answers in its
// place. A service that finds its port taken ends soon after its start.
func TestAnAnswerFromBeforeTheStartIsNotTheServices(t *testing.T) {
	inBubble(t, func(b *bench) {
		var other switchable
		other.on.Store(true)
		fake := servicetest.NewFake(servicetest.Behaves)
		b.set(service.Managed{Driver: fake, Ready: other.ask, Asks: place})
		b.Start("x")
		b.see(plan.Observed{Run: plan.Running, Op: plan.OpStart})
		if got, _ := b.Get("x"); got.Elsewhere != place {
			t.Errorf("it is not said that something else answers: %+v", got)
		}
		b.pass(9 * time.Second)
		b.see(plan.Observed{Run: plan.Running, Op: plan.OpStart})
		fake.Set(plan.RunFailed, "address already in use")
		b.see(plan.Observed{Run: plan.RunFailed, Err: "it started, and ended: address already in use", Detail: "address already in use"})
	})
}

// A readiness that cannot tell the service from others keeps no service from serving:
// one that goes on running is ready, and the doubt is told.
func TestAServiceThatKeepsRunningBesideAnotherAnswerIsReadyWithADoubt(t *testing.T) {
	inBubble(t, func(b *bench) {
		var other switchable
		other.on.Store(true)
		b.set(service.Managed{Driver: servicetest.NewFake(servicetest.Behaves), Ready: other.ask, Asks: place})
		b.Start("x")
		b.pass(11 * time.Second)
		b.see(plan.Observed{Run: plan.Running, Ready: true})
		if got, _ := b.Get("x"); got.Elsewhere != place {
			t.Errorf("the doubt is not told: %+v", got)
		}
		b.Stop("x")
		b.see(plan.Observed{Run: plan.Stopped})
		if got, _ := b.Get("x"); got.Elsewhere != "" {
			t.Errorf("after a stop: %+v", got)
		}
	})
}

func TestSilenceAfterTheStartEndsTheDoubtAboutWhoAnswers(t *testing.T) {
	inBubble(t, func(b *bench) {
		var other switchable
		other.on.Store(true)
		b.set(service.Managed{Driver: servicetest.NewFake(servicetest.Behaves), Ready: other.ask, Asks: place})
		b.Start("x")
		b.pass(time.Second)
		other.on.Store(false)
		b.pass(2 * time.Second)
		other.on.Store(true)
		b.pass(time.Second)
		b.see(plan.Observed{Run: plan.Running, Ready: true})
		if got, _ := b.Get("x"); got.Elsewhere != "" {
			t.Errorf("after a silence: %+v", got)
		}
	})
}

// A command may do anything, so it is asked while the service runs only.
func TestWhatNamesNoPlaceIsNotAskedBeforeAStart(t *testing.T) {
	inBubble(t, func(b *bench) {
		var ready switchable
		ready.on.Store(true)
		b.set(service.Managed{Driver: servicetest.NewFake(servicetest.Behaves), Ready: ready.ask})
		b.Start("x")
		b.see(plan.Observed{Run: plan.Running, Ready: true})
		if asked := ready.asked.Load(); asked != 1 {
			t.Errorf("asked %d times", asked)
		}
	})
}
