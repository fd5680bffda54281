package explore

// apply carries out a move in the current world.
func (x *explorer) apply(m move) {
	x.crash, x.didPush, x.didStep, x.cut = m.crash, false, false, m.kind == cuts
	switch m.kind {
	case lands:
		x.land(role(m.node), int(m.arg))
	case commits:
		x.commit(docCode(m.arg))
	case goesBack:
		x.goBack(m.node)
	case losesRefs:
		x.loseRefs()
	case carries:
		x.carry()
	case cloned, replaced:
		x.copyMachine(m.kind)
	case ticks:
		x.tick()
	default:
		x.applyNode(m, int(m.node))
	}
	x.checkDual()
}

func (x *explorer) applyNode(m move, i int) {
	n, left := &x.w.nodes[i], &x.w.left
	switch m.kind {
	case looks, begins, lists, learns, hears, blind:
		x.lookAtGit(m.kind, i)
	case publishes:
		*x.told(i) = x.telling(n.out)
	case restores:
		x.pushBack(i)
	case passes:
		x.passIf(i, true)
	case waits, patience, probes, lies:
		x.passIf(i, x.passTime(m.kind, i))
	case serviceGo, serviceNo:
		x.service(m, i)
	case dies:
		left.crashes--
		x.die(i)
	case losesDisk:
		left.disks--
		x.die(i)
		n.mem = memory{fresh: true, start: 30 + 10*left.disks}
	case restarts:
		x.restartAfter(i, m.arg)
	case relocates, accepts:
		left.hands--
		x.move(m, i)
	case powersOff:
		left.powers--
		x.powerOff(i)
	case powersOn:
		x.powerOn(i)
	default:
		x.order(m, i)
	}
}

// passIf passes when something changed that the agent would wake up for.
func (x *explorer) passIf(i int, changed bool) {
	if changed && x.w.nodes[i].agent {
		x.act(i, false)
	}
}

// order is a person at the node.
func (x *explorer) order(m move, i int) {
	n, left := &x.w.nodes[i], &x.w.left
	switch m.kind {
	case states:
		left.orders--
		n.order, n.orderOn = m.arg, n.own.tipID
	case ends:
		n.order, n.orderOn = orderNone, tipID{}
	case pauses:
		left.pauses--
		n.paused = true
	case resumes:
		n.paused = false
	}
	x.passIf(i, true)
}

func (x *explorer) lookAtGit(k kind, i int) {
	n := &x.w.nodes[i]
	before := *n
	switch k {
	case looks:
		x.deliver(i, x.list(i), 0)
		n.unread = false
	case hears:
		x.hear(i)
	case begins:
		n.fetch = fetch{phase: 1}
		return
	case lists:
		n.fetch.phase, n.fetch.got = 2, x.list(i)
		if !x.cfg.apart {
			return
		}
		n.fetch.got = snapshot{doc: n.fetch.got.doc}
		x.hear(i)
		n.fetch.moved = false
	case learns:
		if x.cfg.apart {
			n.doc, n.stale, n.unread = max(n.doc, n.fetch.got.doc), n.fetch.moved, false
			n.fetch = fetch{}
			break
		}
		f := n.fetch
		n.fetch = fetch{}
		x.deliver(i, f.got, f.age)
		before.fetch = fetch{}
	case blind:
		if x.asked(uint8(i)) { // of git alone
			n.stale = true
		} else {
			n.lose()
		}
		n.fetch = fetch{}
		before.fetch = fetch{}
	}
	x.passIf(i, *n != before)
}

func (x *explorer) restartAfter(i int, first uint8) {
	n := &x.w.nodes[i]
	if first == 1 {
		n.agent = true
		x.deliver(i, x.list(i), 0)
	}
	x.restart(i)
}

// passTime ends a wait, or tries a probe. It reports whether that changed
// anything.
func (x *explorer) passTime(k kind, i int) bool {
	n := &x.w.nodes[i]
	before := *n
	switch k {
	case waits:
		if n.mem.waiting {
			n.mem.waitAge = longer(n.mem.waitAge)
		}
		if n.mem.leaving {
			n.mem.leaveAge = old
		}
		if stages[n.mem.stage] == "draining" {
			n.mem.stopAge = old
		}
	case patience:
		n.witness = witnessLong
	case lies:
		x.w.left.lies--
		x.probe(i, true)
	case probes:
		x.probe(i, false)
	}
	return *n != before
}

