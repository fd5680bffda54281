package servicetest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
)

// Fake is a driver of a service that exists in memory only. It passes the suite
// like any other and adds what tests of its users need: calls that are held,
// observations that fail, counts. Use NewFake.
type Fake struct {
	mu         sync.Mutex
	behaviour  Behaviour
	state      service.State
	observeErr error
	startErr   error
	holdStart  chan struct{}
	holdStop   chan struct{}
	starts     int
	stops      int
	watchers   map[*func()]struct{}
}

var _ service.Driver = (*Fake)(nil)

// NewFake returns a fake of a service that is stopped.
func NewFake(b Behaviour) *Fake {
	return &Fake{
		behaviour: b,
		state:     service.State{Run: plan.Stopped},
		watchers:  map[*func()]struct{}{},
	}
}

// Observe tells the state, or the error set by FailObserve.
func (f *Fake) Observe(ctx context.Context) (service.State, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := service.Ended(ctx); err != nil {
		return service.State{Run: plan.RunUnsure}, err
	}
	if f.observeErr != nil {
		return service.State{Run: plan.RunUnsure}, f.observeErr
	}
	return f.state, nil
}

// Start starts at once, or waits in Starting while HoldStart holds it.
func (f *Fake) Start(ctx context.Context) error {
	if err := service.Ended(ctx); err != nil {
		return err
	}
	hold, err := f.beginStart()
	if err != nil || hold == nil {
		return err
	}
	select {
	case <-hold:
		f.set(plan.Running, "")
		return nil
	case <-ctx.Done():
		return service.Ended(ctx)
	}
}

func (f *Fake) beginStart() (hold <-chan struct{}, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.starts++
	switch {
	case f.startErr != nil:
		return nil, f.startErr
	case f.behaviour == FailsToStart:
		f.change(plan.RunFailed, "exit status 1")
		return nil, fmt.Errorf("start: %w: exit status 1", service.ErrFailed)
	case f.state.Run == plan.Running:
		return nil, nil
	case f.holdStart != nil:
		f.change(plan.Starting, "")
		return f.holdStart, nil
	}
	f.change(plan.Running, "")
	return nil, nil
}

// Stop stops at once. Held by HoldStop, or of a service that hangs, it waits in
// Stopping; the latter is forced after service.StopGrace.
func (f *Fake) Stop(ctx context.Context) error {
	if err := service.Ended(ctx); err != nil {
		return err
	}
	hold, wait := f.beginStop()
	if !wait {
		return nil
	}
	var forced <-chan time.Time
	if hold == nil {
		timer := time.NewTimer(service.StopGrace(ctx))
		defer timer.Stop()
		forced = timer.C
	}
	select {
	case <-hold:
	case <-forced:
	case <-ctx.Done():
		return service.Ended(ctx)
	}
	f.set(plan.Stopped, "")
	return nil
}

func (f *Fake) beginStop() (hold <-chan struct{}, wait bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stops++
	switch {
	case f.state.Run.Down():
		f.change(plan.Stopped, "")
		return nil, false
	case f.holdStop != nil, f.behaviour == Hangs:
		f.change(plan.Stopping, "")
		return f.holdStop, true
	}
	f.change(plan.Stopped, "")
	return nil, false
}

// Watch calls wake at every change of the state.
func (f *Fake) Watch(ctx context.Context, wake func()) error {
	f.mu.Lock()
	f.watchers[&wake] = struct{}{}
	f.mu.Unlock()
	wake()
	<-ctx.Done()
	f.mu.Lock()
	delete(f.watchers, &wake)
	f.mu.Unlock()
	return ctx.Err()
}

// change is called with the lock held. A new start is a new process.
func (f *Fake) change(run plan.Run, detail string) {
	if f.state.Run == run && f.state.Detail == detail {
		return
	}
	f.state.Run, f.state.Detail = run, detail
	f.state.PID = 0
	if !run.Down() {
		f.state.PID = f.starts
	}
	for wake := range f.watchers {
		(*wake)()
	}
}

func (f *Fake) set(run plan.Run, detail string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.change(run, detail)
}

// Set makes the service be in a state, behind the driver's back.
func (f *Fake) Set(run plan.Run, detail string) { f.set(run, detail) }

// Crash ends the service by an error.
func (f *Fake) Crash() { f.set(plan.RunFailed, "signal: killed") }

// Alive says whether the service runs, whatever Observe says.
func (f *Fake) Alive() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.state.Run.Down()
}

// FailObserve makes every observation fail with err, until it is nil again.
func (f *Fake) FailObserve(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.observeErr = err
	for wake := range f.watchers {
		(*wake)()
	}
}

// FailStart makes every start fail with err and change nothing, until it is
// nil again.
func (f *Fake) FailStart(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.startErr = err
}

// HoldStart makes starts wait in Starting until release is called.
func (f *Fake) HoldStart() (release func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	hold := make(chan struct{})
	f.holdStart = hold
	return sync.OnceFunc(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.holdStart = nil
		close(hold)
	})
}

// HoldStop makes stops wait in Stopping until release is called.
func (f *Fake) HoldStop() (release func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	hold := make(chan struct{})
	f.holdStop = hold
	return sync.OnceFunc(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.holdStop = nil
		close(hold)
	})
}

// Starts counts the calls of Start so far, successful or not.
func (f *Fake) Starts() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.starts
}

// Stops counts the calls of Stop so far, successful or not.
func (f *Fake) Stops() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stops
}
