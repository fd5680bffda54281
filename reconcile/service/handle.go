package service

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"mainstay/reconcile/plan"
)

// handle is the outside of one service's goroutine: what was asked of it, and
// what it published.
type handle struct {
	name    string
	managed Managed
	clock   Clock
	wake    func()
	log     *slog.Logger
	ctx     context.Context
	cancel  context.CancelFunc
	done    chan struct{}
	// kick says that something was asked; changed that the driver saw a change.
	kick    chan struct{}
	changed chan struct{}

	mu sync.Mutex
	// op and id are the newest operation asked for, until it has ended; asked
	// is set until the goroutine took notice.
	op    plan.Op
	id    uint64
	asked bool
	// looks wait for an observation that has not begun.
	looks     []chan struct{}
	published Observed
}

func newHandle(m *Manager, name string, managed Managed) *handle {
	k := &handle{
		name: name, managed: managed, clock: m.clock, wake: m.wake,
		log:  m.log.With("service", name),
		done: make(chan struct{}), kick: make(chan struct{}, 1), changed: make(chan struct{}, 1),
		published: Observed{Name: name, State: State{Run: plan.RunUnsure, Detail: "not observed yet"}},
	}
	k.ctx, k.cancel = context.WithCancel(m.ctx)
	return k
}

// ask leaves an order for the goroutine. It shows in the next snapshot.
func (k *handle) ask(op plan.Op) uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if op == k.op {
		return k.id
	}
	k.op, k.asked = op, true
	k.id++
	k.published.Drained, k.published.Left = false, ""
	notify(k.kick)
	return k.id
}

// taken returns what was asked for since the last time.
func (k *handle) taken() (op plan.Op, id uint64, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	ok, k.asked = k.asked, false
	return k.op, k.id, ok
}

// requestObservation returns a channel that is closed after an observation that begins
// from now on.
func (k *handle) requestObservation() <-chan struct{} {
	seen := make(chan struct{})
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ctx.Err() != nil {
		close(seen)
		return seen
	}
	k.looks = append(k.looks, seen)
	notify(k.kick)
	return seen
}

// takeLooks takes over those who wait for the observation that begins now.
func (k *handle) takeLooks() []chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	looks := k.looks
	k.looks = nil
	return looks
}

func (k *handle) wanted() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.looks) > 0
}

// publish shows an observation and, in the same moment, the end of the operation
// finished (0 for none) unless another was asked for. It wakes when
// anything but the time of the observation is new.
func (k *handle) publish(o Observed, finished uint64) {
	k.mu.Lock()
	before := k.published
	if finished == k.id {
		k.op = plan.OpNone
	}
	o.Name, o.Op, o.OpID = k.name, k.op, k.id
	k.published = o
	k.mu.Unlock()
	before.At = o.At
	if before != o {
		k.wake()
	}
}

// snapshot adds what changes without the goroutine: orders not yet taken, and
// age.
func (k *handle) snapshot() Observed {
	k.mu.Lock()
	defer k.mu.Unlock()
	o := k.published
	o.Op, o.OpID = k.op, k.id
	return k.aged(o)
}

// aged returns RunUnsure for an observation that is too old to count.
func (k *handle) aged(o Observed) Observed {
	if age := k.clock.Boot() - o.At; o.Run != plan.RunUnsure && age > k.managed.StaleAfter {
		detail := "last seen " + string(o.Run) + " " + age.Round(time.Second).String() + " ago"
		o.State, o.Ready = State{Run: plan.RunUnsure, Detail: detail}, false
	}
	return o
}

// run drives the service until its context ends.
func (k *handle) run() {
	defer close(k.done)
	defer func() {
		for _, seen := range k.takeLooks() {
			close(seen)
		}
	}()
	l := newLoop(k)
	defer l.calls.Wait()
	defer k.cancel()
	l.calls.Go(k.watch)
	for k.ctx.Err() == nil {
		l.step()
		l.wait()
	}
}

// watch turns the driver's events into observations. Without events the
// observations every ObserveEvery remain.
func (k *handle) watch() {
	err := k.managed.Driver.Watch(k.ctx, func() { notify(k.changed) })
	if k.ctx.Err() == nil {
		k.log.Warn("the service is not watched, only looked at", "every", k.managed.ObserveEvery, "error", err)
	}
}

func notify(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}