func longer(age uint8) uint8 {
	if age < mid {
		return mid
	}
	return old
}

func (x *explorer) probe(i int, lost bool) {
	n, m := &x.w.nodes[i], x.cfg.nodes[i]
	var up [3]bool
	for j, o := range x.cfg.nodes {
		if o.role == m.role || m.role == edge && o.role == cc {
			up[o.side] = up[o.side] || x.w.nodes[j].svc.up() && x.w.nodes[j].svc != starting
		}
	}
	switch {
	case m.role == edge:
		n.witness = 16 | bit(up[mainSide] && !lost)<<mainSide | bit(up[standbySide] && !lost)<<standbySide
	case up[other(m.side)] && !lost:
		n.witness = witnessAnswers
	case n.witness < witnessSilent:
		n.witness = witnessSilent
	}
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// service ends what a service was doing.
func (x *explorer) service(m move, i int) {
	n, left := &x.w.nodes[i], &x.w.left
	well := m.kind == serviceGo
	switch n.svc {
	case starting:
		n.svc = running
		if !well {
			left.startFails--
			n.svc = []service{failed, mute}[m.arg]
		}
	case stopping:
		n.svc = stopped
		if !well {
			left.stopFails--
			n.svc = stuck
		}
	case waking:
		n.svc = []service{dead, running}[bit(well)]
	case unverified:
		n.svc = []service{running, stopped}[bit(well)]
	case draining:
		n.svc = drained
	case mute:
		n.svc = running
	case running, drained, stuck:
		left.deaths--
		n.svc = dead
	}
	x.passIf(i, true)
}

func (x *explorer) commit(code docCode) {
	w := x.w
	w.left.commits--
	w.docs[w.ndocs] = code
	w.ndocs++
	if s := fenced(code); s != noSide && !x.off(s) {
		w.refs[xivo].risk |= riskFalselyFenced
		w.refs[cc].risk |= riskFalselyFenced
	}
}

// goBack restores the claim to what a node still believes, or deletes it.
func (x *explorer) goBack(i uint8) {
	x.w.left.regressions--
	var to tip
	if i < maxNodes {
		to = x.w.nodes[i].own
	}
	x.w.refs[xivo].goBack(to)
	for j := range x.cfg.nodes {
		x.w.nodes[j].behind = true
	}
}

// copyMachine makes main's second machine: from a copy of its disk, or from
// nothing because the first one is gone for good.
func (x *explorer) copyMachine(k kind) {
	first, second := &x.w.nodes[0], &x.w.nodes[2]
	x.w.left.copies--
	*second = node{mem: memory{fresh: true, start: 50}, needsWin: true, stale: x.cfg.readOnly || x.cfg.apart, unread: x.cfg.apart}
	if k == cloned {
		second.doc, second.own, second.mem, second.paused = first.doc, first.own, first.mem, first.paused
		second.order, second.orderOn = first.order, first.orderOn
		second.mem.boot = false
	} else {
		x.powerOff(0)
		first.gone = true
	}
	x.broughtDown(2)
	x.powerOn(2)
}

// tick lets a unit of time pass for everybody, and every agent pass.
func (x *explorer) tick() {
	for i := range x.cfg.nodes {
		n := &x.w.nodes[i]
		n.older()
		if n.power && !n.agent {
			n.down = min(n.down+1, oldest)
		}
	}
	for i := range x.cfg.nodes {
		x.guard(i)
	}
	for i := range x.cfg.nodes {
		if x.w.nodes[i].agent {
			x.act(i, false)
		}
	}
}

// oldest is the age under a lease that is past everything.
const oldest = 14

func (n *node) older() {
	grow := func(a *uint8, does bool) {
		if does {
			*a = min(*a+1, oldest)
		}
	}
	grow(&n.began, n.read || n.kept)
	grow(&n.fetch.age, n.fetch.phase > 0)
	grow(&n.watch.began, n.watch.on && n.watch.known)
	grow(&n.watch.passedSince, n.watch.passed)
	m := &n.mem
	grow(&m.waitAge, m.waiting)
	grow(&m.leaveAge, m.leaving)
	grow(&m.holdAge, m.holdBegun)
	grow(&m.stopAge, m.stopLeased || stages[m.stage] == "draining")
	grow(&m.fencedAge, m.fenced > 0)
	grow(&m.triesAge, m.tries > 0)
}
