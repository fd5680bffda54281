package sim

import (
	"context"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/pace"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/record"
)

// proc is one run of the shipping agent: its Learner, Actuator, Publisher and
// Pacer, stepped as reconcile.Agent steps them with goroutines and timers.
type proc struct {
	n         *node
	clock     *clock
	learner   *reconcile.Learner
	actuator  *reconcile.Actuator
	publisher *reconcile.Publisher
	pacer     *pace.Pacer
	services  *services
	dead      bool

	// The learner's loop.
	learnt   *reconcile.Snapshot
	order    reconcile.Order
	handover bool
	busy     bool
	lookNow  bool
	hearNow  bool
	learnAt  uint64

	// The actuator's loop.
	seen   bool
	told   string
	passed bool
	newest uint64
	// own is what a look found last of this node's own report.
	own    reconcile.Own
	passAt uint64
	waking bool

	// The publisher's loop.
	publishing bool
	offer      plan.Report
	offering   bool
	publishAt  uint64
}

func newProc(n *node) *proc {
	p := &proc{n: n, clock: &clock{n: n}}
	p.services = newServices(p)
	w := n.w
	c := reconcile.LearnerConfig{
		Instance: n.fingerprint, Host: n.machine, Source: plan.Source{Repository: "https://git.example.org/paris", Path: documentPath},
		Node: n.name, Branch: branch, Path: documentPath, Repository: repository{n.link}, Shared: !w.Separate,
		Load: w.shelf.load, Beside: func(read func()) { read() }, Clock: p.clock, Disk: n.disk, Log: w.log,
	}
	if !w.ReadOnly {
		c.Coordination = n.link
	}
	p.learner = reconcile.NewLearner(c)
	p.publisher = reconcile.NewPublisher(n.link, p.clock, time.Minute, w.settings.Timeout)
	p.actuator = reconcile.NewActuator(reconcile.ActuatorConfig{
		Node: n.name, Boot: n.bootID(), Instance: n.fingerprint, Run: p.publisher.Run(), Coordinated: !w.ReadOnly,
		Clock: p.clock, Disk: n.disk, Recorder: p, Log: w.log, Leases: n.keeper.leases(),
		Machine: reconcile.Machine{Services: p.services, Files: &files{p: p}, Probes: &probes{p: p}, SelfFence: p.selfFence},
	})
	p.pacer = pace.New(p.clock, w.rng.Float64)
	return p
}

// later lets the agent do something once d has passed, unless it is dead by
// then; while it cannot run, the thing waits.
func (p *proc) later(d time.Duration, do func()) {
	p.n.w.after(d, func() { p.step(do) })
}

func (p *proc) step(do func()) {
	switch n := p.n; {
	case p.dead:
	case n.suspended || n.frozen:
		n.waiting = append(n.waiting, func() { p.step(do) })
	default:
		p.survive(do)
	}
}

// survive runs a piece of the agent, in which it may die.
func (p *proc) survive(do func()) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case crash:
			n := p.n
			n.killAgent()
			n.w.after(time.Second, n.startAgent)
		default:
			panic(r)
		}
	}()
	do()
}

// at lets the agent do something once its boot clock shows t, unless a newer
// call with the same timer comes first.
func (p *proc) at(timer *uint64, t time.Duration, do func()) {
	*timer++
	mine := *timer
	p.later(p.n.worldTime(t)-p.n.w.now, func() {
		if *timer == mine {
			do()
		}
	})
}

func (p *proc) start() {
	w := p.n.w
	p.later(w.upTo(w.Timing.Local), func() { p.look(true) })
	p.later(w.upTo(w.Timing.Notice), p.observe)
	first := p.learner.Snapshot()
	p.later(2*reconcile.DefaultTimeout+time.Second, func() {
		if !p.seen {
			p.deliver(first)
		}
	})
}

// look begins a look, at git too or at the claims alone: the way to the server, what the
// server has at that moment, and the way back.
func (p *proc) look(whole bool) {
	if p.busy {
		p.lookNow, p.hearNow = p.lookNow || whole, p.hearNow || !whole
		return
	}
	p.busy, p.lookNow, p.hearNow = true, p.lookNow && !whole, false
	p.learnAt++
	began, w := p.clock.Boot(), p.n.w
	p.later(p.way(), func() {
		p.clock.pin = began
		look := p.learner.LookAtClaims
		if whole {
			look = p.learner.Look
		}
		snap := look(context.Background())
		p.clock.pin = 0
		back := w.upTo(w.Timing.Network)
		p.later(back, func() { p.looked(snap) })
	})
}

// way is how long a request takes to be answered; git that is out of reach is
// given up after the timeout.
func (p *proc) way() time.Duration {
	w := p.n.w
	if l := p.n.link; (l.cut || l.documents || l.coordination) && !w.chance(4) {
		return w.settings.Timeout
	}
	return w.upTo(w.Timing.Network) + p.n.link.slow
}

