package explore

import (
	"fmt"

	"mainstay/reconcile/plan"
)

// violate notes the first invariant that a move breaks.
func (x *explorer) violate(invariant, format string, args ...any) {
	if x.violation == "" {
		x.violation = invariant + ": " + fmt.Sprintf(format, args...)
	}
}

// checkDual: never two active sides, unless a presumption or a person's word
// accepted it.
func (x *explorer) checkDual() {
	for role := range x.w.refs {
		up := -1
		for i, m := range x.cfg.nodes {
			if int(m.role) != role || !x.w.nodes[i].svc.up() {
				continue
			}
			if up >= 0 && x.w.refs[role].risk == 0 {
				x.violate("never two active", "%s and %s", x.label(up), x.label(i))
			}
			up = i
		}
	}
}

// begin checks a start order against what must have come before it.
func (x *explorer) begin(i int, s plan.Step) {
	n, m := &x.w.nodes[i], x.cfg.nodes[i]
	if m.role == edge || x.cfg.readOnly || !n.needsWin {
		return
	}
	n.needsWin = false
	if n.mem.local != 0 {
		x.w.refs[m.role].risk |= riskLocal
		if rules[n.mem.local] == plan.R9 {
			x.w.refs[m.role].risk |= riskAttested
			n.worded = true
		}
		return
	}
	if int(n.own.inst) != i+1 || n.own.holder != m.side || !n.own.fresh {
		x.violate("no start without a claim push won for it", "%s starts under seq %d, %s", x.label(i), n.own.seq, s.Reason)
	}
	if x.w.refs[m.role].lost && x.w.refs[m.role].risk == 0 && n.own.epoch != x.w.refs[m.role].back.epoch {
		x.violate("nothing starts on a claim that went back", "%s starts", x.label(i))
	}
	if was := x.lastActive(xivo, m.side); m.role == cc && (n.fol.holder != m.side || maxTip(was, n.fol.tipID) != was) {
		x.violate("CC never active on a side whose XiVO was not", "%s starts", x.label(i))
	}
}

// lastActive is the claim under which a side was last Active.
func (x *explorer) lastActive(r role, s side) tipID {
	var best tipID
	for i, m := range x.cfg.nodes {
		if m.role == r && m.side == s {
			best = maxTip(best, x.w.nodes[i].activeAt)
		}
	}
	return best
}

func maxTip(a, b tipID) tipID {
	if b.epoch > a.epoch || b.epoch == a.epoch && b.seq > a.seq {
		return b
	}
	return a
}

// settled notes, after a pass, what later checks need to know of it.
func (x *explorer) settled(i int) {
	n, m := &x.w.nodes[i], x.cfg.nodes[i]
	if m.role == edge {
		return
	}
	stage := stages[n.mem.stage]
	if !n.svc.up() && !n.needsWin && (stage == plan.StageIdle || stage == plan.StageStopping) {
		x.broughtDown(i)
	}
	if x.last.Ready {
		n.readyFor |= 1 << (n.doc - 1)
	}
	n.worded = n.worded && (stage != plan.StageServing || n.mem.local != 0)
	if x.last.Status == plan.Active {
		n.activeAt = n.own.tipID
		x.w.refs[m.role].served[m.side] = true
	}
	x.undoRisk(m.role)
}

// broughtDown: from here on a start needs a push made after this moment.
func (x *explorer) broughtDown(i int) {
	x.w.nodes[i].needsWin, x.w.nodes[i].worded, x.w.nodes[i].scrapped = true, false, false
	inst := uint8(i + 1)
	for r := range x.w.refs {
		x.w.refs[r].tip.stale(inst)
		for k := range x.w.refs[r].flights {
			x.w.refs[r].flights[k].tip.stale(inst)
		}
	}
	for j := range x.w.nodes {
		n := &x.w.nodes[j]
		n.own.stale(inst)
		n.fol.stale(inst)
		n.fetch.got.own.stale(inst)
		n.fetch.got.fol.stale(inst)
	}
}

