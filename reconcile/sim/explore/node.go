package explore

import (
	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/silence"
	"mainstay/spec"
)

// crashPoint is where in carrying out a decision the agent dies.
type crashPoint uint8

const (
	survives     crashPoint = iota
	afterPersist            // the memory is on disk, nothing else was done
	afterPush               // the push was sent, no step has begun
)

// explorer applies moves to one world at a time. It is owned by one goroutine.
type explorer struct {
	cfg   *Config
	names *names
	w     *world

	in      plan.Input
	docs    [maxNodes][maxDocs + 1][256]*plan.Doc
	follow  plan.FollowView
	views   [3]plan.ReportView // what follow.Reports points at, by side
	tries   [1]plan.Tries
	renders [1]plan.Tries
	svc     [1]plan.Observed
	file    [1]plan.FileState
	probes  map[spec.Side]plan.ProbeView

	crash crashPoint
	cut   bool // this move is a person's word to end a drain
	// didPush and didStep tell, after a move, whether the decision had a push and
	// steps, so that the crashes between them can be tried too.
	didPush, didStep bool
	last             plan.Decision
	violation        string
}

func newExplorer(cfg *Config) *explorer {
	return &explorer{cfg: cfg, names: newNames(), follow: plan.FollowView{Reports: plan.SideReports{}},
		probes: map[spec.Side]plan.ProbeView{}}
}

// doc is what the accepted commit says to a node.
func (x *explorer) doc(i int) *plan.Doc {
	commit := x.w.nodes[i].doc
	if commit == 0 {
		return nil
	}
	code := x.w.docs[commit-1]
	slot := &x.docs[i][commit][code]
	if *slot == nil {
		*slot = x.makeDoc(i, commit, code)
	}
	return *slot
}

func (x *explorer) makeDoc(i int, commit uint8, code docCode) *plan.Doc {
	m := x.cfg.nodes[i]
	d := &plan.Doc{
		Commit: x.names.commits[commit], Digest: x.names.digests[code], Active: sides[declared(code)], Fenced: sides[fenced(code)],
		Node: m.name, Role: []string{"xivo", "cc", "edge"}[m.role], Exclusive: m.role != edge, Side: sides[m.side],
		Handover: x.cfg.handover(code), StopBound: stopBound, StopTime: stopTime, Coordinated: !x.cfg.readOnly,
		Witness: x.cfg.witness && m.role == xivo, Paused: m.role == xivo && pausedIn(code, m.side),
	}
	switch m.role {
	case cc:
		d.Follows = "xivo"
	case edge:
		d.Follows, d.Detect = "cc", x.cfg.detect
		return d
	}
	d.Services = []plan.Service{{Name: "service", ByHand: "stop service"}}
	if x.cfg.drain && m.role == xivo {
		d.Services[0].Drain = mid * unit
	}
	for _, o := range x.cfg.nodes {
		if o.role == m.role && o.side == other(m.side) {
			d.Peer = o.name
			d.PeerPaused = m.role == xivo && pausedIn(code, o.side)
		}
	}
	return d
}

// gather makes the input of a node's decision from what it knows.
func (x *explorer) gather(i int, restarted bool) *plan.Input {
	n, m := &x.w.nodes[i], x.cfg.nodes[i]
	x.in = plan.Input{
		Now: now, Boot: "boot", Instance: x.names.instances[i+1], Doc: x.doc(i), Restarted: restarted, Stale: n.stale, Unread: n.unread, Reading: x.asked(uint8(i)),
		Memory: x.planMemory(&n.mem), Witness: n.probe(),
	}
	in := &x.in
	if n.doc == 0 {
		return in
	}
	if m.role == edge {
		x.file[0] = plan.FileState{Path: "upstream.conf", Same: n.rendered == n.mem.serving && n.rendered != noSide}
		in.Files = x.file[:]
	} else {
		x.svc[0] = n.svc.observed()
		in.Services = x.svc[:]
	}
	x.gatherOrders(in, n)
	if x.cfg.readOnly {
		return in
	}
	if m.role != edge {
		in.Claim = plan.ClaimView{Tip: x.planTip(n.own), Read: n.read, Began: n.beganAt(), Reachable: n.reach, Joined: uint64(n.joined), Elsewhere: uint64(n.highest)}
		if n.regressed {
			in.Claim.Regressed, in.Claim.Restorable = true, n.restorable
			in.Claim.Server, in.Claim.ServerSeq = x.names.tip(n.server), uint64(n.server.seq)
		}
		in.Peer = x.planReport(n.peer, "peer")
	}
	if m.role != xivo {
		x.gatherFollowed(in, n)
	}
	return in
}

