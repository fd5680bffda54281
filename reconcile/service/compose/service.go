package compose

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/run"
	"mainstay/reconcile/service"
)

// Service drives one service of a project, with all its containers. It is made
// by Engine.Service.
type Service struct {
	engine    *Engine
	key       key
	directory string
	log       *slog.Logger
	// ordered is the newest order, and settle how long the engine may take to show
	// what came of it.
	ordered *service.Mark
	settle  time.Duration
}

var (
	_ service.Driver = (*Service)(nil)
	_ service.ByHand = (*Service)(nil)
)

// Observe reads the service's containers from the engine. What was started and is
// not to be found is unknown, and what was never seen up since is not down.
func (s *Service) Observe(ctx context.Context) (service.State, error) {
	order := s.ordered.Get()
	_, all, err := s.containers(ctx)
	if err != nil {
		return service.State{Run: plan.RunUnsure}, s.wrap("observe", err)
	}
	return s.judge(order, all), nil
}

// judge is what the containers amount to after an order.
func (s *Service) judge(order service.Order, all []container) service.State {
	seen := stateOf(all)
	if !order.Open() {
		return seen
	}
	if order.Returned && slices.ContainsFunc(all, func(c container) bool { return c.shows(order) }) {
		s.ordered.See(order)
		return seen
	}
	if missing := s.missing(order, all); missing != nil {
		return service.State{Run: plan.RunUnsure, Detail: missing.Error()}
	}
	if seen.Run.Down() {
		seen.Run, seen.Holdoff = plan.Starting, order.Settled(s.settle)
		seen.Detail = "it was started and was not seen running since: " + cmp.Or(seen.Detail, "it is down")
	}
	return seen
}

// shows reports whether a container is what the order led to, and not what was
// there before it.
func (c container) shows(order service.Order) bool {
	switch c.state {
	case "created":
		return c.problem != ""
	case "exited", "dead":
		return c.since.After(order.Began)
	}
	return true
}

// missing is the error of an order that ended well and of which nothing is to be
// found: something may run under a name that nobody knows.
func (s *Service) missing(order service.Order, all []container) error {
	if len(all) > 0 || !order.Open() || !order.Well {
		return nil
	}
	text := "Compose said that it started it, and it has no container under this name: see with \"docker ps\" what runs and stop it"
	if file := s.ordered.File(); file != "" {
		text += ", then: rm " + run.Word(file)
	}
	return errors.New(text)
}

// containers lists the containers and remembers where their project lies.
func (s *Service) containers(ctx context.Context) (*link, []container, error) {
	l, err := s.engine.link(ctx)
	if err != nil {
		return nil, nil, err
	}
	all, err := l.list(ctx, s.key)
	if err != nil {
		return nil, nil, l.explain(ctx, err)
	}
	for _, c := range all {
		s.engine.places.learn(s.key.project, c.place)
	}
	return l, all, nil
}

// Watch wakes at every change of one of the service's containers, and after the
// engine came back.
func (s *Service) Watch(ctx context.Context, wake func()) error {
	const shortest, longest = 50 * time.Millisecond, 2 * time.Second
	pause := shortest
	for ctx.Err() == nil {
		if s.watchOnce(ctx, wake) {
			pause = shortest
		}
		sleep(ctx, pause)
		pause = min(2*pause, longest)
	}
	return ctx.Err()
}

// watchOnce watches over one connection and reports whether it came about.
func (s *Service) watchOnce(ctx context.Context, wake func()) bool {
	l, err := s.engine.link(ctx)
	if err != nil {
		return false
	}
	defer l.watch(s.key, wake)()
	wake()
	select {
	case <-l.ctx.Done():
	case <-ctx.Done():
	}
	return true
}

// StopByHand returns the command that ends all containers of the service.
func (s *Service) StopByHand() string {
	label := func(name, value string) string {
		return " --filter " + run.Word("label="+name+"="+value)
	}
	return "docker ps --quiet" + label(labelProject, s.key.project) + label(labelService, s.key.service) + " | xargs --no-run-if-empty docker kill"
}

// wrap names the step and the service.
func (s *Service) wrap(step string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s of project %s: %w", step, s.key.service, s.key.project, err)
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
