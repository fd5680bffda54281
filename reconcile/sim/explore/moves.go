package explore

import "mainstay/reconcile/plan"

// kind is what can happen next.
type kind uint8

const (
	looks     kind = iota // a node lists git, has the answer and passes
	begins                // a look begins
	lists                 // the server answers it
	learns                // the node has the answer and passes
	hears                 // a node looks at claims and reports alone
	blind                 // a look fails
	publishes             // a node's report reaches the server
	lands                 // a push is taken
	waits                 // a node's waits are over
	patience              // a witness stays silent all through handover.wait
	probes                // a probe is tried
	lies                  // a probe is lost
	serviceGo             // the service comes to what it was told
	serviceNo             // it does not
	dies                  // the agent is killed
	restarts              // and started again
	powersOff             //
	powersOn              //
	commits               // a person commits
	states                // a person's order on the node, R9
	ends                  // or its end
	pauses                // a person's pause, R11
	resumes               //
	cuts                  // a person ends a drain, R2
	losesDisk             // the agent dies and its memory is damaged
	goesBack              // the claim is restored from a backup, or deleted
	restores              // a node pushes the claim it knows again
	cloned                // a machine is copied
	replaced              // a machine is replaced
	ticks                 // a unit of time passes, under a lease
	passes                // an agent passes although nothing happened
	losesRefs             // a new git server knows the branch alone
	relocates             // a person names another place of coordination
	carries               // a step of carrying the claim there
	accepts               // a person accepts a document that renames the role
)

// The orders of R9.
const (
	orderNone uint8 = iota
	orderTakeover
	orderAdopt
	orderReroot
)

// move is one thing that happens.
type move struct {
	kind  kind
	node  uint8
	arg   uint8
	crash crashPoint
}

// moves appends everything that can happen in the current world.
func (x *explorer) moves(to []move) []move {
	for i := range x.cfg.nodes {
		to = x.nodeMoves(to, uint8(i))
	}
	to = x.gitMoves(to)
	if x.cfg.lease && x.canTick() {
		to = append(to, move{kind: ticks})
	}
	return to
}

// when appends a move that is possible.
func when(to []move, possible bool, m move) []move {
	if possible {
		return append(to, m)
	}
	return to
}

func (x *explorer) nodeMoves(to []move, i uint8) []move {
	n := &x.w.nodes[i]
	if n.agent {
		to = x.agentMoves(to, i)
	}
	to = x.serviceMoves(to, i)
	left := &x.w.left
	to = when(to, n.agent && left.crashes > 0, move{kind: dies, node: i})
	to = when(to, n.agent && left.disks > 0, move{kind: losesDisk, node: i})
	to = when(to, n.agent && x.cfg.places && left.hands > 0, move{kind: relocates, node: i})
	to = when(to, n.agent && x.cfg.places && left.hands > 0 && left.disks > 0, move{kind: relocates, node: i, arg: 1})
	to = when(to, n.agent && x.cfg.renames && x.renamed(int(i)) && left.hands > 0, move{kind: accepts, node: i})
	to = when(to, n.power && left.powers > 0, move{kind: powersOff, node: i})
	to = when(to, !n.power && !n.gone && (!x.cfg.nodes[i].spare || n.doc > 0), move{kind: powersOn, node: i})
	if n.power && !n.agent {
		if !x.cfg.lease {
			return append(to, move{kind: restarts, node: i})
		}
		return append(to, move{kind: restarts, node: i, arg: 1}, move{kind: restarts, node: i, arg: 2})
	}
	return to
}

func (x *explorer) agentMoves(to []move, i uint8) []move {
	n, m := &x.w.nodes[i], x.cfg.nodes[i]
	switch {
	case !x.cfg.slow && !x.cfg.apart:
		to = append(to, move{kind: looks, node: i})
	case n.fetch.phase == 0 && x.cfg.lease:
		to = append(to, move{kind: begins, node: i})
	case n.fetch.phase < 2:
		to = append(to, move{kind: lists, node: i})
	default:
		to = append(to, move{kind: learns, node: i})
	}
	to = when(to, x.cfg.apart, move{kind: hears, node: i})
	to = when(to, ((n.reach || n.freach) && !x.cfg.terse || n.fetch.phase > 0), move{kind: blind, node: i})
	to = when(to, !x.cfg.readOnly && n.out.known && x.telling(n.out) != *x.told(int(i)), move{kind: publishes, node: i})
	to = when(to, !x.cfg.lease && n.mem.hasWait(), move{kind: waits, node: i})
	to = when(to, n.restore, move{kind: restores, node: i})
	if x.cfg.witness && m.role == xivo || x.cfg.detect && m.role == edge {
		to = append(to, move{kind: probes, node: i})
		to = when(to, x.w.left.lies > 0, move{kind: lies, node: i})
		to = when(to, m.role == xivo && n.witness == witnessSilent, move{kind: patience, node: i})
	}
	if m.role == edge {
		return to
	}
	to = when(to, n.svc == stuck || n.svc == failed || n.svc == dead, move{kind: passes, node: i})
	to = when(to, x.w.left.pauses > 0 && !n.paused, move{kind: pauses, node: i})
	to = when(to, n.paused, move{kind: resumes, node: i})
	to = when(to, n.order != orderNone, move{kind: ends, node: i})
	to = when(to, stages[n.mem.stage] == plan.StageDraining, move{kind: cuts, node: i})
	if x.w.left.orders > 0 && n.order == orderNone {
		to = append(to, move{kind: states, node: i, arg: orderTakeover})
		to = when(to, len(x.cfg.nodes) == 3, move{kind: states, node: i, arg: orderAdopt})
		to = when(to, x.cfg.left.regressions > 0, move{kind: states, node: i, arg: orderReroot})
	}
	return to
}

