package systemd

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	sdbus "github.com/coreos/go-systemd/v22/dbus"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
)

// Stop orders a stop and waits until nothing of the unit is left. Past
// service.StopGrace every process of it is killed. A failure that the stop
// itself brought about is forgotten, so that the unit reads as stopped.
func (u *Unit) Stop(ctx context.Context) error {
	ctx, cancel := service.Bound(ctx, service.DefaultStop)
	defer cancel()
	return untilKept(ctx, func(ctx context.Context) error {
		return u.wrap("stop", u.stopOnce(ctx))
	})
}

func (u *Unit) stopOnce(ctx context.Context) error {
	if err := service.Ended(ctx); err != nil {
		return err
	}
	l, err := u.bus.link(ctx)
	if err != nil {
		return err
	}
	woken := make(chan struct{}, 1)
	forget, err := l.watch(ctx, u.name, func() { offer(woken) })
	if err != nil {
		return l.explain(ctx, err)
	}
	defer forget()
	seen, err := l.look(ctx, u.name)
	if err != nil {
		return l.explain(ctx, err)
	}
	if run, _ := seen.run(); run.Down() {
		return nil
	}
	result := make(chan string, 1)
	if _, err := l.conn.StopUnitContext(ctx, u.name, "replace", result); err != nil {
		// A unit that went away by itself is unloaded, and down.
		if err := l.explain(ctx, err); !errors.Is(err, service.ErrNotFound) {
			return err
		}
	}
	return (&stopping{unit: u, link: l, woken: woken, result: result}).await(ctx)
}

// stopping is a stop under way.
type stopping struct {
	unit   *Unit
	link   *link
	woken  <-chan struct{}
	result chan string
	ended  string // the job's result, once known
}

// await looks after every change, and from time to time since the end of a left
// process is no change of the unit.
func (s *stopping) await(ctx context.Context) error {
	const between = 250 * time.Millisecond
	poll := time.NewTicker(between)
	defer poll.Stop()
	force := time.NewTimer(service.StopGrace(ctx))
	defer force.Stop()
	for {
		seen, err := s.link.look(ctx, s.unit.name)
		if err != nil {
			return s.link.explain(ctx, err)
		}
		run, detail := seen.run()
		if run.Down() {
			s.tidy(ctx, run, detail)
			return nil
		}
		if s.ended != "" && (run == plan.Running || run == plan.Starting) {
			return fmt.Errorf("it runs again although it was stopped, started by something else (%s)", s.ended)
		}
		select {
		case s.ended = <-s.result:
		case <-s.woken:
		case <-poll.C:
		case <-force.C:
			s.kill(ctx, detail)
		case <-s.link.lost():
			return errLost
		case <-ctx.Done():
			return fmt.Errorf("%w: it is still %s: %s", service.Ended(ctx), run, detail)
		}
	}
}

func (s *stopping) kill(ctx context.Context, detail string) {
	s.unit.log.Warn("killing a unit that does not stop", "state", detail)
	if err := s.link.conn.KillUnitWithTarget(ctx, s.unit.name, sdbus.All, int32(syscall.SIGKILL)); err != nil {
		s.unit.log.Warn("the unit could not be killed", "error", err)
	}
}

// tidy forgets the failure of a unit that was ended by force: it is as stopped
// as was asked for.
func (s *stopping) tidy(ctx context.Context, run plan.Run, detail string) {
	if run != plan.RunFailed {
		return
	}
	s.unit.log.Info("stopped, though not cleanly", "state", detail)
	_ = s.link.conn.ResetFailedUnitContext(ctx, s.unit.name)
}

// offer leaves one token: several changes before a look are one.
func offer(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}
