package explore

import (
	"fmt"
	"slices"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// Time as a world keeps it: ages in units, up to old, which is long past
// everything. mid is past handover.wait and not past what prolongs it.
const (
	unit = 5 * time.Second
	now  = 2 * time.Hour
	mid  = 6
	old  = 200
)

// The terms of the lease. L + W is 44.9 s, so D is a little below fifty: what a
// node may be late by is not hidden in the step of the clock.
const (
	leaseTime = 34900 * time.Millisecond
	stopTime  = 5 * time.Second
	stopBound = 10 * time.Second
)

func age(t plan.Time) uint8 {
	a := now - t
	if a < 0 || a%unit != 0 {
		panic(fmt.Sprintf("explore: an age of %s", a))
	}
	return uint8(min(a/unit, old))
}

func at(age uint8) plan.Time { return now - time.Duration(age)*unit }

// debtOf and debtCode hold a debt as how many units of D were served, plus one.
func debtOf(code uint8) time.Duration {
	if code == 0 {
		return 0
	}
	return plan.SeizeWait(leaseTime, stopBound) - time.Duration(code-1)*unit
}

func (x *explorer) debtCode(d time.Duration) uint8 {
	if d == 0 {
		return 0
	}
	served := plan.SeizeWait(leaseTime, stopBound) - d
	if served < 0 || served%unit != 0 {
		x.violate("a wait is D, or what is left of it", "%s", d)
		return 1
	}
	return uint8(served/unit) + 1
}

// planTip is a claim commit in the words of package plan.
func (x *explorer) planTip(t tip) plan.Tip {
	if t.tipID == (tipID{}) {
		return plan.Tip{}
	}
	p := plan.Tip{ID: x.names.tip(t.tipID), Claim: plan.Claim{
		Seq: uint64(t.seq), Holder: plan.HeldBy(sides[t.holder]), Instance: x.names.instances[t.inst],
		Action: actions[t.action], Start: uint64(t.start), Commit: x.names.commits[t.doc], Guarantee: guarantees[t.guarantee],
		Debt: spec.Duration(debtOf(t.debt)),
	}}
	p.Down = plan.Down{Main: t.down[mainSide].plan(), Standby: t.down[standbySide].plan()}
	p.Last = plan.Last{Main: x.names.instances[t.last[mainSide]], Standby: x.names.instances[t.last[standbySide]]}
	if t.inst > 0 {
		p.Node = x.cfg.nodes[t.inst-1].name
	}
	if t.doc > 0 {
		p.Document = x.names.digests[x.w.docs[t.doc-1]]
	}
	if t.holder != noSide {
		p.StopBound = spec.Duration(stopBound)
	}
	if t.leased > 0 {
		p.Lease = spec.Duration(leaseTime)
	}
	return p
}

func (p proof) plan() plan.Proof { return plan.Proof{By: proofs[p.by], Seq: uint64(p.seq)} }

func proofOf(p plan.Proof) proof { return proof{number(proofs, p.By), uint8(p.Seq)} }

// pushed is the claim of a push, without its place in history.
func (x *explorer) pushed(i int, c plan.Claim) tip {
	t := tip{
		holder: number(sides, c.Holder.Side()), action: number(actions, c.Action), start: uint8(c.Start),
		guarantee: number(guarantees, c.Guarantee), debt: x.debtCode(c.Debt.D()), doc: x.w.nodes[i].doc, fresh: true,
	}
	t.down = [3]proof{mainSide: proofOf(c.Down.Main), standbySide: proofOf(c.Down.Standby)}
	t.inst = x.names.instanceOf(c.Instance)
	t.last = [3]uint8{mainSide: x.names.instanceOf(c.Last.Main), standbySide: x.names.instanceOf(c.Last.Standby)}
	if c.Lease > 0 {
		t.leased = 1
	}
	t.seq = uint8(c.Seq)
	return t
}

func (x *explorer) planReport(r report, name string) plan.ReportView {
	if !r.known {
		return plan.ReportView{}
	}
	code := x.w.docs[max(r.doc, 1)-1]
	return plan.ReportView{Known: true, Report: plan.Report{
		Node: name, Instance: x.names.instances[r.inst], Status: statuses[r.status], Ready: r.ready, Running: r.running, Paused: r.paused, Seq: uint64(r.seq),
		Accepted: x.names.commits[r.doc], Document: x.names.digests[code], Declared: sides[declared(code)],
	}}
}

// planMemory and keep are the disk: what a node remembers, there and back.
func (x *explorer) planMemory(m *memory) plan.Memory {
	out := plan.Memory{
		Boot: "boot", Stage: stages[m.stage], Start: uint64(m.start), Waiting: m.waiting, Leaving: m.leaving,
		Hold:     plan.Hold{Start: uint64(m.holdStart), For: debtOf(m.holdFor), Begun: m.holdBegun},
		StopRule: rules[m.stopRule], StopLeased: m.stopLeased, Local: rules[m.local], Guarantee: guarantees[m.guarantee],
		TakenOver: m.takenOver, WasActive: m.wasActive, Serving: sides[m.serving], Fresh: m.fresh,
		HeldUnder: x.names.commits[m.heldUnder], WaitSince: at(m.waitAge), LeaveSince: at(m.leaveAge), StopSince: at(m.stopAge),
	}
	if !m.boot {
		out.Boot = "before"
	}
	if m.fresh && !m.boot {
		out.Boot = ""
	}
	if m.stated {
		out.Stated, out.StatedOn = true, x.names.tip(m.statedOn)
	}
	if m.fencedUnder > 0 {
		out.FencedUnder, out.FencedOn = x.names.commits[m.fencedUnder], x.names.tip(m.fencedOn)
	}
	if m.pending {
		out.Pending = &plan.Pending{Parent: x.names.tip(m.pendingParent), Action: actions[m.pendingAction]}
	}
	if m.holdBegun {
		out.Hold.Since = at(m.holdAge)
	}
	if m.fenced > 0 {
		out.FencedAt = at(m.fencedAge)
	}
	if m.bounded {
		out.HeldBound = stopBound
	}
	if m.tries > 0 {
		out.Tries = append(x.tries[:0], plan.Tries{Count: int(m.tries), Last: at(m.triesAge)})
	}
	if m.renders > 0 {
		out.Renders = append(x.renders[:0], plan.Tries{Count: int(m.renders), Last: at(m.rendersAge)})
	}
	return out
}

// compactMemory is the memory of a decision as a world holds it. Times that no decision
// can look at any more are forgotten, so that states differ only where nodes do.
func (x *explorer) compactMemory(m *plan.Memory) memory {
	out := memory{
		boot: true, waiting: m.Waiting, leaving: m.Leaving, holdBegun: m.Hold.Begun && m.Hold.For > 0, stopLeased: m.StopLeased,
		takenOver: m.TakenOver, wasActive: m.WasActive, fresh: m.Fresh, bounded: m.HeldBound > 0,
		stage: number(stages, m.Stage), start: uint8(m.Start), stopRule: number(rules, m.StopRule),
		local: number(rules, m.Local), guarantee: number(guarantees, m.Guarantee), serving: number(sides, m.Serving),
		heldUnder: uint8(slices.Index(x.names.commits[:], m.HeldUnder)),
	}
	if m.Pending != nil {
		out.pending, out.pendingParent = true, x.names.tipOf(m.Pending.Parent)
		out.pendingAction = number(actions, m.Pending.Action)
	}
	if m.FencedUnder != "" {
		out.fencedUnder, out.fencedOn = uint8(slices.Index(x.names.commits[:], m.FencedUnder)), x.names.tipOf(m.FencedOn)
	}
	if m.Stated {
		out.stated, out.statedOn = true, x.names.tipOf(m.StatedOn)
	}
	if m.Waiting {
		out.waitAge = age(m.WaitSince)
	}
	if m.Leaving {
		out.leaveAge = age(m.LeaveSince)
	}
	if m.Hold.For > 0 {
		out.holdStart, out.holdFor = uint8(m.Hold.Start), x.debtCode(m.Hold.For)
	}
	if out.holdBegun {
		out.holdAge = age(m.Hold.Since)
	}
	if m.Stage == plan.StageDraining || m.StopLeased {
		out.stopAge = age(m.StopSince)
	}
	if m.FencedAt > 0 {
		out.fenced, out.fencedAge = 1, age(m.FencedAt)
	}
	out.tries, out.triesAge = x.keepTries(m.Tries)
	out.renders, out.rendersAge = x.keepTries(m.Renders)
	return out
}

// keepTries: without a lease every back-off may be over at any moment, so it
// always is.
func (x *explorer) keepTries(t []plan.Tries) (count, last uint8) {
	if len(t) == 0 || t[0].Count == 0 {
		return 0, 0
	}
	if !x.cfg.lease {
		return uint8(min(t[0].Count, 5)), old
	}
	return uint8(min(t[0].Count, 5)), min(age(t[0].Last), 12)
}

// observed is what drivers say of the service.
func (s service) observed() plan.Observed {
	switch s {
	case starting:
		return plan.Observed{Run: plan.Starting, Op: plan.OpStart}
	case running:
		return plan.Observed{Run: plan.Running, Ready: true}
	case stopping:
		return plan.Observed{Run: plan.Stopping, Op: plan.OpStop}
	case stuck:
		return plan.Observed{Run: plan.Running, Ready: true, Err: "it does not stop"}
	case failed:
		return plan.Observed{Run: plan.RunFailed, Err: "it does not start"}
	case draining:
		return plan.Observed{Run: plan.Running, Ready: true, Op: plan.OpDrain}
	case drained:
		return plan.Observed{Run: plan.Running, Ready: true, Drained: true}
	case dead:
		return plan.Observed{Run: plan.RunFailed}
	case mute:
		return plan.Observed{Run: plan.Running, Err: "it does not answer"}
	case waking:
		return plan.Observed{Run: plan.Starting}
	case unverified:
		return plan.Observed{Run: plan.RunUnsure}
	}
	return plan.Observed{Run: plan.Stopped}
}
