package explore

import (
	"fmt"

	"mainstay/reconcile/plan"
)

// secondLine is the first line of history of the second claim, in a space where a role
// has two: at two places, or under two names.
const secondLine = maxEpochs / 2

// twoClaims reports whether the role of this space has two claims. The second one is
// kept where cc has its own in other spaces.
func (x *explorer) twoClaims() bool { return x.cfg.places || x.cfg.renames }

// claimAt says which claim a node looks at.
func (x *explorer) claimAt(i int) role {
	n, m := &x.w.nodes[i], x.cfg.nodes[i]
	switch {
	case x.cfg.places:
		return role(n.place)
	case x.cfg.renames:
		return role(bit(n.doc > 0 && x.w.docs[n.doc-1]&docOther != 0))
	}
	return m.role
}

func (x *explorer) claimOf(i int) *ref { return &x.w.refs[x.claimAt(i)] }

// told is where a node's report is. Reports are at the place of coordination, and one
// name of a role or another makes no difference to them.
func (x *explorer) told(i int) *report {
	at := x.cfg.nodes[i].ref
	if x.cfg.places {
		at += 2 * x.w.nodes[i].place
	}
	return &x.w.reports[at]
}

// reported is the report of another node as a node sees it.
func (x *explorer) reported(i, j int) report {
	if x.cfg.places {
		j += 2 * int(x.w.nodes[i].place)
	}
	return x.w.reports[j]
}

// renamed reports whether the newest document gives the role another name than the
// one that a node has accepted: it refuses that until a person accepts it (R13).
func (x *explorer) renamed(i int) bool {
	n := &x.w.nodes[i]
	return n.doc > 0 && (x.w.docs[n.doc-1]^x.w.docs[x.w.ndocs-1])&docOther != 0
}

// move is a person who leads a node to another claim: by the agent file, which a new
// run reads, or by accepting another name.
func (x *explorer) move(m move, i int) {
	n := &x.w.nodes[i]
	if m.kind == accepts {
		n.doc, n.own, n.joined = x.w.ndocs, tip{}, 0
		n.read, n.reach, n.regressed, n.restorable = false, false, false, false
		n.server, n.highest = tipID{}, 0
		x.passIf(i, true)
		return
	}
	x.die(i)
	if n.place = 1 - n.place; m.arg == 1 {
		x.w.left.disks--
		n.mem, n.own, n.joined, n.doc, n.kept, n.began = memory{fresh: true, start: 30 + 10*x.w.left.disks}, tip{}, 0, 0, false, 0
		n.order, n.orderOn, n.paused = orderNone, tipID{}, false
	}
	if n.own.tipID == (tipID{}) {
		n.ownPlace = n.place
	}
	if n.place != n.ownPlace {
		n.joined = max(n.joined, n.own.seq)
	}
	x.restart(i)
}

// ends reports whether a change of the claim is the last one in its place (R13).
func (t tip) ends() bool { return actions[t.action] == plan.Move }

// mayCarry reports whether a step of carrying the claim is left. The first is by hand, and
// the others may come at any time after it, or never.
func (x *explorer) mayCarry() bool {
	old, now := &x.w.refs[0], &x.w.refs[1]
	switch {
	case now.tip.tipID == tipID{}:
		return old.tip.ends() || x.w.left.hands > 0 && old.tip.tipID != tipID{}
	default:
		return now.tip.ends()
	}
}

// carry ends the claim in the first place, brings it into the second, and lets it go on
// there: each by the shipping plan.Next, as package carry does it.
func (x *explorer) carry() {
	old, now := &x.w.refs[0], &x.w.refs[1]
	change := func(r *ref, a plan.Action) {
		next := x.planTip(r.tip).Claim
		next.Action = a
		made := plan.Next(x.planTip(r.tip), next)
		r.tip.action, r.tip.seq = number(actions, made.Action), uint8(made.Seq)
		r.tip.down = [3]proof{mainSide: proofOf(made.Down.Main), standbySide: proofOf(made.Down.Standby)}
		r.flights = [maxFlights]flight{}
	}
	switch {
	case now.tip.ends():
		now.fork(now.tip.tipID)
		change(now, plan.Enter)
		now.tip.epoch = now.epoch
	case old.tip.ends():
		now.tip = old.tip
		now.served, now.risk = old.served, old.risk
	default:
		x.w.left.hands--
		change(old, plan.Move)
	}
}

// loseRefs is a new git server that was filled from a clone: the branch is there, and
// nothing of what nodes had said. Where no node knew the newest claim, nobody can know
// that there was one: only two active sides are a violation then.
func (x *explorer) loseRefs() {
	x.goBack(maxNodes)
	x.w.refs[xivo].lost = false
	x.w.reports = [maxNodes]report{}
}

// tellGuard is what the agent tells the guard of a decision, before it is carried out.
func (x *explorer) tellGuard(i int, in *plan.Input, d *plan.Decision) {
	if !x.cfg.guarded {
		return
	}
	n := &x.w.nodes[i]
	w := plan.WatchOf(in, d.Memory, x.planWatch(n.watch))
	n.watch = watch{}
	if w.None() {
		return
	}
	n.watch = watch{on: true, claim: x.names.tipOf(w.Claim), known: w.Until > 0, passed: w.Passed > 0}
	if n.watch.known {
		n.watch.began = age(w.Began)
	}
	if n.watch.passed {
		n.watch.passedSince = age(w.Passed)
	}
	if w.Until > 0 && w.Until != w.Began+leaseTime || w.StopTime != stopTime {
		panic(fmt.Sprintf("explore: a watch of %+v", w))
	}
}

func (x *explorer) planWatch(w watch) plan.Watch {
	if !w.on {
		return plan.Watch{}
	}
	out := plan.Watch{Boot: "boot", Claim: x.names.tip(w.claim), StopTime: stopTime}
	if w.known {
		out.Began = at(w.began)
		out.Until = out.Began + leaseTime
	}
	if w.passed {
		out.Passed = at(w.passedSince)
	}
	return out
}

// guard is a look of the guard beside a dead agent: once the lease has ended it tells
// the services to stop, and fences the machine when that has not helped in time (R7).
func (x *explorer) guard(i int) {
	n := &x.w.nodes[i]
	if !x.cfg.guarded || !n.power || n.agent || !n.watch.on || !x.planWatch(n.watch).Over("boot", now) {
		return
	}
	switch {
	case !n.svc.up():
		n.guarding = false
	case n.guarding:
		x.powerOff(i)
		x.powerOn(i)
	default:
		n.svc, n.guarding = unverified, true
	}
}
