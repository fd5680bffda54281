package service

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"mainstay/reconcile/plan"
)

// Managed is one service as the Manager drives it. The zero of a duration or a
// count is its default.
type Managed struct {
	// Key says what this was made of. A service whose key is unchanged goes on
	// undisturbed when the document changes.
	Key    string
	Driver Driver
	// Ready asks once whether the service serves; nil makes a running service
	// ready.
	Ready func(ctx context.Context) error
	// Asks names the place that Ready asks. It is asked before a start, too: an
	// answer while the service is down is not the service's. Empty asks nothing then.
	Asks string
	// ReadyEvery is the time between two tries, 1s. ReadyTimeout bounds one try,
	// 2s. A ready service is no longer ready after ReadyFail tries in a row,
	// 3.
	ReadyEvery   time.Duration
	ReadyTimeout time.Duration
	ReadyFail    int
	// StartTimeout bounds the start order, 90s, and Within the time from then
	// until the service is ready, 60s.
	StartTimeout time.Duration
	Within       time.Duration
	// StopTimeout bounds a stop, 30s.
	StopTimeout time.Duration
	// Drain asks once whether nothing is left to wait for; nil means that there
	// never is. Its error says what is, in words for Observed.Left. It is asked
	// again every DrainEvery, 1s, for DrainWithin, which bounds the questions too.
	Drain       func(ctx context.Context) error
	DrainEvery  time.Duration
	DrainWithin time.Duration
	// ObserveEvery is the time between two observations that no event asked
	// for, 10s, and ObserveTimeout bounds each, 5s. The newest one counts for
	// StaleAfter, 30s; after that the service is unknown.
	ObserveEvery   time.Duration
	ObserveTimeout time.Duration
	StaleAfter     time.Duration
}

func (m Managed) withDefaults() Managed {
	m.ReadyEvery = cmp.Or(m.ReadyEvery, time.Second)
	m.ReadyTimeout = cmp.Or(m.ReadyTimeout, 2*time.Second)
	m.ReadyFail = cmp.Or(m.ReadyFail, 3)
	m.StartTimeout = cmp.Or(m.StartTimeout, 90*time.Second)
	m.Within = cmp.Or(m.Within, time.Minute)
	m.StopTimeout = cmp.Or(m.StopTimeout, DefaultStop)
	m.DrainEvery = cmp.Or(m.DrainEvery, time.Second)
	m.ObserveEvery = cmp.Or(m.ObserveEvery, 10*time.Second)
	m.ObserveTimeout = cmp.Or(m.ObserveTimeout, 5*time.Second)
	m.StaleAfter = cmp.Or(m.StaleAfter, 30*time.Second)
	return m
}

// Observed is what the Manager knows of one service.
type Observed struct {
	Name string
	// State is the newest observation, or RunUnsure when there is none that
	// still counts. While an operation is under way it may be from before.
	State
	// Ready says that the service runs and answers. ReadyError is the newest try
	// that was not answered.
	Ready      bool
	ReadyError string
	// Elsewhere names the place that answered while the service was down, before its
	// newest start, and was not silent since.
	Elsewhere string
	// Op is the operation that was asked for and has not ended. A start ends
	// when the service is ready, or failed to be; every operation ends only
	// with an observation made after it.
	Op plan.Op
	// OpID counts the operations asked for; one that was asked for again while
	// it was under way counts once.
	OpID uint64
	// OpError is how the newest finished operation failed. It is empty again
	// once the service is ready, or, after a stop, once it is down.
	OpError string
	// Drained says that the newest drain found nothing left, and that nothing
	// was asked for since.
	Drained bool
	// Left is what a drain that is under way waits for, in the words of its newest
	// answer.
	Left string
	// At is when the observation began, by Clock.Boot.
	At time.Duration
}

// Plan is the part of it that decisions are made from.
func (o Observed) Plan() plan.Observed {
	p := plan.Observed{Run: o.Run, Ready: o.Ready, Op: o.Op, Err: o.OpError, Drained: o.Drained, Left: o.Left, Holdoff: o.Holdoff, Detail: o.Detail}
	if !o.Ready && p.Detail == "" {
		p.Detail = o.ReadyError
	}
	return p
}

