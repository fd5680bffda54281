package compose

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/moby/moby/client"

	"mainstay/reconcile/service"
)

// Stop stops every container of the service and waits until all were seen down.
// Past service.StopGrace they are killed.
func (s *Service) Stop(ctx context.Context) error {
	ctx, cancel := service.Bound(ctx, service.DefaultStop)
	defer cancel()
	return s.wrap("stop", s.stop(ctx))
}

func (s *Service) stop(ctx context.Context) error {
	if err := service.Ended(ctx); err != nil {
		return err
	}
	l, err := s.engine.link(ctx)
	if err != nil {
		return err
	}
	woken := make(chan struct{}, 1)
	defer l.watch(s.key, func() { offer(woken) })()
	return (&stopping{service: s, link: l, woken: woken, asked: map[string]bool{}, refusals: make(chan refusal)}).await(ctx)
}

// stopping is a stop under way.
type stopping struct {
	service *Service
	link    *link
	woken   <-chan struct{}
	// asked are the orders that containers were given, by their ids.
	asked map[string]bool
	// refusals are those orders that the engine did not carry out; they are
	// repeated with the next poll.
	refusals chan refusal
	refused  []refusal
	last     error
	// down is since when all containers are.
	down time.Time
}

type refusal struct {
	id  string
	err error
}

// await looks after every event, and from time to time for the sake of a lost
// one.
func (s *stopping) await(ctx context.Context) error {
	const between = 500 * time.Millisecond
	poll := time.NewTicker(between)
	defer poll.Stop()
	grace := service.StopGrace(ctx)
	force := time.NewTimer(grace)
	defer force.Stop()
	for {
		all, err := s.link.list(ctx, s.service.key)
		if err != nil {
			return s.link.explain(ctx, err)
		}
		seen := stateOf(all)
		if done, err := s.done(ctx, all); done || err != nil {
			return err
		}
		s.askAll(ctx, all, grace)
		select {
		case r := <-s.refusals:
			s.refused, s.last = append(s.refused, r), r.err
		case <-s.woken:
		case <-s.settled():
		case <-poll.C:
			for _, r := range s.refused {
				delete(s.asked, r.id)
			}
			s.refused = nil
		case <-force.C:
			s.kill(ctx, all)
		case <-s.link.ctx.Done():
			return errLost
		case <-ctx.Done():
			return s.late(ctx, seen)
		}
	}
}

// done reports whether the service is down for good: no container of it may still
// serve, none is on its way up by an order that nobody saw the end of, and the
// engine starts none again by itself.
func (s *stopping) done(ctx context.Context, all []container) (bool, error) {
	if err := s.service.takeRestart(ctx, s.link, all); err != nil {
		s.last = err
		return false, nil
	}
	order := s.service.ordered.Get()
	if !stateOf(all).Run.Down() {
		s.service.ordered.See(order)
		s.down = time.Time{}
		return false, nil
	}
	if err := s.service.missing(order, all); err != nil {
		return false, err
	}
	if s.down.IsZero() {
		s.down = time.Now()
	}
	if order.Open() && (!order.Returned || time.Since(s.down) < s.service.settle) {
		return false, nil
	}
	s.service.ordered.Clear()
	return true, nil
}

// settled wakes once a service that is down may have been so for long enough.
func (s *stopping) settled() <-chan time.Time {
	if s.down.IsZero() {
		return nil
	}
	return time.After(max(0, s.service.settle-time.Since(s.down)) + time.Millisecond)
}

// late says what is still there when time is up.
func (s *stopping) late(ctx context.Context, seen service.State) error {
	err := fmt.Errorf("%w: it is still %s: %s", service.Ended(ctx), seen.Run, seen.Detail)
	if s.last != nil {
		err = fmt.Errorf("%w (the engine said: %w)", err, s.last)
	}
	return err
}

// askAll tells every container to stop that was not told yet. The engine answers
// when it is down, so that each order is a goroutine's; all end with ctx.
func (s *stopping) askAll(ctx context.Context, all []container, grace time.Duration) {
	if s.link.unpause(ctx, all) != nil {
		return // It is tried again after the next look.
	}
	seconds := int(math.Ceil(grace.Seconds())) + 1
	// The engine lets the stop of a container that it is just starting wait for
	// that, so that after an order nobody saw the end of even those are told that
	// are down.
	open := s.service.ordered.Get().Open()
	for _, c := range all {
		order := c.id
		if c.run().Down() {
			order += " while it is down"
		}
		if c.run().Down() && !open || s.asked[order] {
			continue
		}
		s.asked[order] = true
		go func() {
			_, err := s.link.client.ContainerStop(ctx, c.id, client.ContainerStopOptions{Timeout: &seconds})
			if err != nil && !isNotFound(err) {
				select {
				case s.refusals <- refusal{c.id, s.link.explain(ctx, err)}:
				case <-ctx.Done():
				}
			}
		}()
	}
}

func (s *stopping) kill(ctx context.Context, all []container) {
	for _, c := range all {
		if c.run().Down() {
			continue
		}
		s.service.log.Warn("killing a container that does not stop", "container", c.name)
		if _, err := s.link.client.ContainerKill(ctx, c.id, client.ContainerKillOptions{Signal: "SIGKILL"}); err != nil {
			s.last = s.link.explain(ctx, err)
		}
	}
}

// offer leaves one token: several changes before a look are one.
func offer(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}
