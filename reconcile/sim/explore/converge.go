package explore

import (
	"errors"
	"fmt"

	"mainstay/reconcile/plan"
)

// maxRounds bounds how many polls a deployment may need to come to rest once
// faults have ended.
const maxRounds = 40

// calmLongest is how far a claim may grow meanwhile: as far as it has names.
const calmLongest = 55

// begin0 is the world before anything was started: machines off, disks that
// know the first document and no claim.
func begin0(cfg *Config) world {
	w := world{ndocs: 1}
	if cfg.places || cfg.renames {
		w.refs[1].epoch = secondLine
	}
	w.docs[0] = cfg.first
	if cfg.lease && !cfg.plain {
		w.docs[0] |= docLease
	}
	for i := range cfg.nodes {
		w.nodes[i] = node{mem: memory{}, needsWin: true, stale: cfg.readOnly || cfg.apart, unread: cfg.apart}
		if !cfg.nodes[i].spare {
			w.nodes[i].doc = 1
		}
	}
	return w
}

// initial is where a search begins: everything at rest with main serving, or
// everything still off.
func (x *explorer) initial() (world, error) {
	w := begin0(x.cfg)
	if !x.cfg.booting {
		x.w = &w
		x.repair()
		for i := range x.cfg.nodes { // everybody reports before anybody waits (R13)
			if !w.nodes[i].agent {
				continue
			}
			x.apply(move{kind: looks, node: uint8(i)})
			x.apply(move{kind: publishes, node: uint8(i)})
		}
		if _, err := x.calm(); err != nil {
			return w, fmt.Errorf("the beginning of %s: %w", x.cfg.Name, err)
		}
		for r := range w.refs {
			w.refs[r].risk = 0
		}
	}
	w.left = x.cfg.left
	return w, nil
}

// calm runs the current world without any further fault until nothing changes,
// and says in how many polls that was, or why it is not as it should be.
func (x *explorer) calm() (rounds int, err error) {
	x.w.left, x.violation = budget{}, ""
	x.repair()
	for rounds = 1; rounds <= maxRounds; rounds++ {
		before := *x.w
		for i := range x.cfg.nodes {
			x.round(i)
		}
		if x.cfg.lease {
			x.apply(move{kind: ticks})
		}
		if x.violation != "" {
			return rounds, errors.New(x.violation)
		}
		if x.outgrown(x.w, calmLongest) {
			break
		}
		if *x.w == before {
			return rounds, x.atRest()
		}
	}
	return rounds, fmt.Errorf("everything converges: still changing after %d polls without a fault", rounds)
}

// repair brings back what can come back.
func (x *explorer) repair() {
	for i, m := range x.cfg.nodes {
		n := &x.w.nodes[i]
		switch {
		case n.gone || m.spare && n.doc == 0 && !n.power:
		case !n.power:
			x.apply(move{kind: powersOn, node: uint8(i)})
		case !n.agent:
			x.apply(move{kind: restarts, node: uint8(i), arg: bit(x.cfg.lease)})
		}
	}
}

// round is one poll of one node in a world where everything works: what is
// told happens, and what is pushed lands.
func (x *explorer) round(i int) {
	n, m := &x.w.nodes[i], x.cfg.nodes[i]
	if !n.agent {
		return
	}
	do := func(k kind) { x.apply(move{kind: k, node: uint8(i)}) }
	if n.fetch.phase == 2 {
		do(learns)
	}
	n.fetch = fetch{}
	do(looks)
	if !x.cfg.lease && n.mem.hasWait() {
		do(waits)
	}
	if x.cfg.witness && m.role == xivo || x.cfg.detect && m.role == edge {
		do(probes)
		if m.role == xivo && n.witness == witnessSilent {
			do(patience)
		}
	}
	do(passes)
	for range 3 {
		switch n.svc {
		case starting, stopping, draining, mute, waking, unverified:
			do(serviceGo)
		}
	}
	if n.restore {
		do(restores)
	}
	if m.role != edge {
		x.landFirst(i)
	}
	if n.out.known {
		do(publishes)
	}
}

func (x *explorer) landFirst(i int) {
	r := x.claimAt(i)
	for k, f := range x.w.refs[r].flights {
		if f.used && int(f.owner) == i {
			x.apply(move{kind: lands, node: uint8(r), arg: uint8(k)})
			return
		}
	}
}

// atRest says what is wrong with a world in which nothing changes any more.
func (x *explorer) atRest() error {
	for r := range x.w.refs {
		if n := x.serving(role(r)); n > 1 {
			return fmt.Errorf("everything converges: %d nodes of role %d serve at rest", n, r)
		}
	}
	if !x.mustServe() {
		return nil
	}
	want := declared(x.w.docs[x.w.ndocs-1])
	for i, m := range x.cfg.nodes {
		n := &x.w.nodes[i]
		switch {
		case m.role == edge && n.rendered != want:
			return fmt.Errorf("everything converges: %s points at %s, declared is %s", x.label(i), sides[n.rendered], sides[want])
		case m.role == edge || n.gone || !n.power:
		case m.side == want && !n.svc.observed().Ready:
			return fmt.Errorf("everything converges: %s is declared and does not serve (%s)", x.label(i), statuses[n.out.status])
		case m.side != want && n.svc.up():
			return fmt.Errorf("everything converges: %s is not declared and serves", x.label(i))
		}
	}
	return nil
}

func (x *explorer) serving(r role) int {
	count := 0
	for i, m := range x.cfg.nodes {
		if m.role == r && x.w.nodes[i].svc.up() {
			count++
		}
	}
	return count
}

// mustServe reports whether the rules let the declared side serve without a
// person: nothing is paused, no order stands, no machine was copied or replaced,
// the claim is not in question.
func (x *explorer) mustServe() bool {
	code := x.w.docs[x.w.ndocs-1]
	if code&docBroken != 0 || code&(docPausedMain|docPausedStandby) != 0 || x.w.refs[xivo].lost || x.cfg.readOnly && x.cfg.hold {
		return false
	}
	for i, m := range x.cfg.nodes {
		n := &x.w.nodes[i]
		if x.twoClaims() && n.agent && (x.claimAt(i) != x.claimAt(0) || x.cfg.renames && x.renamed(i) || n.ownPlace != n.place) {
			return false // a person has to make them agree, and it is not known what the other claim says
		}
		if n.paused || n.order != orderNone || n.gone || n.regressed || m.spare && n.power || x.cfg.carried && x.claimOf(i).tip.ends() {
			return false
		}
	}
	return !x.attestedUnder(code) && !x.tookLate(code)
}

// tookLate reports whether a side that is fenced now holds the claim by a push
// it decided before that. It leaves the claim alone, and the other side cannot
// tell that commit from one it has yet to accept: a person commits again (R4).
func (x *explorer) tookLate(code docCode) bool {
	t := x.w.refs[xivo].tip
	return fenced(code) != noSide && t.holder == fenced(code) && t.doc != x.w.ndocs
}

// attestedUnder reports whether a person activated the other side under this
// very document, against which nobody moves (R9).
func (x *explorer) attestedUnder(code docCode) bool {
	t := x.w.refs[xivo].tip
	return guarantees[t.guarantee] == plan.Attested && t.holder != declared(code)
}