// beganAt is when the newest read of the claim began, zero when that is not known
// (R7).
func (n *node) beganAt() plan.Time {
	if !n.read && !n.kept {
		return 0
	}
	return at(n.began)
}

func (x *explorer) gatherOrders(in *plan.Input, n *node) {
	in.EndDrain = x.cut
	if n.paused {
		in.Pause = &plan.PauseOrder{Reason: "by hand"}
	}
	if n.order != orderNone {
		on := x.names.tip(n.orderOn)
		in.Takeover = &plan.TakeoverAsk{Attest: "stated", On: &on, Adopt: n.order == orderAdopt, Reroot: n.order == orderReroot}
	}
}

func (x *explorer) gatherFollowed(in *plan.Input, n *node) {
	x.follow.Claim = plan.ClaimView{Tip: x.planTip(n.fol), Read: n.fread, Reachable: n.freach, Regressed: n.fregressed}
	clear(x.follow.Reports)
	for s := mainSide; s <= standbySide; s++ {
		x.views[s] = x.planReport(n.sides[s], "")
		x.follow.Reports[sides[s]] = &x.views[s]
	}
	in.Followed = &x.follow
	if in.Doc.Detect {
		x.probes[spec.Main], x.probes[spec.Standby] = detectView(n.witness, mainSide), detectView(n.witness, standbySide)
		in.Detect = x.probes
	}
}

// The states of a node's witness.
const (
	witnessUnknown uint8 = iota
	witnessAnswers
	witnessSilent    // since less than handover.wait
	witnessLong      // all through handover.wait
	witnessLongStale // unused by xivo; edges keep two probes in this field
)

func (n *node) probe() plan.ProbeView {
	switch n.witness {
	case witnessAnswers:
		return heard(silence.HeardAnswer, now)
	case witnessSilent:
		return heard(silence.HeardNothing, now)
	case witnessLong:
		return heard(silence.HeardNothing, at(old))
	}
	return plan.ProbeView{}
}

// heard is what a probe says after one try, which is enough here: the explorer has
// no clock that a row of tries could be counted by.
func heard(h silence.Heard, at plan.Time) plan.ProbeView {
	return silence.Probing{Witness: true}.After(silence.Try{At: at, Heard: h}, 1).View
}

// detectView: an edge keeps which sides answered in its witness field, as bits,
// with bit 4 for having asked.
func detectView(bits uint8, s side) plan.ProbeView {
	if bits&16 == 0 {
		return plan.ProbeView{}
	}
	if bits&(1<<s) != 0 {
		return heard(silence.HeardAnswer, now)
	}
	return heard(silence.HeardNothing, now)
}

// act is one pass of a node's agent: decide, keep the memory, hand over the
// push, begin the steps; in this order, and it may die in between.
func (x *explorer) act(i int, restarted bool) {
	for range 3 {
		x.pass(i, restarted)
		restarted = false
		if !x.w.nodes[i].agent || x.last.Wake == 0 || x.last.Wake > now || x.violation != "" {
			return
		}
	}
}

