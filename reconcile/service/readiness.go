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

// Something else may answer in the place of the service. beforeStart bounds the
// question before a start, and trial is for how long a service has to run before such
// an answer counts: one that finds its port taken ends before.
const (
	beforeStart = 250 * time.Millisecond
	trial       = 10 * time.Second
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
	// elsewhere says that something answered while the service was down, and that
	// nobody saw silence there since; since is when that was, or a newer run began.
	elsewhere bool
	since     time.Duration
}

// probed is one try. One of an earlier round is about another run of the
// service.
type probed struct {
	round uint64
	began time.Duration
	err   error
}

// reset forgets all answers: the service is down, or another process.
func (r *readiness) reset(now time.Duration) {
	r.ok, r.fails, r.asked, r.err, r.since = false, 0, 0, "", now
	r.round++
	r.next.clear()
	if r.cancel != nil {
		r.cancel()
	}
}

func (l *loop) isReady() bool {
	return l.good.Run == plan.Running && (l.managed.Ready == nil || l.ready.ok && !l.onTrial())
}

// onTrial reports whether an answer may still be another's, because something
// answered before the service was started.
func (l *loop) onTrial() bool {
	return l.ready.elsewhere && l.clock.Boot()-l.ready.since < min(trial, l.managed.Within/2)
}

// before is what was found before a start.
type before struct {
	id       uint64
	answered bool
}

// startOrder is the order of a start. A service that is down cannot answer: what is
// answered before it is started comes from something else.
func (l *loop) startOrder(id uint64) func(context.Context) error {
	if l.managed.Asks == "" || l.managed.Ready == nil || !l.good.Run.Down() {
		return l.managed.Driver.Start
	}
	return func(ctx context.Context) error {
		send(l.ctx, l.befores, before{id, l.answeredWhileDown(ctx)})
		return l.managed.Driver.Start(ctx)
	}
}

func (l *loop) answeredWhileDown(ctx context.Context) bool {
	ask, cancel := context.WithTimeout(ctx, min(beforeStart, l.managed.ReadyTimeout))
	defer cancel()
	if l.managed.Ready(ask) != nil {
		return false
	}
	look, end := context.WithTimeout(ctx, l.managed.ObserveTimeout)
	defer end()
	state, err := l.managed.Driver.Observe(look)
	return err == nil && state.Run.Down()
}

func (l *loop) takeBefore(b before) {
	if l.op != nil && l.op.id == b.id && !l.op.cancelled {
		l.ready.elsewhere, l.ready.since = b.answered, l.clock.Boot()
	}
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
		r.elsewhere = false
		r.ok = r.ok && r.fails < l.managed.ReadyFail
	}
	pace := r.pace(l.managed.ReadyEvery)
	if l.onTrial() {
		pace = l.managed.ReadyEvery
	}
	r.next.set(l.clock, max(0, pace-(l.clock.Boot()-p.began)))
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