func (p *proc) looked(snap *reconcile.Snapshot) {
	p.busy, p.learnt = false, snap
	w := p.n.w
	w.check.learnt(p.n, snap)
	p.later(w.upTo(w.Timing.Local), func() {
		if !p.seen || snap.Looks > p.newest {
			p.deliver(snap)
		}
	})
	p.pace()
}

// pace sets the learner's timer by the pacer: to the next look, or the next try
// of an order.
func (p *proc) pace() {
	if p.busy || p.learnt == nil {
		return
	}
	next := min(p.pacer.NextLook(p.learnt.Pace(), p.handover), p.pacer.NextTry(p.learnt.Try(p.order)))
	if p.lookNow || p.hearNow {
		next = 0
	}
	if next <= p.clock.Boot() {
		p.learn()
		return
	}
	p.at(&p.learnAt, next, p.learn)
}

func (p *proc) learn() {
	switch {
	case p.busy:
	case p.pacer.MayTry(p.learnt.Try(p.order)):
		p.carry()
	case p.due():
		p.look(true)
	case p.hearNow:
		p.look(false)
	default:
		p.pace()
	}
}

// due reports whether git is to be looked at.
func (p *proc) due() bool {
	return p.lookNow || p.clock.Boot() >= p.pacer.NextLook(p.learnt.Pace(), p.handover)
}

// carry tries an order; the look that follows tells what became of it.
func (p *proc) carry() {
	p.pacer.Tried(p.learnt.Try(p.order))
	p.busy = true
	p.n.link.took = p.way()
	_ = p.learner.Carry(context.Background(), p.order)
	p.later(p.n.link.took, func() {
		p.busy = false
		p.look(p.due())
	})
}

// deliver gives the actuator a snapshot, and makes a pass.
func (p *proc) deliver(snap *reconcile.Snapshot) {
	p.seen, p.newest, p.own = true, snap.Looks, snap.Own
	p.actuator.See(snap)
	p.pass()
}

// ask is a person's order to the agent, followed by a pass.
func (p *proc) ask(do func(*reconcile.Actuator)) {
	p.later(0, func() {
		do(p.actuator)
		p.wake()
	})
}

// wake asks for a pass soon.
func (p *proc) wake() {
	if p.waking {
		return
	}
	p.waking = true
	p.later(p.n.w.upTo(p.n.w.Timing.Local), func() {
		p.waking = false
		p.pass()
	})
}

// observe looks at the services, and wakes the actuator if they changed.
func (p *proc) observe() {
	if p.services.observe() {
		p.wake()
	}
}

// pass makes one pass and hands out what it decided.
func (p *proc) pass() {
	if !p.seen {
		return
	}
	order, next := p.actuator.Pass()
	p.passed = true
	p.order, p.handover = order, p.actuator.Handover()
	p.offer, p.offering = p.actuator.Report(), true
	if r := &p.offer; p.n.w.Trace != nil && p.told != string(r.Status)+r.Reason {
		p.told = string(r.Status) + r.Reason
		p.n.w.trace(p.n.machine, "%s %s %s (declared %s, claim %d %s)", r.Status, r.Rule, r.Reason, r.Declared, r.Seq, r.Holder)
	}
	p.at(&p.passAt, next, p.pass)
	p.later(p.n.w.upTo(p.n.w.Timing.Local), p.publish)
	p.pace()
}

// publish is the publisher's loop.
func (p *proc) publish() {
	if p.publishing || p.n.w.ReadOnly {
		return
	}
	if p.offering {
		p.publisher.Missed(p.own)
		p.publisher.Offer(p.offer, !p.order.Empty())
		p.offering = false
	}
	if !p.publisher.Due() {
		p.at(&p.publishAt, p.clock.Boot()+p.publisher.Next(), p.publish)
		return
	}
	p.publishing = true
	p.later(p.way(), func() {
		_ = p.publisher.Publish(context.Background())
		p.later(p.n.w.upTo(p.n.w.Timing.Network), func() {
			p.publishing = false
			p.publish()
		})
	})
}

// selfFence is the node's own fence command (R7).
func (p *proc) selfFence(string) {
	p.n.touch()
	p.n.selfFence()
}

// Record is reconcile.Recorder: every pass is held against the invariants.
func (p *proc) Record(at time.Time, in plan.Input, d plan.Decision) {
	p.n.w.check.passed(p.n, &record.Entry{At: at, Input: in, Decision: d})
}

// notified is a notification: look now.
func (n *node) notified() {
	if p := n.proc; p != nil && !n.link.cut {
		p.later(n.w.upTo(n.w.Timing.Network), func() { p.look(true) })
	}
}

// hear is news of a claim or a report: look at those.
func (n *node) hear() {
	if p := n.proc; p != nil && !n.link.cut && !n.link.coordination {
		p.later(n.w.upTo(n.w.Timing.Network), func() { p.look(false) })
	}
}