func (t *tip) stale(inst uint8) {
	if t.inst == inst {
		t.fresh = false
	}
}

// undoRisk forgets an accepted risk once nothing of it is left: whoever runs
// holds the claim, everybody else is down and knows it, and no push that was
// decided at risk is on its way.
func (x *explorer) undoRisk(r role) {
	ref := &x.w.refs[r]
	if ref.risk == 0 {
		return
	}
	for i, m := range x.cfg.nodes {
		n := &x.w.nodes[i]
		if m.role != r || !n.power {
			continue
		}
		if n.own != ref.tip || n.regressed || n.mem.local != 0 || n.svc.up() && (int(ref.tip.inst) != i+1 || ref.tip.holder != m.side) || n.order != orderNone || x.mayFence(n) {
			return
		}
	}
	for _, f := range ref.flights {
		if f.used {
			return
		}
	}
	if fenced(x.w.docs[x.w.ndocs-1]) == noSide {
		ref.risk = 0
	}
}

// mayFence reports whether a node goes by a fencing, or has one before it: the document may
// not be the newest one, where a look takes its time.
func (x *explorer) mayFence(n *node) bool {
	for _, doc := range []uint8{n.doc, n.fetch.got.doc} {
		if doc > 0 && x.cfg.apart && fenced(x.w.docs[doc-1]) != noSide {
			return true
		}
	}
	return false
}

// accepted notes a claim that has just become the tip.
func (x *explorer) accepted(r role, t tip) {
	if actions[t.action] == plan.Adopt {
		for i, m := range x.cfg.nodes {
			x.w.nodes[i].scrapped = x.w.nodes[i].scrapped || m.role == r && m.side == t.holder && uint8(i+1) != t.inst && x.w.nodes[i].svc.up()
		}
	}
	switch guarantees[t.guarantee] {
	case plan.Presumed:
		x.w.refs[r].risk |= riskPresumed
	case plan.Attested:
		x.w.refs[r].risk |= riskAttested
	}
}

// audit holds a decision against what it was made from.
func (x *explorer) audit(i int, in *plan.Input, before *memory) {
	d := &x.last
	if in.Doc == nil {
		return
	}
	if in.Pause != nil || in.Doc.Paused {
		x.auditPaused(i, d)
	}
	if x.cfg.nodes[i].role == edge {
		x.auditPointing(i, d, before)
		return
	}
	if d.Push != nil {
		x.auditPush(i, in, d.Push)
	}
	if x.cfg.readOnly {
		x.auditReadOnly(i, in)
		return
	}
	if rules[number(rules, d.Memory.Local)] == plan.R6 && before.local == 0 {
		x.auditPresumption(i, in)
	}
	x.auditLeaving(i, in, before)
}

func (x *explorer) auditPaused(i int, d *plan.Decision) {
	for _, s := range d.Steps {
		if s.Rule != plan.R1 && s.Rule != plan.R7 {
			x.violate("a paused node is touched by R1 and R7 only", "%s is told to %s by %s", x.label(i), s.Do, s.Rule)
		}
	}
}

func (x *explorer) auditPointing(i int, d *plan.Decision, before *memory) {
	s := number(sides, d.Serving)
	if s != noSide && s != before.serving && !x.w.refs[cc].served[s] {
		x.violate("the shared node never points at a side that never served", "%s points at %s", x.label(i), sides[s])
	}
}

// auditReleased: a claim that was taken as released is taken from a side that is
// down, whatever was presumed or stated before (R12). What a person started without
// git has no claim that anybody could release: it is that person's risk until it is
// seen down, also while it stops (R9). So is a machine that a person calls gone.
func (x *explorer) auditReleased(r role, t tip) {
	if actions[t.action] != plan.Take || guarantees[t.guarantee] != plan.Released {
		return
	}
	for i, m := range x.cfg.nodes {
		if n := &x.w.nodes[i]; m.role == r && m.side == other(t.holder) && n.svc.up() && n.mem.local == 0 && !n.worded && !n.scrapped {
			x.violate("a guarantee is true", "%s is taken as released while %s may serve", sides[other(t.holder)], x.label(i))
		}
	}
}

