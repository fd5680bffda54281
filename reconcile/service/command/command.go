// Package command drives a service by three commands: start, stop and status.
//
// It knows of the service only what the exit code of the status command says.
// There are no events: Watch asks every Poll. Nor can it force: a service that
// hangs on its stop command is ErrTimeout.
package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/run"
	"mainstay/reconcile/service"
	"mainstay/spec"
)

// DefaultPoll is how often Watch asks for the status.
const DefaultPoll = 5 * time.Second

// statusBound bounds one status command whose caller sets no bound, and
// startBound a start.
const (
	statusBound = 10 * time.Second
	startBound  = 90 * time.Second
)

// A stop is verified by asking for the status at once, then after firstAsk, and
// ever less often up to lastAsk.
const (
	firstAsk = 50 * time.Millisecond
	lastAsk  = time.Second
)

// Driver drives one service. Use New.
type Driver struct {
	commands spec.CommandService
	poll     time.Duration

	mu sync.Mutex
	// reversed is set while a stop was begun and not seen through: what is
	// seen running may be on its way down.
	reversed bool
	watchers map[chan struct{}]struct{}
}

var _ service.Driver = (*Driver)(nil)

// New makes a driver. Exit codes that the document does not map are those of
// LSB: 0 running, 3 stopped, 1 and 2 failed, any other unknown. A poll of 0 is
// DefaultPoll.
func New(c spec.CommandService, poll time.Duration) *Driver {
	if c.Running == nil && c.Stopped == nil && c.Failed == nil {
		c.Running, c.Stopped, c.Failed = []int{0}, []int{3}, []int{1, 2}
	}
	if poll == 0 {
		poll = DefaultPoll
	}
	return &Driver{commands: c, poll: poll, watchers: map[chan struct{}]struct{}{}}
}

// Observe runs the status command.
func (d *Driver) Observe(ctx context.Context) (service.State, error) {
	ctx, cancel := service.Bound(ctx, statusBound)
	defer cancel()
	result, err := run.Command(ctx, d.commands.Status)
	if err != nil {
		return service.State{Run: plan.RunUnsure}, fmt.Errorf("status: %w", err)
	}
	state := service.State{Run: d.meaning(result.Code)}
	if state.Run == plan.RunFailed || state.Run == plan.RunUnsure {
		state.Detail = result.Reason()
	}
	return state, nil
}

func (d *Driver) meaning(code int) plan.Run {
	switch {
	case slices.Contains(d.commands.Running, code):
		return plan.Running
	case slices.Contains(d.commands.Stopped, code):
		return plan.Stopped
	case slices.Contains(d.commands.Failed, code):
		return plan.RunFailed
	}
	return plan.RunUnsure
}

// Start runs the start command, unless the service is seen running.
func (d *Driver) Start(ctx context.Context) error {
	ctx, cancel := service.Bound(ctx, startBound)
	defer cancel()
	state, err := d.Observe(ctx)
	if ended := service.Ended(ctx); ended != nil {
		return fmt.Errorf("start: %w", ended)
	}
	if err == nil && state.Run == plan.Running && !d.isReversed() {
		return nil
	}
	defer d.changed()
	if err := order(ctx, d.commands.Start); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	d.setReversed(false)
	return nil
}

// Stop runs the stop command, unless the service is seen down, and asks for the
// status until it is. A stop command that fails is no error if the service is
// down after it.
func (d *Driver) Stop(ctx context.Context) error {
	ctx, cancel := service.Bound(ctx, service.DefaultStop)
	defer cancel()
	state, err := d.Observe(ctx)
	if ended := service.Ended(ctx); ended != nil {
		return fmt.Errorf("stop: %w", ended)
	}
	if err == nil && state.Run.Down() {
		d.setReversed(false)
		return nil
	}
	d.setReversed(true)
	defer d.changed()
	failed := order(ctx, d.commands.Stop)
	if err := d.verifyDown(ctx, failed); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	d.setReversed(false)
	return nil
}

// StopByHand returns the stop command as a person would type it.
func (d *Driver) StopByHand() string { return quote(d.commands.Stop) }

func order(ctx context.Context, argv []string) error {
	result, err := run.Command(ctx, argv)
	if err != nil && result.Output != "" {
		return fmt.Errorf("%w: %s", err, result.Output)
	}
	if err == nil && result.Code != 0 {
		return fmt.Errorf("%w: %s", service.ErrFailed, result.Reason())
	}
	return err
}

// verifyDown asks until the service is down. After a stop command that failed,
// one look decides.
func (d *Driver) verifyDown(ctx context.Context, failed error) error {
	for wait := firstAsk; ; wait = min(2*wait, lastAsk) {
		state, err := d.Observe(ctx)
		if err == nil && state.Run.Down() {
			return nil
		}
		if failed != nil {
			return failed
		}
		if errors.Is(err, service.ErrNotFound) {
			return err
		}
		pause := time.NewTimer(wait)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return fmt.Errorf("%w, the status is still %q", service.Ended(ctx), state.Run)
		}
	}
}

// Watch wakes when the answer to the status command changed, and after every
// start and stop of this driver.
func (d *Driver) Watch(ctx context.Context, wake func()) error {
	changed := d.subscribe()
	defer d.unsubscribe(changed)
	tick := time.NewTicker(d.poll)
	defer tick.Stop()
	last, _ := d.Observe(ctx)
	wake()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
			wake()
		case <-tick.C:
			now, _ := d.Observe(ctx)
			if now != last && ctx.Err() == nil {
				last = now
				wake()
			}
		}
	}
}

func (d *Driver) subscribe() chan struct{} {
	changed := make(chan struct{}, 1)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.watchers[changed] = struct{}{}
	return changed
}

func (d *Driver) unsubscribe(changed chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.watchers, changed)
}

func (d *Driver) changed() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for watcher := range d.watchers {
		select {
		case watcher <- struct{}{}:
		default:
		}
	}
}

func (d *Driver) isReversed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.reversed
}

func (d *Driver) setReversed(reversed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reversed = reversed
}
