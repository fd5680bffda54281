package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mainstay/reconcile/plan"
)

// Driver drives one service.
//
// Every call is bounded by its context and may be cancelled in the middle: it
// then returns soon, with an error that wraps the context's, and leaves
// something that Observe tells truly and that the next Start or Stop can
// finish. Every call is safe to repeat. A driver is used by one Start or Stop at
// a time, but Observe and Watch run at any time beside them. Errors wrap one of
// the sentinels below where one fits and carry the reason in words a person can
// act on, bounded to a few KiB.
type Driver interface {
	// Observe asks what really runs, now; it never answers from memory. An
	// error means that this could not be observed, and Run is RunUnsure then.
	// RunUnsure without an error is an answer that means none of the known
	// states; Detail quotes it.
	Observe(ctx context.Context) (State, error)

	// Start returns nil once the start order itself has succeeded, which is
	// not readiness. Starting what runs is nil and changes nothing. Starting
	// what is still stopping first waits for the end, or brings it about. The
	// service may run although an error is returned: Observe tells.
	Start(ctx context.Context) error

	// Stop returns nil only after the service was seen down; stopping what is
	// down is nil. Without a deadline DefaultStop applies. A driver that can
	// force asks politely for StopGrace and then forces, so that the end is
	// seen before the deadline. A service still up at the deadline is
	// ErrTimeout.
	Stop(ctx context.Context) error

	// Watch calls wake soon after any change of the service, until ctx ends,
	// and then returns ctx's error. It calls wake once as soon as changes are
	// noticed, since whatever happened before is unknown. A connection lost on
	// the way is made again inside, with one more wake; an error is
	// returned only when watching can never work. A driver without events polls,
	// at an interval that its package documents. wake never blocks and may be
	// called from any goroutine, more often than needed.
	Watch(ctx context.Context, wake func()) error
}

// State is one observation of a service.
type State struct {
	Run plan.Run
	// Detail is for people: an exit code, a unit's result, masked. Bounded to
	// about 4 KiB; empty when Run says it all.
	Detail string
	// Holdoff goes with Starting: the service, or a part of it, does not run, and its
	// manager waits before it starts it again by itself. Start does not wait for
	// that.
	Holdoff bool
	// Unhealthy goes with Running: it is not empty when the service is there and not as
	// it should be, such as by a health check of its own; in words.
	Unhealthy string
	// Rival goes with Running: it is not empty when another machine answers for what this
	// one has; in words that name it.
	Rival string
	// StandIn is not empty when what runs cannot be told from this service, which has
	// no process of its own; in words that name what to drive instead.
	StandIn string
	// PID is the main process, or 0 when there is none or it is not known.
	PID int
	// Enabled is not empty when something other than the agent starts the
	// service at boot, in that something's word: "enabled", "restart: always".
	Enabled string
	// Since is when Run was reached, by the wall clock and for people; zero
	// when not known.
	Since time.Time
}

// ByHand is implemented by a driver that knows what a person would type to stop
// the service, for the report of a stop that could not be verified (R2).
type ByHand interface {
	// StopByHand returns one shell command, or "".
	StopByHand() string
}

// The sentinels that drivers wrap. An error that wraps none of them and not the
// context's either is a failure that trying again may mend.
var (
	// ErrNotFound: what should be driven does not exist: no such unit,
	// project or program.
	ErrNotFound = errors.New("not found")
	// ErrMasked: it exists and was made unstartable on purpose.
	ErrMasked = errors.New("masked")
	// ErrTimeout: the bound passed before the result was seen; what happens
	// next is unknown.
	ErrTimeout = errors.New("timed out")
	// ErrRefused: the service's manager will not do it: not permitted, or not
	// valid.
	ErrRefused = errors.New("refused")
	// ErrFailed: the order was carried out and the service ended by an error.
	ErrFailed = errors.New("failed")
	// ErrUnavailable: the service's manager (D-Bus, the Docker engine) could
	// not be reached.
	ErrUnavailable = errors.New("unavailable")
)

// DefaultStop bounds a Stop whose context has no deadline; it is the document's
// default stopTimeout.
const DefaultStop = 30 * time.Second

// StopGrace returns for how long a stop under ctx stays polite before it forces.
// What it leaves until the deadline, a quarter but at least 100 ms (and never
// more than 5 s), is for forcing and for seeing the end.
func StopGrace(ctx context.Context) time.Duration {
	bound := DefaultStop
	if at, ok := ctx.Deadline(); ok {
		bound = time.Until(at)
	}
	rest := min(max(bound/4, 100*time.Millisecond), 5*time.Second)
	return max(bound-rest, 0)
}

// Bound returns ctx with a deadline: its own, or the given one from now. The
// cancel function must be called.
func Bound(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, limit)
}

// Ended turns the end of ctx into the error a driver returns for it: ErrTimeout
// for a deadline, else the context's own. Both stay visible to errors.Is. It
// returns nil while ctx lives.
func Ended(ctx context.Context) error {
	err := ctx.Err()
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	}
	return err
}
