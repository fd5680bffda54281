package service

import (
	"context"
	"fmt"
)

// leftover is what one answer of a drain's question left to wait for.
type leftover struct {
	id   uint64
	text string
}

// drain asks until nothing is left or ctx ends, by its bound or because something
// else is asked for, and shows every answer in between.
func (l *loop) drain(ctx context.Context, id uint64) error {
	if l.managed.Drain == nil {
		return nil
	}
	var last error
	for {
		err := l.managed.Drain(ctx)
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil { // a question cut short says less than the one before
			last = err
			send(ctx, l.leftovers, leftover{id, err.Error()})
		}
		again, stop := l.clock.After(l.managed.DrainEvery)
		select {
		case <-again:
		case <-ctx.Done():
			stop()
			return fmt.Errorf("not drained within %s: %w", l.managed.DrainWithin, last)
		}
	}
}

// takeLeftover keeps the newest answer of the drain that is under way.
func (l *loop) takeLeftover(o leftover) {
	if l.op != nil && l.op.id == o.id && !l.op.cancelled {
		l.op.left = o.text
	}
}

// left is what a drain that is under way waits for, or "".
func (l *loop) left() string {
	if l.op == nil || l.op.ended {
		return ""
	}
	return l.op.left
}
