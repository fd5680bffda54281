package systemd

import (
	"context"
	"fmt"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
)

// Start orders a start and waits for its result. A failure before, and the count
// of starts that systemd keeps, are forgotten first: how often a start is tried
// is the caller's to decide.
func (u *Unit) Start(ctx context.Context) error {
	return untilKept(ctx, func(ctx context.Context) error {
		return u.wrap("start", u.startOnce(ctx))
	})
}

func (u *Unit) startOnce(ctx context.Context) error {
	if err := service.Ended(ctx); err != nil {
		return err
	}
	l, err := u.bus.link(ctx)
	if err != nil {
		return err
	}
	seen, err := l.readUnit(ctx, u.name)
	if err != nil {
		return l.explain(ctx, err)
	}
	if run, _ := seen.run(); run == plan.Running {
		return nil
	}
	if seen.broken() {
		return u.startMembers(ctx, l, seen.members(failed))
	}
	if err := seen.unstartable(); err != nil {
		return err
	}
	defer l.hold(ctx, u.name)()
	// Refused for a unit that is not loaded, which has nothing to forget.
	_ = l.conn.ResetFailedUnitContext(ctx, u.name)
	// systemd lets a start wait for its own automatic one, which may be an hour
	// away; a restart it carries out.
	order := l.conn.StartUnitContext
	if seen.holdoff() {
		order = l.conn.RestartUnitContext
	}
	result := make(chan string, 1)
	if _, err := order(ctx, u.name, "replace", result); err != nil {
		return l.explain(ctx, err)
	}
	word, err := l.await(ctx, u.name, result)
	if err != nil {
		return err
	}
	return u.judgeStart(ctx, l, word)
}

// startMembers starts again those units that failed of what an active unit stands
// for: a start of the unit itself would change nothing.
func (u *Unit) startMembers(ctx context.Context, l *link, all []bound) error {
	for _, b := range all {
		_ = l.conn.ResetFailedUnitContext(ctx, b.name)
		result := make(chan string, 1)
		if _, err := l.conn.StartUnitContext(ctx, b.name, "replace", result); err != nil {
			return fmt.Errorf("%s: %w", b.name, l.explain(ctx, err))
		}
		word, err := l.await(ctx, b.name, result)
		if err == nil {
			err = jobError(word)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
	}
	return nil
}

// hold keeps systemd from unloading a unit until the returned function is
// called: with it would go what the start has come to. It is worth trying only;
// over systemd's own socket there is no such thing.
func (l *link) hold(ctx context.Context, unit string) (release func()) {
	object := l.calls.Object(destination, managerPath)
	if object.CallWithContext(ctx, manager+".RefUnit", 0, unit).Err != nil {
		return func() {}
	}
	return func() {
		ctx, cancel := context.WithTimeout(l.ctx, forgetBound)
		defer cancel()
		_ = object.CallWithContext(ctx, manager+".UnrefUnit", 0, unit)
	}
}

// unstartable says why a unit cannot be started whatever is tried.
func (s unitState) unstartable() error {
	switch s.load {
	case "not-found":
		return fmt.Errorf("%w: there is no such unit on this machine", service.ErrNotFound)
	case "masked":
		return fmt.Errorf("%w: \"systemctl unmask\" makes it startable again", service.ErrMasked)
	case "error", "bad-setting":
		return fmt.Errorf("%w: %s", service.ErrRefused, s.why())
	}
	return nil
}

// judgeStart looks at what a start led to: a job is done as well when a
// condition kept the unit from starting.
func (u *Unit) judgeStart(ctx context.Context, l *link, result string) error {
	seen, err := l.readUnit(ctx, u.name)
	if err != nil {
		return l.explain(ctx, err)
	}
	run, detail := seen.run()
	if err := jobError(result); err != nil {
		return explained(err, run, detail)
	}
	if run == plan.Stopped && len(seen.unmet) > 0 {
		return fmt.Errorf("%w: %s", service.ErrRefused, detail)
	}
	if run == plan.RunFailed {
		return fmt.Errorf("%w: %s", service.ErrFailed, detail)
	}
	return nil
}

func explained(err error, run plan.Run, detail string) error {
	if detail == "" || run == plan.Running {
		return err
	}
	return fmt.Errorf("%w: %s", err, detail)
}
