package service

import (
	"context"
	"sync"
	"time"

	"mainstay/reconcile/plan"
)

// cancelGrace is how long the next operation waits for a cancelled one to
// return. A driver that hangs must not keep a stop from being tried.
const cancelGrace = 2 * time.Second

// loop is the inside of one service's goroutine: only that goroutine touches it.
// Everything that can take time runs beside it and answers on a channel.
type loop struct {
	*handle
	calls sync.WaitGroup

	// dirty asks for an observation. begun counts those that began; seen is
	// the newest one that ended, and good the newest that succeeded.
	dirty     bool
	observing bool
	begun     uint64
	seen      uint64
	good      observation
	failure   string // of the newest one, if it failed
	observed  chan observation
	tick      alarm

	ready readiness

	// op is the order given to the driver, next the one that waits for it to
	// return, last the newest one that ended of itself.
	op   *operation
	next *operation
	last plan.Op
	ends chan orderEnd
	// leftovers are the answers of a drain.
	leftovers chan leftover
	// befores are the answers of the question before a start.
	befores chan before
	// finished is an operation whose end is to be shown.
	finished uint64
	opError  string
	drained  bool
}

// observation is one look at the service.
type observation struct {
	State
	err   error
	seq   uint64
	at    time.Duration
	looks []chan struct{}
}

func newLoop(k *handle) *loop {
	l := &loop{
		handle: k, dirty: true,
		observed: make(chan observation), ends: make(chan orderEnd), leftovers: make(chan leftover), befores: make(chan before),
		good: observation{State: k.published.State},
	}
	l.tick.set(k.clock, k.managed.ObserveEvery)
	l.ready.probed = make(chan probed)
	return l
}

// step does all that can be done now.
func (l *loop) step() {
	l.takeOrder()
	l.settle()
	if (l.dirty || l.wanted()) && !l.observing {
		l.observe()
	}
	l.probe()
	l.show()
}

func (l *loop) show() {
	l.publish(l.now(), l.finished)
	l.finished = 0
}

// now is what is known, with what follows from it.
func (l *loop) now() Observed {
	o := l.aged(Observed{State: l.good.State, Ready: l.isReady(), At: l.good.at})
	if o.Run != l.good.Run && l.failure != "" {
		o.Detail += ": " + l.failure
	}
	if l.ready.elsewhere {
		o.Elsewhere = l.managed.Asks
	}
	o.ReadyError, o.OpError, o.Drained, o.Left = l.ready.err, l.opError, l.drained, l.left()
	return o
}

// wait blocks until something happened and takes notice of it.
func (l *loop) wait() {
	select {
	case <-l.ctx.Done():
	case <-l.kick:
	case <-l.changed:
		l.dirty = true
	case <-l.tick.fired:
		l.tick.set(l.clock, l.managed.ObserveEvery)
		l.dirty = true
	case o := <-l.observed:
		l.take(o)
	case p := <-l.ready.probed:
		l.takeProbe(p)
	case <-l.ready.next.fired:
		l.ready.next.clear()
	case e := <-l.ends:
		l.takeEnd(e)
	case b := <-l.befores:
		l.takeBefore(b)
	case o := <-l.leftovers:
		l.takeLeftover(o)
	case <-l.bound():
		l.op.late = true
	}
}

// bound is the deadline of the operation's present phase.
func (l *loop) bound() <-chan time.Time {
	if l.op == nil {
		return nil
	}
	return l.op.deadline.fired
}

// observe looks once, beside the loop. A change seen from now on asks for one
// more.
func (l *loop) observe() {
	l.dirty, l.observing = false, true
	l.begun++
	o := observation{seq: l.begun, at: l.clock.Boot(), looks: l.takeLooks()}
	l.calls.Go(func() {
		ctx, cancel := context.WithTimeout(l.ctx, l.managed.ObserveTimeout)
		defer cancel()
		o.State, o.err = l.managed.Driver.Observe(ctx)
		if !send(l.ctx, l.observed, o) {
			o.answer()
		}
	})
}

// take keeps an observation. One that failed leaves the last good one in force
// until that is too old, but not across an operation: what was seen before one
// says nothing about after.
func (l *loop) take(o observation) {
	l.observing, l.seen = false, o.seq
	l.failure = ""
	if o.err != nil {
		l.failure = o.err.Error()
		o.State = State{Run: plan.RunUnsure, Detail: l.failure}
		if l.op == nil && l.good.Run != plan.RunUnsure {
			o.State, o.at = l.good.State, l.good.at
		}
	}
	if o.Run != plan.Running || l.good.PID != o.PID {
		l.ready.reset(l.clock.Boot())
	}
	l.good = o
	l.settle()
	l.show()
	o.answer()
}

// answer tells those who waited for the observation.
func (o observation) answer() {
	for _, seen := range o.looks {
		close(seen)
	}
}

// send gives up when ctx ends.
func send[T any](ctx context.Context, to chan<- T, value T) bool {
	select {
	case to <- value:
		return true
	case <-ctx.Done():
		return false
	}
}

// alarm is a timer that can be set again. Its channel is nil while it is not
// set.
type alarm struct {
	fired <-chan time.Time
	stop  func()
}

func (a *alarm) set(clock Clock, d time.Duration) {
	a.clear()
	a.fired, a.stop = clock.After(d)
}

func (a *alarm) clear() {
	if a.stop != nil {
		a.stop()
	}
	a.fired, a.stop = nil, nil
}
