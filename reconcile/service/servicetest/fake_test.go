package servicetest_test

import (
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service/servicetest"
)

func TestFake(t *testing.T) {
	servicetest.Run(t, servicetest.Fixture{
		New: func(_ *testing.T, b servicetest.Behaviour) servicetest.Subject {
			fake := servicetest.NewFake(b)
			return servicetest.Subject{
				Driver:       fake,
				Alive:        fake.Alive,
				Crash:        func(*testing.T) { fake.Crash() },
				StartOutside: func(*testing.T) { fake.Set(plan.Running, "") },
			}
		},
		Forces:    true,
		Outside:   true,
		Parallel:  true,
		StopBound: 2 * time.Second,
	})
}
