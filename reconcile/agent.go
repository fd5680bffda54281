package reconcile

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"mainstay/reconcile/latest"
	"mainstay/reconcile/pace"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/permit"
)

// DefaultTimeout bounds one git operation before a document says how long.
const DefaultTimeout = 10 * time.Second

// Agent runs one node: it puts goroutines, timers and wake-ups around a
// Learner, an Actuator and a Publisher, and owns nothing else.
type Agent struct {
	learner   *Learner
	actuator  *Actuator
	publisher *Publisher
	clock     Clock
	log       *slog.Logger

	wake, look chan struct{}   // a pass is wanted, and a look at git
	heard      chan string     // one at claims and reports is, and at git unless it has shown this commit
	snaps      chan *Snapshot  // newest snapshot, for the actuator
	asks       chan ask        // newest order, for the learner
	reports    chan *reportAsk // newest report, for the publisher
	orders     chan func()     // a person's orders, run by their owner
	learns     chan func()
	status     atomic.Pointer[plan.Report]
	passed     atomic.Int64 // boot time of the newest pass
	unpub      atomic.Pointer[string]
	known      latest.Value[*Snapshot] // newest snapshot, for those who only look on
	passes     latest.Value[progress]  // how far the actuator is
	observer   Observer
}

// ask is what the actuator tells the learner after a pass.
type ask struct {
	order    Order
	handover bool
}

// reportAsk is what the actuator tells the publisher after a pass.
type reportAsk struct {
	report             plan.Report
	claiming           bool
	heartbeat, timeout time.Duration
	own                Own
}

// NewAgent puts the parts together. The publisher is nil in read-only mode (R8).
func NewAgent(l *Learner, a *Actuator, p *Publisher) *Agent {
	return &Agent{
		learner: l, actuator: a, publisher: p, clock: a.Clock, log: a.Log,
		wake: make(chan struct{}, 1), look: make(chan struct{}, 1), heard: make(chan string, 1),
		snaps: make(chan *Snapshot, 1), asks: make(chan ask, 1), reports: make(chan *reportAsk, 1),
		orders: make(chan func()), learns: make(chan func()), observer: unobserved{},
	}
}

// Observe tells o what the loop does. It must be called before Run.
func (a *Agent) Observe(o Observer) { a.observer = o }

// Run works until ctx ends. Services are left as they are.
func (a *Agent) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, loop := range []func(context.Context){a.learn, a.act, a.publish} {
		wg.Go(func() { loop(ctx) })
	}
	wg.Wait()
	return ctx.Err()
}

// Wake asks for a pass: something may have changed on this machine.
func (a *Agent) Wake() { poke(a.wake) }

// Sync asks for a look at git now.
func (a *Agent) Sync() { poke(a.look) }

// Hear asks for a look at claims and reports now: another node said something. It is one at
// git too for a commit, unless that was seen when the look begins.
func (a *Agent) Hear(commit string) {
	if commit != "" || len(a.heard) == 0 {
		replace(a.heard, commit)
	}
}

// Status is this node's report as of the newest pass, and false before it.
func (a *Agent) Status() (plan.Report, bool) {
	r := a.status.Load()
	if r == nil {
		return plan.Report{Node: a.actuator.Node, Status: plan.Unknown, Reason: "no pass has ended yet"}, false
	}
	out := *r
	if e := a.unpub.Load(); e != nil && *e != "" {
		out.Conditions = append(append([]plan.Condition(nil), out.Conditions...),
			plan.Condition{Type: plan.CondReportNotPublished, Message: *e})
	}
	return out, true
}

// Passed is the boot time at which the newest pass ended, zero before the first.
func (a *Agent) Passed() time.Duration { return time.Duration(a.passed.Load()) }

// between runs a person's order between two passes, in the goroutine that owns
// the actuator, and then makes a pass.
func (a *Agent) between(ctx context.Context, order func(*Actuator) error) error {
	return runIn(ctx, a.orders, func() error { defer a.Wake(); return order(a.actuator) })
}

// override makes the learner take a commit that does not descend from the accepted
// one, by a person's order, and looks at once. It refuses when a commit is accepted other
// than from, unless that is empty.
func (a *Agent) override(ctx context.Context, from, commit, attest string) error {
	by := goodUntil(ctx)
	return runIn(ctx, a.learns, func() error {
		if acc := a.learner.snap.Accepted; from != "" && (acc == nil || acc.Commit != from) {
			return &permit.Refused{Reason: fmt.Sprintf("this node does not go by commit %.12s any more", from)}
		}
		if late := permit.Late(a.clock.Boot() - by); late != nil {
			return late
		}
		defer a.Sync()
		a.learner.Override(commit, attest)
		return nil
	})
}

