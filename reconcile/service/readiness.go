package service

import (
	"context"
	"time"

	"mainstay/reconcile/plan"
)

// The pace of asking. A service that has just started is asked often at first,
// because somebody waits for it, and one that answers is asked less often than
// the document says, because nobody does.
const (
	firstAsk   = 20 * time.Millisecond
	steadyWait = 5 * time.Second
)

// readiness is what is known of whether a running service answers.
type readiness struct {
	ok     bool
	fails  int
	asked  int // tries since the service runs
	err    string
	busy   bool
	round  uint64
	cancel context.CancelFunc
	next   alarm
	probed chan probed
}

// probed is one try. One of an earlier round is about another run of the
// service.
type probed struct {
	round uint64
	began time.Duration
	err   error
}

// reset forgets all answers: the service is down, or another process.
func (r *readiness) reset() {
	r.ok, r.fails, r.asked, r.err = false, 0, 0, ""
	r.round++
	r.next.clear()
	if r.cancel != nil {
		r.cancel()
	}
}

func (l *loop) isReady() bool {
	return l.good.Run == plan.Running && (l.managed.Ready == nil || l.ready.ok)
}

// probe asks the service whether it serves, while it runs and one at a time.
func (l *loop) probe() {
	r := &l.ready
	if l.managed.Ready == nil || l.good.Run != plan.Running || r.busy || r.next.fired != nil {
		return
	}
	var ctx context.Context
	ctx, r.cancel = context.WithTimeout(l.ctx, l.managed.ReadyTimeout)
	r.busy = true
	try := probed{round: r.round, began: l.clock.Boot()}
	l.calls.Go(func() {
		try.err = l.managed.Ready(ctx)
		send(l.ctx, r.probed, try)
	})
}

func (l *loop) takeProbe(p probed) {
	r := &l.ready
	r.busy = false
	r.cancel()
	if p.round != r.round {
		return
	}
	r.asked++
	switch {
	case p.err == nil:
		r.ok, r.fails, r.err = true, 0, ""
	default:
		r.fails++
		r.err = p.err.Error()
		r.ok = r.ok && r.fails < l.managed.ReadyFail
	}
	r.next.set(l.clock, max(0, r.pace(l.managed.ReadyEvery)-(l.clock.Boot()-p.began)))
}

// pace is the time from the beginning of one try to the next.
func (r *readiness) pace(every time.Duration) time.Duration {
	switch {
	case r.ok && r.fails == 0:
		return max(every, steadyWait)
	case !r.ok:
		return min(every, firstAsk<<min(r.asked-1, 10))
	}
	return every
}