func (x *explorer) pass(i int, restarted bool) {
	n := &x.w.nodes[i]
	in := x.gather(i, restarted)
	before := n.mem
	x.last = plan.Decide(in)
	d := &x.last
	n.mem = x.compactMemory(&d.Memory)
	x.tellGuard(i, in, d)
	x.didPush, x.didStep = x.didPush || d.Push != nil, x.didStep || len(d.Steps) > 0
	x.audit(i, in, &before)
	if x.crash == afterPersist && (d.Push != nil || len(d.Steps) > 0) {
		x.w.left.crashes--
		x.die(i)
		return
	}
	n.restore, n.out = d.Restore, x.report(i, d)
	if d.Done {
		n.order, n.orderOn = orderNone, tipID{}
	}
	if d.Push != nil {
		x.send(i, d.Push)
	}
	if x.crash == afterPush && len(d.Steps) > 0 {
		x.w.left.crashes--
		x.die(i)
		return
	}
	for _, s := range d.Steps {
		x.step(i, s)
	}
	x.settled(i)
}

func (x *explorer) report(i int, d *plan.Decision) report {
	n := &x.w.nodes[i]
	return report{known: true, inst: uint8(i + 1), ready: d.Ready, running: x.cfg.nodes[i].role != edge && n.svc.up(), paused: d.Status == plan.Paused,
		status: number(statuses, d.Status), seq: n.own.seq, doc: n.doc,
		free: x.cfg.terse && n.own.holder == noSide}
}

// telling is what reaches the server of a report.
func (x *explorer) telling(r report) report {
	s := statuses[r.status]
	if !x.cfg.terse || r.ready || r.paused || r.free && !r.running || s == plan.Deactivating || s == plan.Failed {
		return r
	}
	return report{}
}

// step begins one step. Its end is a move of its own.
func (x *explorer) step(i int, s plan.Step) {
	n := &x.w.nodes[i]
	switch s.Do {
	case plan.DoStart:
		x.begin(i, s)
		n.svc = starting
	case plan.DoStop:
		n.svc = stopping
	case plan.DoDrain:
		n.svc = draining
	case plan.DoRender:
		n.rendered = n.mem.serving
	case plan.DoSelfFence:
		x.powerOff(i)
		x.powerOn(i)
	}
}

// die ends the agent's process. What runs goes on, and what was being done to
// it is nobody's any more.
func (x *explorer) die(i int) {
	n := &x.w.nodes[i]
	n.agent = false
	n.forget()
	n.stale, n.unread = x.cfg.readOnly || x.cfg.apart, x.cfg.apart
	switch n.svc {
	case starting:
		n.svc = waking
	case stopping:
		n.svc = unverified
	case stuck, draining, drained, mute:
		n.svc = running
	case failed:
		n.svc = dead
	}
}

// forget is what a run of the agent knows and the next one does not.
func (n *node) forget() {
	n.kept = n.kept || n.read
	if !n.kept {
		n.began = 0
	}
	n.read, n.reach, n.regressed, n.restorable, n.fread, n.freach, n.fregressed = false, false, false, false, false, false, false
	n.server, n.highest, n.peer, n.sides = tipID{}, 0, report{}, [3]report{}
	n.fetch, n.restore, n.out, n.witness = fetch{}, false, report{}, witnessUnknown
}

func (x *explorer) powerOff(i int) {
	n := &x.w.nodes[i]
	x.die(i)
	n.power, n.svc, n.mem.boot = false, stopped, false
	n.kept, n.began = false, 0
	n.down, n.watch, n.guarding = 0, watch{}, false
	x.broughtDown(i)
}

func (x *explorer) powerOn(i int) {
	x.w.nodes[i].power = true
	x.restart(i)
}

// restart is a new run of the agent: it passes on what the disk knows. Under a
// lease it looks at git before that, which is a move of its own.
func (x *explorer) restart(i int) {
	n := &x.w.nodes[i]
	n.agent, n.down, n.guarding = true, 0, false
	x.act(i, true)
}
