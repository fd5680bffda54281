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
	seen, err := l.readUnit(ctx, u.name)
	if err != nil {
		return l.explain(ctx, err)
	}
	if run, _ := seen.run(); run.Down() {
		return nil
	}
	// What may start the unit again goes first, and what belongs to it with it.
	for _, b := range seen.triggers() {
		if err := l.stopUnit(ctx, b.name, nil); err != nil {
			return err
		}
	}
	result := make(chan string, 1)
	if err := l.stopUnit(ctx, u.name, result); err != nil {
		return err
	}
	return (&stopping{unit: u, link: l, woken: woken, result: result, told: map[string]bool{}}).await(ctx)
}

// stopUnit orders a stop. A unit that went away by itself is unloaded, and down.
func (l *link) stopUnit(ctx context.Context, unit string, result chan<- string) error {
	_, err := l.conn.StopUnitContext(ctx, unit, "replace", result)
	if err := l.explain(ctx, err); err != nil && !errors.Is(err, service.ErrNotFound) {
		return err
	}
	return nil
}

// tellBound orders what belongs to the unit to stop, each once: systemd does so for
// a unit that is active, and not for one that ended before them.
func (s *stopping) tellBound(ctx context.Context, seen unitState) error {
	for _, b := range append(seen.members(bound.up), seen.triggers()...) {
		if b.tie == wanted || s.told[b.name] || b.active == "deactivating" || seen.isActive() {
			continue
		}
		s.told[b.name] = true
		if err := s.link.stopUnit(ctx, b.name, nil); err != nil {
			return err
		}
	}
	return nil
}

// stopping is a stop under way.
type stopping struct {
	unit   *Unit
	link   *link
	woken  <-chan struct{}
	result chan string
	ended  string // the job's result, once known
	// told are the units that belong to this one and were told to stop.
	told map[string]bool
}

// await looks after every change, and from time to time since the end of a left
// process is no change of the unit.
func (s *stopping) await(ctx context.Context) error {
	const between, afterForce = 250 * time.Millisecond, 20 * time.Millisecond
	poll := time.NewTicker(between)
	defer poll.Stop()
	force := time.NewTimer(service.StopGrace(ctx))
	defer force.Stop()
	for {
		seen, err := s.link.readUnit(ctx, s.unit.name)
		if err != nil {
			return s.link.explain(ctx, err)
		}
		run, detail := seen.run()
		if run.Down() {
			s.tidy(ctx, run, detail)
			return nil
		}
		if err := s.tellBound(ctx, seen); err != nil {
			return err
		}
		if s.ended != "" && seen.isActive() && (run == plan.Running || run == plan.Starting) {
			return fmt.Errorf("it runs again although it was stopped, started by something else (%s)", s.ended)
		}
		select {
		case s.ended = <-s.result:
		case <-s.woken:
		case <-poll.C:
		case <-force.C:
			s.kill(ctx, seen, detail)
			poll.Reset(afterForce)
		case <-s.link.lost():
			return errLost
		case <-ctx.Done():
			return fmt.Errorf("%w: it is still %s: %s", service.Ended(ctx), run, detail)
		}
	}
}

func (s *stopping) kill(ctx context.Context, seen unitState, detail string) {
	s.unit.log.Warn("killing a unit that does not stop", "state", detail)
	for _, b := range seen.members(bound.up) {
		if b.tie == tied {
			_ = s.link.conn.KillUnitWithTarget(ctx, b.name, sdbus.All, int32(syscall.SIGKILL))
		}
	}
	if !seen.isActive() && len(seen.left) == 0 {
		return
	}
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
