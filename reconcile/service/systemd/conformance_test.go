package systemd

import (
	"testing"
	"time"

	"mainstay/reconcile/service/servicetest"
)

func TestAUnitIsAConformingDriver(t *testing.T) {
	servicetest.Run(t, servicetest.Fixture{
		New: func(t *testing.T, b servicetest.Behaviour) servicetest.Subject {
			s, bus := newFakeSystemd(t)
			u := s.add("pbx.service")
			u.hangs, u.fails = b == servicetest.Hangs, b == servicetest.FailsToStart
			return servicetest.Subject{
				Driver:       bus.Unit("pbx"),
				Alive:        func() bool { return s.alive(u) },
				Crash:        func(*testing.T) { s.killed(u) },
				StartOutside: func(*testing.T) { s.order(u, "StartUnit") },
			}
		},
		Forces:    true,
		Outside:   true,
		Bound:     5 * time.Second,
		StopBound: 600 * time.Millisecond,
	})
}