func (m *memory) hasWait() bool {
	return m.waiting && m.waitAge < old || m.leaving && m.leaveAge < old || stages[m.stage] == plan.StageDraining && m.stopAge < old
}

func (x *explorer) serviceMoves(to []move, i uint8) []move {
	left := &x.w.left
	switch x.w.nodes[i].svc {
	case starting:
		to = append(to, move{kind: serviceGo, node: i})
		to = when(to, left.startFails > 0, move{kind: serviceNo, node: i})
		return when(to, left.startFails > 0, move{kind: serviceNo, node: i, arg: 1})
	case stopping:
		to = append(to, move{kind: serviceGo, node: i})
		return when(to, left.stopFails > 0, move{kind: serviceNo, node: i})
	case waking, unverified:
		return append(to, move{kind: serviceGo, node: i}, move{kind: serviceNo, node: i})
	case draining, mute:
		return append(to, move{kind: serviceGo, node: i})
	case running, drained, stuck:
		return when(to, left.deaths > 0, move{kind: serviceNo, node: i})
	}
	return to
}

func (x *explorer) gitMoves(to []move) []move {
	for r := range x.w.refs {
		for k, f := range x.w.refs[r].flights {
			to = when(to, f.used, move{kind: lands, node: uint8(r), arg: uint8(k)})
		}
	}
	if x.w.left.commits > 0 && x.w.ndocs < maxDocs {
		for _, code := range x.cfg.commits {
			to = when(to, x.mayCommit(code), move{kind: commits, arg: uint8(code)})
		}
	}
	if x.w.left.regressions > 0 && x.published() {
		for i, m := range x.cfg.nodes {
			n := &x.w.nodes[i]
			to = when(to, m.role == xivo && n.own.tipID != x.w.refs[xivo].tip.tipID, move{kind: goesBack, node: uint8(i)})
		}
		to = append(to, move{kind: goesBack, node: maxNodes})
	}
	to = when(to, x.w.left.regressions > 0 && x.w.refs[xivo].tip.tipID != tipID{}, move{kind: losesRefs})
	to = when(to, x.cfg.carried && x.mayCarry(), move{kind: carries})
	if x.w.left.copies > 0 && len(x.cfg.nodes) == 3 && !x.w.nodes[2].power {
		to = append(to, move{kind: cloned}, move{kind: replaced})
	}
	return to
}

// published: the claim goes back only while the reports still name its seq.
// When nothing on the server tells of it, nobody can know.
func (x *explorer) published() bool {
	for i, m := range x.cfg.nodes {
		if m.role == xivo && x.w.reports[i].seq == x.w.refs[xivo].tip.seq {
			return true
		}
	}
	return false
}

// mayCommit keeps a statement of fact to the facts, unless the configuration
// allows false ones.
func (x *explorer) mayCommit(code docCode) bool {
	if code == x.w.docs[x.w.ndocs-1] {
		return false
	}
	s := fenced(code)
	return s == noSide || x.cfg.risky || x.off(s)
}

// off reports whether a side's machines are off, or dead to the world.
func (x *explorer) off(s side) bool {
	for i, m := range x.cfg.nodes {
		if n := &x.w.nodes[i]; m.side == s && (n.agent || n.svc.up()) {
			return false
		}
	}
	return true
}

// canTick: no agent without a guard stays dead for longer than its watchdog allows,
// and no look takes longer than its timeout.
func (x *explorer) canTick() bool {
	for i := range x.cfg.nodes {
		n := &x.w.nodes[i]
		if n.power && !n.agent && n.down >= 1 && !x.cfg.guarded || n.fetch.phase > 0 && n.fetch.age >= 2 {
			return false
		}
	}
	return true
}
