package explore

import "mainstay/reconcile/plan"

// ancestor reports whether a claim commit is b or one that b descends from.
func (r *ref) ancestor(a, b tipID) bool {
	if a == (tipID{}) {
		return true
	}
	for b.epoch > a.epoch {
		b = r.forks[b.epoch]
	}
	return b.epoch == a.epoch && a.seq <= b.seq
}

// list is one listing of all refs, as a node would see it.
func (x *explorer) list(i int) snapshot {
	w, m := x.w, x.cfg.nodes[i]
	s := snapshot{doc: x.newest(i)}
	if m.role != edge {
		s.own = x.claimOf(i).tip
		s.peer = x.peerReport(i)
		for j, o := range x.cfg.nodes {
			if o.role == m.role && !o.spare {
				s.highest = max(s.highest, x.reported(i, j).seq)
			}
		}
	}
	if m.role != xivo {
		s.fol = w.refs[m.role-1].tip
		for j, o := range x.cfg.nodes {
			if o.role == m.role-1 && !o.spare {
				s.sides[o.side] = w.reports[j]
			}
		}
	}
	return s
}

func (x *explorer) peerReport(i int) report {
	m := x.cfg.nodes[i]
	for j, o := range x.cfg.nodes {
		if o.role == m.role && o.side == other(m.side) && !o.spare {
			return x.reported(i, j)
		}
	}
	return report{}
}

// newest is the commit a node would accept now: the tip, unless it is broken.
func (x *explorer) newest(i int) uint8 {
	tip := x.w.ndocs
	if x.w.docs[tip-1]&docBroken != 0 || x.cfg.renames && x.renamed(i) {
		return x.w.nodes[i].doc
	}
	return tip
}

// deliver gives a node what a listing showed. Began is when the look began.
func (x *explorer) deliver(i int, s snapshot, began uint8) {
	n, m := &x.w.nodes[i], x.cfg.nodes[i]
	n.doc = max(n.doc, s.doc)
	n.stale, n.behind = false, false
	if x.cfg.readOnly {
		return
	}
	if m.role != edge {
		x.believe(i, s, began)
		n.peer, n.highest = s.peer, s.highest
	}
	if m.role == xivo {
		return
	}
	r := &x.w.refs[m.role-1]
	n.freach, n.sides = true, s.sides
	if n.fregressed = !r.believable(n.fol.tipID, s.fol); !n.fregressed {
		n.fol, n.fread = s.fol, true
	}
}

// hear is a look at claims and reports alone: the document is no newer by it. Once somebody
// else has changed the claim it may not be the newest one (R4), nor is it while git was
// asked.
func (x *explorer) hear(i int) {
	n := &x.w.nodes[i]
	was, s := n.own.tipID, x.list(i)
	moved := s.own.tipID != was && s.own.inst != uint8(i+1)
	s.doc = n.doc
	stale := n.stale || moved
	x.deliver(i, s, 0)
	n.stale = stale || x.asked(uint8(i))
	n.fetch.moved = x.asked(uint8(i)) && (n.fetch.moved || moved)
}

// asked reports whether a node has read the claims and waits for git: nothing starts
// meanwhile.
func (x *explorer) asked(i uint8) bool { return x.cfg.apart && x.w.nodes[i].fetch.phase == 2 }

// believe takes a listed tip for the claim only if it descends from the one
// last believed (R10).
func (x *explorer) believe(i int, s snapshot, began uint8) {
	n, r := &x.w.nodes[i], x.claimOf(i)
	read := n.read
	n.reach, n.read = true, true
	if r.believable(n.own.tipID, s.own) {
		n.joined = r.joined(n, s.own, read)
		n.own, n.began, n.regressed, n.restorable, n.server = s.own, began, false, false, tipID{}
		n.kept, n.ownPlace = false, n.place
		return
	}
	n.regressed, n.server = true, s.own.tipID
	n.restorable = n.place == n.ownPlace && r.ancestor(s.own.tipID, n.own.tipID)
}

// joined is from where on the chain proves something to a node (R13).
func (r *ref) joined(n *node, t tip, read bool) uint8 {
	came := n.own.tipID == (tipID{}) && t.tipID != (tipID{})
	switch {
	case came && read && t.seq == 1:
		return 0
	case came, !r.ancestor(n.own.tipID, t.tipID):
		return t.seq
	}
	return n.joined
}

func (r *ref) believable(known tipID, listed tip) bool {
	return r.ancestor(known, listed.tipID) ||
		listed.tipID != tipID{} && r.rerooted&(1<<listed.epoch) != 0 && listed.seq > known.seq
}

// lose is a look that failed.
func (n *node) lose() {
	n.reach, n.freach = false, false
}

// send puts a push on its way. From there it lands now, later or never. One
// that was decided before the claim went back does not land on what the server
// was restored to: no rule could tell it from the first time.
func (x *explorer) send(i int, p *plan.Push) {
	r := x.claimOf(i)
	f := flight{used: true, owner: uint8(i), parent: x.names.tipOf(p.Parent), tip: x.pushed(i, p.Claim)}
	if f.parent != r.tip.tipID || x.w.nodes[i].behind {
		return
	}
	free := -1
	for k := range r.flights {
		if r.flights[k] == f {
			return
		}
		if !r.flights[k].used && free < 0 {
			free = k
		}
	}
	if free < 0 {
		free = 0 // the oldest is lost
		copy(r.flights[:], r.flights[1:])
		free = maxFlights - 1
	}
	r.flights[free] = f
}

// land makes a push the tip of a ref, which is a role's but in a space of two places
// or names. Every other push on the same parent has lost.
func (x *explorer) land(which role, k int) {
	r, role := &x.w.refs[which], which
	if x.twoClaims() {
		role = xivo
	}
	f := r.flights[k]
	if f.tip.seq <= r.tip.seq || f.tip.seq != r.tip.seq+1 && actions[f.tip.action] != plan.Reroot {
		x.violate("seq only grows", "a push makes seq %d of %d", f.tip.seq, r.tip.seq)
	}
	if actions[f.tip.action] == plan.Reroot {
		if r.tip.epoch == r.epoch {
			r.fork(r.tip.tipID)
		}
		r.rerooted |= 1 << r.epoch
		r.lost = false
	}
	r.tip = f.tip
	r.tip.epoch = r.epoch
	x.auditReleased(role, r.tip)
	r.flights = [maxFlights]flight{}
	x.accepted(role, r.tip)
}

// fork begins a new line of history.
func (r *ref) fork(from tipID) {
	r.epoch++
	r.forks[r.epoch] = from
}

// goBack is a server restored from a backup, or a deleted ref.
func (r *ref) goBack(to tip) {
	r.back, r.lost = r.tip.tipID, true
	r.fork(to.tipID)
	r.tip = to
	r.flights = [maxFlights]flight{}
}

// pushBack is a node that knows a descendant of the tip and pushes it again
// (R10).
func (x *explorer) pushBack(i int) {
	n, r := &x.w.nodes[i], x.claimOf(i)
	if !r.ancestor(r.tip.tipID, n.own.tipID) || r.tip.tipID == n.own.tipID {
		return
	}
	r.tip = n.own
	r.fork(r.tip.tipID)
	r.flights = [maxFlights]flight{}
	if r.ancestor(r.back, r.tip.tipID) {
		r.lost = false
	}
}
