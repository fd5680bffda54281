package compose

import (
	"context"
	"fmt"

	"github.com/moby/moby/client"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
)

// Start lets Compose bring the service up, with what it depends on. Containers
// that are paused go on instead.
func (s *Service) Start(ctx context.Context) error {
	return s.wrap("start", s.start(ctx))
}

func (s *Service) start(ctx context.Context) error {
	if err := service.Ended(ctx); err != nil {
		return err
	}
	if err := s.key.named(); err != nil {
		return err
	}
	l, all, err := s.containers(ctx)
	if err != nil {
		return err
	}
	if err := l.unpause(ctx, all); err != nil {
		return err
	}
	if stateOf(all).Run == plan.Running {
		s.restoreRestart(ctx, l, all)
		return nil
	}
	at, err := s.projectPlace()
	if err != nil {
		return err
	}
	s.ordered.Begin()
	err = s.engine.compose(ctx, at, "--project-name", s.key.project, "up", "--detach", s.key.service)
	s.ordered.End(err)
	if err != nil {
		return err
	}
	if _, all, err = s.containers(ctx); err != nil {
		return err
	}
	s.restoreRestart(ctx, l, all)
	seen := stateOf(all)
	if seen.Holdoff {
		return l.startNow(ctx, all)
	}
	if seen.Run == plan.RunFailed {
		return fmt.Errorf("%w: %s", service.ErrFailed, seen.Detail)
	}
	return nil
}

// startNow starts containers that the engine means to start later: to it they
// count as started, so that Compose leaves them alone.
func (l *link) startNow(ctx context.Context, all []container) error {
	for _, c := range all {
		if _, err := l.client.ContainerRestart(ctx, c.id, client.ContainerRestartOptions{}); err != nil {
			return l.explain(ctx, err)
		}
	}
	return nil
}

// projectPlace is where the project lies: where the document says, else where its
// containers came from.
func (s *Service) projectPlace() (place, error) {
	known, ok := s.engine.places.of(s.key.project)
	switch {
	case ok && (s.directory == "" || s.directory == known.Directory):
		return known, nil
	case s.directory != "":
		return place{Directory: s.directory}, nil
	}
	return place{}, fmt.Errorf("%w: no container of the project is known on this machine; "+
		"the document must say where its file is (compose: directory)", service.ErrNotFound)
}

// unpause lets paused containers go on, and makes them read as running.
func (l *link) unpause(ctx context.Context, all []container) error {
	for i, c := range all {
		if c.state != "paused" {
			continue
		}
		if _, err := l.client.ContainerUnpause(ctx, c.id, client.ContainerUnpauseOptions{}); err != nil {
			return l.explain(ctx, err)
		}
		all[i].state = "running"
	}
	return nil
}
