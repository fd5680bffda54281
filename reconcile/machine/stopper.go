package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"mainstay/reconcile/managed"
	"mainstay/reconcile/run"
	"mainstay/reconcile/service"
)

// prepareEvery is how often a stopper asks the disk what is managed.
const prepareEvery = 5 * time.Second

// Stopper stops what an agent managed, in its place. It needs no document and no
// list of what is allowed: it stops what was allowed once.
type Stopper struct {
	parts *Parts
	disk  managed.Disk
	// observe makes it look only: somebody else stops.
	observe bool

	mu      sync.Mutex
	managed []managed.Left // nil until it was read
	asking  bool
	asked   time.Duration
	run     *stopRun
	// seen says that everything was down at the end of the newest run: the next
	// one asks first whether there is anything to stop.
	seen bool
}

// NewStopper returns a stopper of what the agent that keeps its state on disk
// managed.
func (p *Parts) NewStopper(disk managed.Disk) *Stopper { return &Stopper{parts: p, disk: disk} }

// OnlyObserve makes it look and stop nothing: somebody else stops. It must be
// called before anything else.
func (s *Stopper) OnlyObserve() { s.observe = true }

// stopRun is one attempt.
type stopRun struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error // once done
}

// Prepare is part of guard.Machine.
func (s *Stopper) Prepare() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := Clock{}.Boot()
	if s.asking || s.managed != nil && now-s.asked < prepareEvery {
		return
	}
	s.asking, s.asked = true, now
	go func() {
		_, err := s.load()
		if err != nil {
			s.parts.log.Error("the guard cannot read what is managed", "error", err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asking = false
	}()
}

// load asks the disk; what it said last stays when it does not answer.
func (s *Stopper) load() ([]managed.Left, error) {
	all, err := managed.Services(s.disk)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.managed = all
	}
	if s.managed != nil || errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return s.managed, err
}

// Stop is part of guard.Machine.
func (s *Stopper) Stop(limit time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != nil && !s.run.ended() {
		return
	}
	if limit <= 0 {
		limit = service.DefaultStop
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	run := &stopRun{cancel: cancel, done: make(chan struct{})}
	s.run = run
	look := s.observe || s.seen
	go func() {
		defer cancel()
		err := s.stopAll(ctx, look)
		s.mu.Lock()
		run.err, s.seen = err, err == nil
		s.mu.Unlock()
		close(run.done)
	}()
}

func (r *stopRun) ended() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// Stopped is part of guard.Machine.
func (s *Stopper) Stopped() (ended bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil || !s.run.ended() {
		return false, nil
	}
	return true, s.run.err
}

// Cancel is part of guard.Machine.
func (s *Stopper) Cancel() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != nil {
		s.run.cancel()
	}
	s.seen = false
}

// StopNow stops everything and waits for that. The node is fenced when it cannot
// be seen (R7).
func (s *Stopper) StopNow(limit time.Duration) error {
	s.Stop(limit)
	s.mu.Lock()
	run := s.run
	s.mu.Unlock()
	<-run.done
	if run.err == nil {
		return nil
	}
	s.parts.log.Error("stop what runs under the lease", "error", run.err)
	s.parts.fence("what runs under the lease was not seen down")
	return fmt.Errorf("stop what runs under the lease: %w", run.err)
}

// stopAll stops everything at the same time: somebody else may start (R1). It
// returns nil once all was seen down.
func (s *Stopper) stopAll(ctx context.Context, look bool) error {
	services, err := s.load()
	if err != nil {
		return err
	}
	errs := make([]error, len(services))
	var all sync.WaitGroup
	for i, l := range services {
		all.Go(func() { errs[i] = s.stopOne(ctx, l, look) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (s *Stopper) stopOne(ctx context.Context, l managed.Left, look bool) error {
	d := (&Services{parts: s.parts}).left(l).Driver
	if look {
		state, err := d.Observe(ctx)
		switch {
		case err == nil && state.Run.Down():
			return nil
		case s.observe:
			return fmt.Errorf("%s is %s: %w", l.Name, state.Run, errors.Join(err, errUp))
		}
	}
	if limit := l.StopTimeout.D(); limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	if err := d.Stop(ctx); err != nil {
		return fmt.Errorf("%s: %w", l.Name, err)
	}
	s.parts.log.Warn("stopped in the agent's place", "service", l.Name)
	return nil
}

var errUp = errors.New("it was not seen down")

// Fence is part of guard.Machine.
func (s *Stopper) Fence(reason string) {
	if !s.observe {
		s.parts.SelfFence(reason)
	}
}

// SelfFence runs the node's own fence command, once, in the background (R7).
func (p *Parts) SelfFence(reason string) { go p.fence(reason) }

func (p *Parts) fence(reason string) {
	argv := p.file.SelfFence
	p.log.Error("fencing this node", "reason", reason, "command", argv)
	if len(argv) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := run.Command(ctx, argv)
	if err == nil && r.Code != 0 {
		err = errors.New(r.Reason())
	}
	if err != nil {
		p.log.Error("self-fence", "error", err, "output", r.Output)
	}
}