// runIn has f run by the goroutine that takes from to, and waits for it.
func runIn(ctx context.Context, to chan func(), f func() error) error {
	done := make(chan error, 1)
	select {
	case to <- func() { done <- f() }:
		return <-done
	case <-ctx.Done():
		return ctx.Err()
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// replace puts v into a mailbox of one, over whatever was not taken yet.
func replace[T any](box chan T, v T) {
	for {
		select {
		case box <- v:
			return
		default:
		}
		select {
		case <-box:
		default:
		}
	}
}

// learn looks at git, on time and whenever it is asked, and carries out what
// the actuator ordered between two looks.
func (a *Agent) learn(ctx context.Context) {
	p := pace.New(a.clock, rand.Float64)
	a.learner.early = func(s *Snapshot) { replace(a.snaps, s) }
	var now ask
	for whole := true; ctx.Err() == nil; {
		snap := a.learner.look(ctx, whole)
		a.observer.Looked(snap, a.clock.Boot()-snap.Began)
		a.handOutSnapshot(snap)
		heard := false
		for next := p.NextLook(snap.Pace(), now.handover); ; {
			timer := time.NewTimer(max(0, min(next, p.NextTry(snap.Try(now.order)))-a.clock.Boot()))
			select {
			case <-ctx.Done():
			case <-a.look:
				next = 0
			case commit := <-a.heard:
				if heard = true; commit != "" && commit != snap.Seen {
					next = 0
				}
			case <-a.learner.studied():
				// The claims may be from well before that document was read.
				next = 0
				a.handOutSnapshot(a.learner.catchUp(ctx))
			case <-timer.C:
			case f := <-a.learns:
				f()
			case now = <-a.asks:
				next = min(next, p.NextLook(snap.Pace(), now.handover))
			}
			timer.Stop()
			whole = a.clock.Boot() >= next
			if p.MayTry(snap.Try(now.order)) {
				p.Tried(snap.Try(now.order))
				a.carry(ctx, now.order)
				break
			}
			if ctx.Err() != nil || heard || whole {
				break
			}
		}
	}
}

// handOutSnapshot gives a snapshot to the actuator and to those who only look on.
func (a *Agent) handOutSnapshot(s *Snapshot) {
	replace(a.snaps, s)
	a.known.Set(s)
}

// carry tries an order; only the look that follows tells what became of it.
func (a *Agent) carry(ctx context.Context, o Order) {
	err := a.learner.Carry(ctx, o)
	if err != nil {
		a.log.Warn("claim push", "error", err)
	}
	a.observer.Pushed(o, err)
}

// act makes a pass whenever anything wakes it.
func (a *Agent) act(ctx context.Context) {
	timer := time.NewTimer(a.actuator.firstPass(a.learner.recalled))
	defer timer.Stop()
	first := true
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-a.snaps:
			a.actuator.See(s)
		case f := <-a.orders:
			f()
		case <-a.wake:
		case <-timer.C:
			if first {
				a.actuator.See(a.learner.recalled)
				first = false
			}
		}
		if a.actuator.snap == nil {
			continue
		}
		first = false
		began := a.clock.Boot()
		order, next := a.actuator.Pass()
		took := a.clock.Boot() - began
		a.handOutDecision(order)
		a.observer.Passed(a.actuator.last, took)
		timer.Reset(max(0, next-a.clock.Boot()))
	}
}

// handOutDecision hands out what a pass decided.
func (a *Agent) handOutDecision(o Order) {
	a.passed.Store(int64(a.clock.Boot()))
	r := a.actuator.Report()
	if r.Node != "" { // something was decided
		a.status.Store(&r)
	}
	replace(a.asks, ask{order: o, handover: a.actuator.Handover()})
	said := &reportAsk{report: r, claiming: !o.Empty(), own: a.actuator.snap.Own}
	if w := a.actuator.wanted; w != nil {
		said.heartbeat, said.timeout = w.Agent.Heartbeat.D(), w.Agent.Timeout.D()
	}
	replace(a.reports, said)
	a.passes.Set(progress{passes: a.actuator.passes, edition: a.actuator.snap.Edition})
}

// publish keeps this node's report in git up to date.
func (a *Agent) publish(ctx context.Context) {
	if a.publisher == nil {
		<-ctx.Done()
		return
	}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-a.reports:
			a.publisher.SetPace(r.heartbeat, r.timeout)
			a.publisher.Missed(r.own)
			a.publisher.Offer(r.report, r.claiming)
		case <-timer.C:
		}
		if a.publisher.Due() {
			text := ""
			err := a.publisher.Publish(ctx)
			if err != nil {
				text = err.Error()
				a.log.Warn("publish report", "error", err)
			}
			a.observer.Published(err)
			a.unpub.Store(&text)
		}
		timer.Reset(a.publisher.Next())
	}
}

// SayEnd publishes that this agent ended in order. It is for after Run, and takes
// seconds at most.
func (a *Agent) SayEnd() {
	if a.publisher == nil {
		return
	}
	if err := a.publisher.PublishEnd(); err != nil {
		a.log.Warn("publish the last report", "error", err)
	}
}