// Manager drives services without ever making its caller wait. Each service has
// one goroutine that owns all that is known of it. The Manager decides nothing:
// it begins what it is asked to, and tells what came of it.
type Manager struct {
	ctx   context.Context
	clock Clock
	wake  func()
	log   *slog.Logger

	mu      sync.Mutex
	handles map[string]*handle
	running sync.WaitGroup
}

// NewManager makes a Manager without services. Everything it begins ends with
// ctx, and services are left as they are then. wake is called, from any
// goroutine, after every change of what Snapshot returns; it must not block.
func NewManager(ctx context.Context, clock Clock, wake func(), log *slog.Logger) *Manager {
	return &Manager{ctx: ctx, clock: clock, wake: wake, log: log, handles: map[string]*handle{}}
}

// Set says which services there are from now on. One that vanishes is
// forgotten, not stopped, and one whose Key changed begins anew, as unknown; in
// both cases an operation under way is cancelled.
func (m *Manager) Set(services map[string]Managed) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, old := range m.handles {
		if now, ok := services[name]; ok && now.Key == old.managed.Key {
			continue
		}
		old.cancel()
		if _, ok := services[name]; !ok {
			delete(m.handles, name)
		}
	}
	for name, managed := range services {
		old := m.handles[name]
		if old != nil && old.ctx.Err() == nil {
			continue
		}
		m.handles[name] = m.begin(name, managed.withDefaults(), old)
	}
}

// begin is called with the lock held. The new goroutine waits for the end of the
// old, so that two do not drive one service, but not for ever.
func (m *Manager) begin(name string, managed Managed, old *handle) *handle {
	k := newHandle(m, name, managed)
	m.running.Go(func() {
		if old != nil {
			late, stop := m.clock.After(cancelGrace)
			defer stop()
			select {
			case <-old.done:
			case <-late:
			}
		}
		k.run()
	})
	return k
}

// Wait returns once everything has ended after the Manager's context.
func (m *Manager) Wait() {
	<-m.ctx.Done()
	m.running.Wait()
}

// Start begins a start and returns its OpID. A stop or drain under way is
// cancelled; a start under way goes on. A service that is not known is 0.
func (m *Manager) Start(name string) uint64 { return m.ask(name, plan.OpStart) }

// Stop begins a stop, as Start begins a start.
func (m *Manager) Stop(name string) uint64 { return m.ask(name, plan.OpStop) }

// Drain begins to wait until nothing is left to wait for, as Start begins a
// start. It touches nothing.
func (m *Manager) Drain(name string) uint64 { return m.ask(name, plan.OpDrain) }

func (m *Manager) ask(name string, op plan.Op) uint64 {
	m.mu.Lock()
	k := m.handles[name]
	m.mu.Unlock()
	if k == nil {
		return 0
	}
	return k.ask(op)
}

// Get returns what is known of one service.
func (m *Manager) Get(name string) (Observed, bool) {
	m.mu.Lock()
	k := m.handles[name]
	m.mu.Unlock()
	if k == nil {
		return Observed{}, false
	}
	return k.snapshot(), true
}

// Snapshot returns what is known of all services, by name.
func (m *Manager) Snapshot() []Observed {
	all := make([]Observed, 0)
	for _, k := range m.all() {
		all = append(all, k.snapshot())
	}
	return all
}

// Observe looks at all services now, at the same time, and returns once each
// was seen or its bound has passed, or when ctx ends.
func (m *Manager) Observe(ctx context.Context) {
	var seen []<-chan struct{}
	for _, k := range m.all() {
		seen = append(seen, k.requestObservation())
	}
	for _, one := range seen {
		select {
		case <-one:
		case <-ctx.Done():
			return
		case <-m.ctx.Done():
			return
		}
	}
}

func (m *Manager) all() []*handle {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]*handle, 0, len(m.handles))
	for _, k := range m.handles {
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b *handle) int { return cmp.Compare(a.name, b.name) })
	return all
}
