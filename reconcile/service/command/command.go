// Package command drives a service by three commands: start, stop and status.
//
// It knows of the service only what the exit code of the status command says, and
// that is not believed of a service that was just started: a start command often
// returns before the status says running. From a start order until the service was
// seen running, or a stop was verified, it is never called down; and a group of
// which a part runs is neither running nor down. There are no
// events: Watch asks every Poll. Nor can it force: a service that hangs on its stop
// command is ErrTimeout.
package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// DefaultSettle is for how long after a start order the status may still say that
// the service is down although it comes up.
const DefaultSettle = 5 * time.Second

// Config is what a Driver needs to know.
type Config struct {
	Commands spec.CommandService
	// Folder is this service's own below the state folder. It keeps that a start was
	// ordered for the next run of the agent; empty keeps that in memory only.
	Folder string
	// Poll is how often Watch asks, DefaultPoll. Settle is DefaultSettle.
	Poll   time.Duration
	Settle time.Duration
	// Log gets what cannot be returned. It may be nil.
	Log *slog.Logger
}

// Driver drives one service. Use New.
type Driver struct {
	commands     spec.CommandService
	poll, settle time.Duration
	ordered      *service.Mark
	bell         service.Bell

	mu sync.Mutex
	// reversed is set while a stop was begun and not seen through: what is
	// seen running may be on its way down.
	reversed bool
}

var _ service.Driver = (*Driver)(nil)

// New makes a driver. Exit codes that the document does not map are those of
// LSB: 0 running, 3 stopped, 1 and 2 failed, any other unknown.
func New(c Config) *Driver {
	if c.Commands.Running == nil && c.Commands.Stopped == nil && c.Commands.Failed == nil {
		c.Commands.Running, c.Commands.Stopped, c.Commands.Failed = []int{0}, []int{3}, []int{1, 2}
	}
	return &Driver{
		commands: c.Commands, poll: cmp.Or(c.Poll, DefaultPoll), settle: cmp.Or(c.Settle, DefaultSettle),
		ordered: service.NewMark(c.Folder, c.Log),
	}
}

// Observe runs the status command. What was started and is said to be down before
// it was ever seen running is coming up, or waits for another order.
func (d *Driver) Observe(ctx context.Context) (service.State, error) {
	order := d.ordered.Get()
	state, err := d.status(ctx)
	switch {
	case err != nil || !order.Open():
	case state.Run == plan.Running && order.Returned:
		d.ordered.See(order)
	case state.Run == plan.Starting:
		state.Holdoff = order.Settled(d.settle)
	case state.Run.Down():
		why := cmp.Or(state.Detail, "its status says "+string(state.Run))
		state = service.State{Run: plan.Starting, Detail: "it was started and was not seen running since: " + why}
		state.Holdoff = order.Settled(d.settle)
	}
	return state, err
}

// status is what the status command says.
func (d *Driver) status(ctx context.Context) (service.State, error) {
	ctx, cancel := service.Bound(ctx, statusBound)
	defer cancel()
	result, err := run.Command(ctx, d.commands.Status)
	if err != nil {
		return service.State{Run: plan.RunUnsure}, fmt.Errorf("status: %w", err)
	}
	state := service.State{Run: d.meaning(result.Code)}
	state.Holdoff = state.Run == plan.Starting
	if state.Run != plan.Running && state.Run != plan.Stopped {
		state.Detail = result.Reason()
	}
	return state, nil
}

func (d *Driver) meaning(code int) plan.Run {
	switch {
	case slices.Contains(d.commands.Partial, code): // above the defaults: what may run is not down
		return plan.Starting
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
	state, err := d.status(ctx)
	if ended := service.Ended(ctx); ended != nil {
		return fmt.Errorf("start: %w", ended)
	}
	if err == nil && state.Run == plan.Running && !d.isReversed() {
		return nil
	}
	defer d.bell.Ring()
	d.ordered.Begin()
	err = order(ctx, d.commands.Start)
	d.ordered.End(err)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	d.setReversed(false)
	return nil
}

// Stop runs the stop command and asks for the status until the service is down.
// What was seen down and not started since needs no order. A stop command that
// fails is no error if the service is down after it.
func (d *Driver) Stop(ctx context.Context) error {
	ctx, cancel := service.Bound(ctx, service.DefaultStop)
	defer cancel()
	state, err := d.status(ctx)
	if ended := service.Ended(ctx); ended != nil {
		return fmt.Errorf("stop: %w", ended)
	}
	order := d.ordered.Get()
	if err == nil && state.Run.Down() && !order.Is {
		d.setReversed(false)
		return nil
	}
	d.setReversed(true)
	defer d.bell.Ring()
	err = d.stop(ctx)
	if err != nil && order.Open() && ctx.Err() == nil {
		// It came up after the stop command had found nothing to stop.
		err = d.stop(ctx)
	}
	for err == nil && order.Open() {
		// It may come up only now, after a stop that found nothing to stop.
		var down bool
		if down, err = d.staysDown(ctx); down {
			break
		}
		if err == nil {
			err = d.stop(ctx)
		}
	}
	if err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	d.ordered.Clear()
	d.setReversed(false)
	return nil
}

// stop runs the stop command once and sees what comes of it.
func (d *Driver) stop(ctx context.Context) error {
	failed := order(ctx, d.commands.Stop)
	return d.verifyDown(ctx, failed)
}

// staysDown looks for as long as a service that was just started may need to be
// seen running, at most half of the time that is left.
func (d *Driver) staysDown(ctx context.Context) (bool, error) {
	settled := time.NewTimer(min(d.settle, service.StopGrace(ctx)/2))
	defer settled.Stop()
	again := time.NewTicker(max(d.settle/20, time.Millisecond))
	defer again.Stop()
	for last := false; ; {
		state, err := d.status(ctx)
		if ended := service.Ended(ctx); ended != nil {
			return false, ended
		}
		if err != nil || !state.Run.Down() || last {
			return err == nil && state.Run.Down(), err
		}
		select {
		case <-again.C:
		case <-settled.C:
			last = true
		case <-ctx.Done():
		}
	}
}

// StopByHand returns the stop command as a person would type it.
func (d *Driver) StopByHand() string { return run.Quote(d.commands.Stop...) }

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
		state, err := d.status(ctx)
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
	return d.bell.Watch(ctx, d.poll, d.Observe, wake)
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
