// Package oneshot drives commands around a switch: one that runs at a start, and one that
// runs at a stop. What they do has no state that anybody could look at, such as logging
// agents in again.
//
// The service is up once its command came to an end for this start, well or not, which a
// record on disk says from before the command begins: a restart of the agent runs nothing
// again, neither what ran nor what failed. A record that does not say so, after a crash of
// the agent or by a damaged disk, is neither up nor down: a side that is to serve is started
// again and one that is to be down is stopped, so each command runs at least once. A claim
// that is lost stops what ran under it, so a record is always of the present one. A boot
// ends every record. Nothing is run but under an order, since an order is what the claim
// stands behind; a command that fails is tried again within its order only. There are no
// events: Watch looks at the record every Poll.
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
	run    spec.RunService
	poll   time.Duration
	again  []time.Duration
	log    *slog.Logger
	record *record
	bell   service.Bell

	mu sync.Mutex
	// said is how the newest onStop of this run of the agent failed.
	said string
}

var _ service.Driver = (*Driver)(nil)

// New makes a driver.
func New(c Config) *Driver {
	d := &Driver{run: c.Run, poll: cmp.Or(c.Poll, DefaultPoll), again: c.Again, log: c.Log, record: newRecord(c.Folder, c.Log)}
	if d.again == nil {
		d.again = []time.Duration{time.Second, 3 * time.Second}
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
		d.record.log = d.log
	}
	return d
}

// Observe tells what the record says.
func (d *Driver) Observe(ctx context.Context) (service.State, error) {
	if err := service.Ended(ctx); err != nil {
		return service.State{Run: plan.RunUnsure}, err
	}
	switch e := d.record.get(); {
	case !e.is:
		return service.State{Run: plan.Stopped, Detail: d.getSaid()}, nil
	case e.interrupted():
		return service.State{Run: plan.Starting, Holdoff: true, Detail: e.detail()}, nil
	case e.how == stopping:
		return service.State{Run: plan.Stopping}, nil
	case e.how == starting:
		return service.State{Run: plan.Starting}, nil
	case e.how == failed && d.run.Required:
		return service.State{Run: plan.RunFailed, Detail: e.why}, nil
	case e.how == failed:
		return service.State{Run: plan.Running, Unhealthy: e.why}, nil
	}
	return service.State{Run: plan.Running}, nil
}

// Start runs onStart, unless it ran for this start.
func (d *Driver) Start(ctx context.Context) error {
	ctx, cancel := service.Bound(ctx, startBound)
	defer cancel()
	if err := service.Ended(ctx); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	if d.record.get().how == ran {
		return nil
	}
	defer d.bell.Ring()
	d.say("")
	d.record.begin(starting)
	err := d.tries(ctx, d.run.OnStart)
	if err == nil {
		d.record.end(nil)
		return nil
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		d.record.leave()
		return fmt.Errorf("start: %w", err)
	}
	d.record.end(fmt.Errorf("onStart: %w", err))
	if !d.run.Required {
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
	if !d.record.get().is {
		return nil
	}
	defer d.bell.Ring()
	// A stop that is cut short leaves it unknown what is undone: it is begun again, or
	// onStart is.
	d.record.begin(stopping)
	polite, end := context.WithTimeout(ctx, service.StopGrace(ctx))
	defer end()
	err := d.tries(polite, d.run.OnStop)
	if errors.Is(ctx.Err(), context.Canceled) {
		d.record.leave()
		return fmt.Errorf("stop: %w", ctx.Err())
	}
	d.say("")
	if err != nil {
		d.say("onStop: " + err.Error())
		d.log.Warn("a command of a stop failed, which holds nothing up", "command", d.run.OnStop, "error", err)
	}
	d.record.clear()
	return nil
}

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
