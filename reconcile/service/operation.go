package service

import (
	"context"
	"fmt"

	"mainstay/reconcile/plan"
)

// operation is a start, stop or drain from the order to the observation after
// it.
type operation struct {
	op     plan.Op
	id     uint64
	cancel context.CancelFunc
	// cancelled is set once another operation was asked for.
	cancelled bool
	// ended says that the order has returned, with err; only an observation that
	// began after the one numbered after tells what came of it.
	ended bool
	err   error
	after uint64
	// deadline is that of being ready, or of giving up a cancelled order; late
	// says that it has passed.
	deadline alarm
	late     bool
	// left is what a drain still waits for, in the words of its newest answer.
	left string
}

// orderEnd is the return of an order.
type orderEnd struct {
	id  uint64
	err error
}

// takeOrder cancels what is under way when something else was asked for, and
// begins that once the cancelled order has returned.
func (l *loop) takeOrder() {
	if op, id, ok := l.taken(); ok {
		l.next = &operation{op: op, id: id}
		l.drained = false
		l.giveUp()
	}
	if l.next == nil || (l.op != nil && !l.op.late) {
		return
	}
	l.drop()
	next := l.next
	l.next = nil
	if next.op != plan.OpNone {
		l.begin(next)
	}
}

func (l *loop) giveUp() {
	if l.op == nil || l.op.cancelled {
		return
	}
	l.op.cancelled = true
	l.op.cancel()
	if l.op.ended {
		l.drop()
		return
	}
	l.op.late = false
	l.op.deadline.set(l.clock, cancelGrace)
}

// drop forgets an operation; an order that returns later is not listened to.
func (l *loop) drop() {
	if l.op != nil {
		l.op.cancel()
		l.op.deadline.clear()
	}
	l.op = nil
}

// begin gives the order beside the loop.
func (l *loop) begin(op *operation) {
	var ctx context.Context
	var order func(context.Context) error
	switch op.op {
	case plan.OpStart:
		ctx, op.cancel = context.WithTimeout(l.ctx, l.managed.StartTimeout)
		order = l.startOrder(op.id)
	case plan.OpDrain:
		ctx, op.cancel = context.WithTimeout(l.ctx, l.managed.DrainWithin)
		order = func(ctx context.Context) error { return l.drain(ctx, op.id) }
	case plan.OpStop:
		ctx, op.cancel = context.WithTimeout(l.ctx, l.managed.StopTimeout)
		order = l.managed.Driver.Stop
		l.ready.elsewhere = false
	}
	l.op = op
	id := op.id
	l.calls.Go(func() { send(l.ctx, l.ends, orderEnd{id: id, err: order(ctx)}) })
}

// takeEnd keeps the return of an order; settle ends the operation.
func (l *loop) takeEnd(e orderEnd) {
	l.dirty = true
	if l.op == nil || l.op.id != e.id {
		return
	}
	if l.op.cancelled {
		l.drop()
		return
	}
	l.op.ended, l.op.err, l.op.after = true, e.err, l.begun
	if l.op.op == plan.OpStart && e.err == nil {
		l.op.deadline.set(l.clock, l.managed.Within)
	}
}

// settle ends the operation when an observation shows what came of it.
func (l *loop) settle() {
	if l.op != nil && !l.op.cancelled && l.op.ended && l.seen > l.op.after {
		if err, ok := l.outcome(); ok {
			l.finish(err)
		}
	}
	if l.op == nil && (l.isReady() || l.last == plan.OpStop && l.good.Run.Down()) {
		l.opError = ""
	}
}

// outcome is how the operation ended, once it has.
func (l *loop) outcome() (err error, ok bool) {
	run := l.good.Run
	switch {
	case l.op.err != nil:
		return l.op.err, true
	case l.op.op == plan.OpStop && run != plan.RunUnsure && !run.Down():
		return fmt.Errorf("it stopped, and is %s again", run), true
	case l.op.op != plan.OpStart, l.isReady():
		return nil, true
	case run.Down(), l.good.Holdoff:
		return fmt.Errorf("it started, and ended: %s", stateText(l.good.State)), true
	case l.op.late:
		return fmt.Errorf("not ready within %s of its start: %s", l.managed.Within, l.unready()), true
	}
	return nil, false
}

func stateText(s State) string {
	if s.Detail == "" {
		return string(s.Run)
	}
	return s.Detail
}

// unready says why the service is not ready.
func (l *loop) unready() string {
	if l.good.Run == plan.Running && l.ready.err != "" {
		return l.ready.err
	}
	return stateText(l.good.State)
}

func (l *loop) finish(err error) {
	l.last, l.drained = l.op.op, l.op.op == plan.OpDrain && err == nil
	l.opError = ""
	if err != nil {
		l.opError = err.Error()
	}
	l.finished = l.op.id
	l.drop()
}
