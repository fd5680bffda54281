package machine

import (
	"context"
	"time"

	"mainstay/reconcile/service"
)

// Clock is the machine's clock, for the loop, services, probes and tasks. Boot is
// CLOCK_BOOTTIME, because Go's own monotonic clock stands still while a machine
// is suspended (R7).
type Clock struct{ service.SystemClock }

// Wall returns the wall clock, for people.
func (Clock) Wall() time.Time { return time.Now() }

// Wait returns after d, or with ctx's error when that ends first.
func (Clock) Wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