// auditPush: the guarantee that a push names is true as far as its node knows.
func (x *explorer) auditPush(i int, in *plan.Input, p *plan.Push) {
	switch {
	case p.Claim.Guarantee == plan.Presumed && (p.Claim.Action == plan.Seize || p.Claim.Action == plan.Take) && in.Memory.Local == "":
		x.auditPresumption(i, in)
	case p.Claim.Action == plan.Renew && in.Unread && in.Takeover == nil && in.Memory.Local == "" && !x.w.nodes[i].svc.up():
		x.auditPresumption(i, in)
	case p.Claim.Action == plan.Seize && p.Claim.Guarantee == plan.Fenced && in.Doc.Fenced != in.Doc.Side.Other():
		x.violate("a guarantee is true", "%s calls fenced what no document says", x.label(i))
	case p.Claim.Action == plan.Seize && p.Claim.Guarantee == plan.Lease && in.Claim.Tip.Lease == 0:
		x.violate("a guarantee is true", "%s seizes by a lease that the claim does not carry", x.label(i))
	case p.Claim.Action == plan.Release && x.w.nodes[i].svc.up():
		x.violate("released is verified", "%s releases while its service may run", x.label(i))
	case p.Claim.Action == plan.Seize && in.Claim.Tip.Holder.Side() == in.Doc.Side:
		x.violate("one's own side is never seized from", "%s", x.label(i))
	}
}

func (x *explorer) auditPresumption(i int, in *plan.Input) {
	waited := in.Memory.Waiting && now-in.Memory.WaitSince >= in.Doc.Handover.Wait.D()
	switch {
	case x.cfg.hold:
		x.violate("hold never presumes", "%s", x.label(i))
	case !waited:
		x.violate("nobody presumes before the wait is over", "%s", x.label(i))
	case x.last.Memory.Local == plan.R6 && !in.Doc.Witness:
		x.violate("nobody presumes at boot without a witness", "%s", x.label(i))
	case x.cfg.witness && x.cfg.nodes[i].role == xivo && x.w.nodes[i].witness != witnessLong:
		x.violate("nobody presumes while the witness may answer", "%s", x.label(i))
	case in.Doc.PeerPaused || in.Peer.Paused:
		x.violate("nobody presumes a paused node dead", "%s", x.label(i))
	}
}

// auditReadOnly: R8 stops at once, and starts by a statement or a presumption.
func (x *explorer) auditReadOnly(i int, in *plan.Input) {
	n := &x.w.nodes[i]
	for _, s := range x.last.Steps {
		if s.Do != plan.DoStart || !n.needsWin {
			continue
		}
		n.needsWin = false
		switch x.last.Memory.Guarantee {
		case plan.Presumed:
			x.auditPresumption(i, in)
			x.w.refs[x.cfg.nodes[i].role].risk |= riskPresumed
		case plan.Attested:
			x.w.refs[x.cfg.nodes[i].role].risk |= riskAttested
		}
	}
}

// auditLeaving: the last serving side never stops for a side that is not there
// (R2).
func (x *explorer) auditLeaving(i int, in *plan.Input, before *memory) {
	stage := x.last.Memory.Stage
	if stages[before.stage] != plan.StageServing || stage != plan.StageDraining && stage != plan.StageStopping ||
		x.last.Memory.StopRule != plan.R2 || in.Doc.Fenced == in.Doc.Side || x.cfg.absentStop {
		return
	}
	for j, m := range x.cfg.nodes {
		if m.role == x.cfg.nodes[i].role && m.side == other(x.cfg.nodes[i].side) && x.w.nodes[j].readyFor&(1<<(x.w.nodes[i].doc-1)) != 0 {
			return
		}
	}
	x.violate("the last serving side never stops for a side that is not there", "%s stops", x.label(i))
}

func (x *explorer) label(i int) string { return label(x.cfg, i) }
