package sim

import (
	"slices"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/permit"
	"mainstay/spec"
)

// person is what a person does on a node: pause it, or take over by hand.
func (w *World) person(f Fault, n *node) {
	if n.proc == nil || n.side == "" || n.suspended {
		return
	}
	p := n.proc
	if f.Kind == PauseNode {
		pause := reconcile.Pause{Reason: "work on it", Until: p.clock.Wall().Add(f.For)}
		p.ask(func(a *reconcile.Actuator) { _ = a.SetPause(&pause) })
		return
	}
	for _, o := range w.nodes {
		if o.role == n.role && o.side == n.side.Other() {
			o.powerOff()
			o.keptOff = true
			w.after(max(f.For, reconcile.OrderGoodFor), func() { w.switchOn(o, n) }) // it is off for as long as the order is good
		}
	}
	p.take(&plan.TakeoverAsk{Attest: "the other machine is off"})
	w.after(f.For/2, func() { p.take(nil) })
}

// switchOn is a person who switches a machine on of which they told n that it is off:
// not before n has taken note that this is over. An agent that died under that word
// is told again.
func (w *World) switchOn(o, n *node) {
	switch {
	case n.proc == nil && n.on && n.active():
	case n.proc != nil && n.proc.passed && n.proc.actuator.Report().Takeover != "":
		n.proc.take(nil)
	default:
		o.keptOff = false
		o.powerOn()
		return
	}
	w.after(time.Second, func() { w.switchOn(o, n) })
}

// take is a person's statement to the agent, or its end (R9).
func (p *proc) take(t *plan.TakeoverAsk) {
	by := p.clock.Boot() + reconcile.OrderGoodFor
	p.ask(func(a *reconcile.Actuator) {
		if t == nil || permit.Late(p.clock.Boot()-by) == nil && a.RefuseTakeover(*t) == nil {
			_ = a.SetTakeover(t)
		}
	})
}

// heal ends every fault, and declares a side for good.
func (w *World) heal(side spec.Side) {
	w.trace("FAULT", "all faults end")
	for _, n := range w.nodes {
		n.link.cut, n.link.documents, n.link.coordination = false, false, false
		n.link.slow, n.link.flaky = 0, 0
		n.link.claims, n.link.reports = Answered, Answered
		n.disk.full, n.lies, n.stubborn, n.crashIn = false, Truth, stubborn{}, 0
		n.suspended, n.frozen = false, false
		n.mark.excused = n.mark.excused || n.active()
		n.wakeUp()
		n.keptOff = false
		n.powerOn()
		n.startAgent()
		n.proc.ask(func(a *reconcile.Actuator) { _ = a.SetPause(nil) })
		n.proc.take(nil)
	}
	s := w.settings
	s.Active, s.Fenced, s.Paused = side, "", ""
	s.Hold = s.Hold && !w.ReadOnly // nobody but a person would ever start anything (R8)
	s.Note++
	w.settings = s
	w.server.mend(s.Text())
	w.notify()
}

// attend is a person who looks at the nodes now and then, and does what a
// node's report asks a person to do.
func (w *World) attend() {
	for _, n := range w.nodes {
		if n.proc == nil || !n.proc.passed {
			continue
		}
		r := n.proc.actuator.Report()
		w.acceptRewritten(n)
		if r.Status == plan.Held && r.Rule == plan.R9 && w.server.tip(n.role).Holder.Side() == n.side {
			n.proc.take(&plan.TakeoverAsk{Attest: "the old machine is gone", Adopt: true})
		}
		if slices.ContainsFunc(r.Conditions, func(c plan.Condition) bool { return c.Type == plan.CondMachineUnseen }) {
			n.proc.take(&plan.TakeoverAsk{Attest: "the old machine is gone", Adopt: true})
		}
		if r.Status == plan.Held && (r.Rule == plan.R4 || r.Rule == plan.R9) {
			w.giveUp(n)
		}
		if r.Rule == plan.R10 && w.knowsBest(n) {
			n.proc.take(&plan.TakeoverAsk{Attest: "the backup was older", Reroot: true})
		}
	}
	w.after(20*time.Second, w.attend)
}

// knowsBest reports whether no other node of the role that waits for a person
// believes a newer claim (R10).
func (w *World) knowsBest(n *node) bool {
	for _, o := range w.nodes {
		waits := o.proc != nil && o.proc.passed && o.proc.actuator.Report().Rule == plan.R10
		if o.role == n.role && waits && o.mark.tips[n.role] > n.mark.tips[n.role] {
			return false
		}
	}
	return true
}

// acceptRewritten is mainstay accept on a node that refuses the branch because
// its history was rewritten.
func (w *World) acceptRewritten(n *node) {
	p, tip := n.proc, w.server.refs[branch]
	for _, c := range p.learner.Snapshot().Conditions {
		if c.Type == rewritten && !p.busy && n.overridden != tip {
			n.overridden = tip
			p.learner.Override(tip, "")
			p.look(true)
		}
	}
}

// giveUp is mainstay takeover --adopt on the machine that took the place of the
// one that n waits for in vain (R9).
func (w *World) giveUp(n *node) {
	t, off := w.server.tip(n.role), true
	for _, o := range w.nodes {
		other := o.role == n.role && o.side != n.side
		off = off && !(other && (o.active() || o.proc == nil || !o.proc.passed || o.proc.actuator.Report().Declared != n.side))
	}
	off = off && n.proc.actuator.Report().Seq == t.Seq && n.proc.actuator.Report().Declared == n.side
	if t.Free() && off { // the machine that served last was replaced: nobody else can say that it is gone
		n.proc.take(&plan.TakeoverAsk{Attest: "the old machine is gone"})
		p := n.proc
		w.after(time.Minute, func() { p.take(nil) })
	}
	for _, o := range w.nodes {
		if o.role == n.role && o.side == t.Holder.Side() && o.fingerprint != t.Instance && o.proc != nil {
			o.proc.take(&plan.TakeoverAsk{Attest: "the old machine is gone", Adopt: true})
		}
	}
}
