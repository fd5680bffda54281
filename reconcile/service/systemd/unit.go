package systemd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/run"
	"mainstay/reconcile/service"
)

// Unit drives one unit. A unit is created by Bus.Unit and used from then on.
type Unit struct {
	bus  *Bus
	name string
	log  *slog.Logger
}

var (
	_ service.Driver = (*Unit)(nil)
	_ service.ByHand = (*Unit)(nil)
)

// Observe reads the unit's state from systemd.
func (u *Unit) Observe(ctx context.Context) (service.State, error) {
	state := service.State{Run: plan.RunUnsure}
	err := untilKept(ctx, func(ctx context.Context) error {
		l, err := u.bus.link(ctx)
		if err != nil {
			return err
		}
		seen, err := l.readUnit(ctx, u.name)
		if err != nil {
			return l.explain(ctx, err)
		}
		state = seen.state()
		return nil
	})
	return state, u.wrap("observe", err)
}

// Watch wakes at every change of the unit, and after systemd read its unit files
// again.
func (u *Unit) Watch(ctx context.Context, wake func()) error {
	const shortest, longest = 50 * time.Millisecond, 2 * time.Second
	pause := shortest
	for ctx.Err() == nil {
		if u.watchOnce(ctx, wake) {
			pause = shortest
		}
		sleep(ctx, pause)
		pause = min(2*pause, longest)
	}
	return ctx.Err()
}

// watchOnce watches over one connection and reports whether it came about.
func (u *Unit) watchOnce(ctx context.Context, wake func()) bool {
	l, err := u.bus.link(ctx)
	if err != nil {
		return false
	}
	stop, err := l.watch(ctx, u.name, wake)
	if err != nil {
		return false
	}
	defer stop()
	wake()
	select {
	case <-l.lost():
	case <-ctx.Done():
	}
	return true
}

// StopByHand returns the command that ends the unit however it behaves.
func (u *Unit) StopByHand() string {
	name := run.Word(u.name)
	return "systemctl kill --signal=SIGKILL " + name + "; systemctl stop " + name
}

func (u *Unit) reload(ctx context.Context) error {
	l, err := u.bus.link(ctx)
	if err != nil {
		return err
	}
	seen, err := l.readUnit(ctx, u.name)
	if err != nil {
		return u.wrap("reload", l.explain(ctx, err))
	}
	if run, _ := seen.run(); run.Down() {
		return nil
	}
	result := make(chan string, 1)
	if _, err := l.conn.ReloadUnitContext(ctx, u.name, "replace", result); err != nil {
		return u.wrap("reload", l.explain(ctx, err))
	}
	word, err := l.await(ctx, u.name, result)
	if err != nil {
		return u.wrap("reload", err)
	}
	return u.wrap("reload", jobError(word))
}

// await waits for the result of a job. Should the signal of its end be lost, a
// look from time to time finds that there is no job any more: that is done.
func (l *link) await(ctx context.Context, unit string, result <-chan string) (string, error) {
	const between = 2 * time.Second
	ticker := time.NewTicker(between)
	defer ticker.Stop()
	for {
		select {
		case word := <-result:
			return word, nil
		case <-l.lost():
			return "", errLost
		case <-ctx.Done():
			return "", service.Ended(ctx)
		case <-ticker.C:
			seen, err := l.readUnit(ctx, unit)
			if err == nil && seen.job == 0 && len(result) == 0 {
				return "done", nil
			}
		}
	}
}

// wrap names the step and the unit.
func (u *Unit) wrap(step string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", step, u.name, err)
}

// untilKept repeats an order whose connection was lost on the way: every order
// begins with a look, so that nothing is done twice.
func untilKept(ctx context.Context, order func(context.Context) error) error {
	const pause = 20 * time.Millisecond
	for {
		err := order(ctx)
		if !errors.Is(err, errLost) || ctx.Err() != nil {
			return err
		}
		sleep(ctx, pause)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
