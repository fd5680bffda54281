// Package oneshot drives commands around a switch: one that runs at a start, and one that
// runs at a stop. What they do has no state that anybody could look at, such as logging
// agents in again.
//
// The service is up once its command ran to its end for this start, which a record on disk
// says from before the command begins. A record that does not say so, after a crash of the
// agent or by a damaged disk, counts as not run: the command is run again, so each runs at
// least once. A boot ends every record. Nothing is run but under an order, since an order
// is what the claim stands behind; a command that fails is tried again within its order
// only. There are no events: Watch looks at the record every Poll.
package oneshot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/run"
	"mainstay/reconcile/service"
	"mainstay/spec"
)

// DefaultPoll is how often Watch looks at the record, which a person may remove.
const DefaultPoll = 5 * time.Second

// startBound bounds a start whose caller sets no bound.
const startBound = 90 * time.Second

// mostLate is how much too late a further try may be: an order that a frozen agent finds
// later is not carried out.
const mostLate = 3 * time.Second

// longestWords bounds what is shown of a command's words, in bytes.
const longestWords = 500

// Config is what a Driver needs to know.
type Config struct {
	Run spec.RunService
	// Folder is this service's own below the state folder; empty keeps the record in
	// memory only.
	Folder string
	// Poll is DefaultPoll. Again are the waits before further tries of a command that
	// failed: nil is 1s and 3s.
	Poll  time.Duration
	Again []time.Duration
	// Log gets what cannot be returned. It may be nil.
	Log *slog.Logger
}

// Driver drives one service. Use New.
type Driver struct {
	run   spec.RunService
	poll  time.Duration
	again []time.Duration
	log   *slog.Logger
	// ran says that onStart was begun, and, once it ended well, that it ran.
	ran  *service.Mark
	bell service.Bell

	mu sync.Mutex
	// said is how the newest command of this run of the agent failed.
	said string
}

var _ service.Driver = (*Driver)(nil)

// New makes a driver.
func New(c Config) *Driver {
	d := &Driver{run: c.Run, poll: cmp.Or(c.Poll, DefaultPoll), again: c.Again, log: c.Log, ran: service.NewMark(c.Folder, c.Log)}
	if d.again == nil {
		d.again = []time.Duration{time.Second, 3 * time.Second}
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	return d
}

// Observe tells what the record says.
func (d *Driver) Observe(ctx context.Context) (service.State, error) {
	if err := service.Ended(ctx); err != nil {
		return service.State{Run: plan.RunUnsure}, err
	}
	order, said := d.ran.Get(), d.getSaid()
	switch {
	case !order.Is:
		return service.State{Run: plan.Stopped, Detail: said}, nil
	case !order.Returned:
		return service.State{Run: plan.Starting}, nil
	case order.Well:
		return service.State{Run: plan.Running}, nil
	case d.run.Required:
		return service.State{Run: plan.RunFailed, Detail: cmp.Or(said, unknown)}, nil
	case said != "":
		return service.State{Run: plan.Running, Unhealthy: said}, nil
	}
	return service.State{Run: plan.Stopped, Detail: unknown}, nil
}

const unknown = "it is not known whether onStart ran to its end for this start"

// Start runs onStart, unless it ran for this start.
func (d *Driver) Start(ctx context.Context) error {
	ctx, cancel := service.Bound(ctx, startBound)
	defer cancel()
	if err := service.Ended(ctx); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	if order := d.ran.Get(); order.Is && order.Well {
		return nil
	}
	defer d.bell.Ring()
	d.say("")
	d.ran.Begin()
	err := d.tries(ctx, d.run.OnStart)
	if err != nil {
		d.say("onStart: " + err.Error())
	}
	d.ran.End(err)
	cancelled := errors.Is(ctx.Err(), context.Canceled)
	if err == nil || !d.run.Required && !cancelled {
		return nil
	}
	return fmt.Errorf("start: %w", err)
}

// Stop runs onStop of what was started. There is nothing to see down, so it waits for no
// more than its bound, and a failure is told and is no error.
func (d *Driver) Stop(ctx context.Context) error {
	ctx, cancel := service.Bound(ctx, service.DefaultStop)
	defer cancel()
	if err := service.Ended(ctx); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	if !d.ran.Get().Is {
		return nil
	}
	defer d.bell.Ring()
	// A stop that is cut short leaves it unknown what is undone: onStart runs again then.
	d.say("its stop was begun and did not end")
	d.ran.Begin()
	d.ran.End(errCut)
	polite, end := context.WithTimeout(ctx, service.StopGrace(ctx))
	defer end()
	err := d.tries(polite, d.run.OnStop)
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("stop: %w", ctx.Err())
	}
	d.say("")
	if err != nil {
		d.say("onStop: " + err.Error())
		d.log.Warn("a command of a stop failed, which holds nothing up", "command", d.run.OnStop, "error", err)
	}
	d.ran.Clear()
	return nil
}

var errCut = errors.New("cut short")

// tries runs a command until it succeeds, a few times.
func (d *Driver) tries(ctx context.Context, argv []string) error {
	if len(argv) == 0 {
		return nil
	}
	err := once(ctx, argv)
	for _, wait := range d.again {
		if err == nil || ctx.Err() != nil || errors.Is(err, service.ErrNotFound) {
			break
		}
		due := service.SystemClock{}.Boot() + wait
		pause := time.NewTimer(wait)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return err
		}
		if (service.SystemClock{}).Boot() > due+mostLate {
			return fmt.Errorf("%w; it was not tried again, since this agent or this machine stood still", err)
		}
		err = once(ctx, argv)
	}
	return err
}

// once runs a command and says how it failed.
func once(ctx context.Context, argv []string) error {
	result, err := run.Command(ctx, argv)
	words := result.Output
	if err == nil && result.Code != 0 {
		err, words = service.ErrFailed, result.Reason()
	}
	if err == nil || words == "" {
		return err
	}
	if len(words) > longestWords {
		words = "… " + strings.ToValidUTF8(words[len(words)-longestWords:], "")
	}
	return fmt.Errorf("%w: %s", err, words)
}

// Watch wakes after every start and stop of this driver, and when the record changed.
func (d *Driver) Watch(ctx context.Context, wake func()) error {
	return d.bell.Watch(ctx, d.poll, d.Observe, wake)
}

func (d *Driver) say(words string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.said = words
}

func (d *Driver) getSaid() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.said
}
