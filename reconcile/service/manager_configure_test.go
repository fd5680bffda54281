package service_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
	"mainstay/reconcile/service/servicetest"
)

func TestAnUnchangedServiceGoesOnWhenTheDocumentChanges(t *testing.T) {
	inBubble(t, func(b *bench) {
		fake := servicetest.NewFake(servicetest.Behaves)
		release := fake.HoldStart()
		managed := service.Managed{Key: "1", Driver: fake}
		b.set(managed)
		b.Start("x")
		synctest.Wait()
		b.Set(map[string]service.Managed{"x": managed, "y": {Driver: servicetest.NewFake(servicetest.Behaves)}})
		b.see(plan.Observed{Run: plan.Starting, Op: plan.OpStart})
		release()
		b.see(plan.Observed{Run: plan.Running, Ready: true})
		if fake.Starts() != 1 {
			t.Errorf("started %d times", fake.Starts())
		}
		if names := b.names(); names != "x y" {
			t.Errorf("the services are %q", names)
		}
	})
}

func (b *bench) names() string {
	var names []string
	for _, o := range b.Snapshot() {
		names = append(names, o.Name)
	}
	return strings.Join(names, " ")
}

func TestAChangedServiceBeginsAnewAndAVanishedOneIsLeftRunning(t *testing.T) {
	inBubble(t, func(b *bench) {
		first, second := servicetest.NewFake(servicetest.Behaves), servicetest.NewFake(servicetest.Behaves)
		b.set(service.Managed{Key: "1", Driver: first})
		b.Start("x")
		synctest.Wait()
		b.set(service.Managed{Key: "2", Driver: second})
		b.see(plan.Observed{Run: plan.Stopped})
		b.Set(nil)
		synctest.Wait()
		if names := b.names(); names != "" {
			t.Errorf("the services are %q", names)
		}
		if !first.Alive() || first.Stops()+second.Stops() != 0 {
			t.Error("a service that is no longer wanted was stopped, which is not the manager's to decide")
		}
		if id := b.Start("x"); id != 0 {
			t.Errorf("a start of a service that is not known is number %d", id)
		}
	})
}

func TestTheEndOfTheManagerLeavesServicesRunning(t *testing.T) {
	fake := servicetest.NewFake(servicetest.Behaves)
	inBubble(t, func(b *bench) {
		b.set(service.Managed{Driver: fake})
		b.Start("x")
		synctest.Wait()
	})
	if !fake.Alive() {
		t.Error("the service ended with the manager")
	}
}
