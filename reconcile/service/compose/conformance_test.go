package compose

import (
	"context"
	"testing"
	"time"

	api "github.com/moby/moby/api/types/container"

	"mainstay/reconcile/service/servicetest"
)

func TestAServiceIsAConformingDriver(t *testing.T) {
	servicetest.Run(t, servicetest.Fixture{
		New: func(t *testing.T, b servicetest.Behaviour) servicetest.Subject {
			f, e := newFakeEngine(t)
			c := f.add("xuc")
			c.hangs = b == servicetest.Hangs
			var looks int
			if b == servicetest.Late {
				e.compose = func(context.Context, place, ...string) error {
					looks = f.count("json")
					return nil
				}
			}
			driver := xuc(e)
			driver.settle = 200 * time.Millisecond
			if b == servicetest.FailsToStart {
				c.State.Error = "exec: \"/nonexistent\": no such file"
			}
			return servicetest.Subject{
				Driver: driver,
				ComeUp: func(t *testing.T) {
					// The start looks once; whoever comes next has looked too when it comes up.
					servicetest.Until(t, "the next look", func() bool { return f.count("json") >= looks+2 })
					f.change(c, api.StateRunning, 0)
				},
				Alive:        func() bool { return f.alive("xuc") },
				Crash:        func(*testing.T) { f.change(c, api.StateExited, 1) },
				StartOutside: func(*testing.T) { f.change(c, api.StateRunning, 0) },
			}
		},
		Forces:    true,
		Outside:   true,
		Late:      true,
		Bound:     5 * time.Second,
		StopBound: 600 * time.Millisecond,
	})
}
