package sim

import (
	"fmt"
	"slices"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/permit"
	"mainstay/reconcile/record"
	"mainstay/spec"
)

// checker holds everything that happens against the invariants of the rules. It looks at what is really so, on the machines and on the server,
// and believes nothing that an agent says of itself.
type checker struct {
	w         *World
	violation string
	// tick orders what happens at one moment.
	tick uint64
	// wasActive is under which claim each side of a role was really Active.
	wasActive map[activeKey]bool
	// wasReady is who said it would take over, under which commit and claim.
	wasReady map[readyKey]bool
	// highest is the highest seq of a role's claim there ever was; blind says
	// that it was lost and no report on the server tells.
	highest map[string]uint64
	blind   map[string]bool
	// changed is when the holder of a role's claim changed last.
	changed map[string]time.Duration
	// dual is how long both sides of xivo and of cc were active.
	dual [2]overlap
}

type activeKey struct {
	role string
	side spec.Side
	seq  uint64
}

type readyKey struct {
	node, commit string
	seq          uint64
}

// overlap is how long both sides of a role were really active.
type overlap struct {
	long  time.Duration
	since time.Duration
	now   bool
}

// mark is what the checker knows of one machine.
type mark struct {
	// ended is when the newest stop, reboot or restart onto nothing came: a
	// claim that was won before it allows no start any more (R3).
	ended uint64
	// serving is whether the agent, by its memory, may have services running.
	serving bool
	// excused says that the other side presumed this one dead while it was not,
	// presumed that this one itself started on a presumption.
	excused, presumed bool
	// lost is the start for which this one had won the claim when the other side presumed
	// it dead: it may begin before it reads that. It is zero for none.
	lost uint64
	// readyAt is when all services really ran and answered last.
	readyAt uint64
	start   uint64
	tips    map[string]uint64
	commit  string
}

func newChecker(w *World) checker {
	return checker{w: w, wasActive: map[activeKey]bool{}, wasReady: map[readyKey]bool{},
		highest: map[string]uint64{}, blind: map[string]bool{}, changed: map[string]time.Duration{}}
}

func (c *checker) fail(format string, args ...any) {
	if c.violation == "" {
		c.violation = fmt.Sprintf("%s: ", c.w.now.Round(time.Millisecond)) + fmt.Sprintf(format, args...)
		c.w.trace("VIOLATION", "%s", c.violation)
	}
}

// step looks at the machines after every event: never two active without a
// presumption.
func (c *checker) step() {
	c.tick++
	var busy [2]*node
	for _, n := range c.w.nodes {
		if n.side == "" {
			continue
		}
		m := &n.mark
		active := n.active()
		if n.allReady() {
			m.readyAt = c.tick
		}
		if !active && !m.serving && m.lost == 0 {
			m.excused, m.presumed = false, false
		}
		if !active {
			continue
		}
		i := 0
		if n.role == "cc" {
			i = 1
		}
		if busy[i] != nil {
			c.dual[i].now = true
			c.both(busy[i], n)
		}
		busy[i] = n
	}
	for i := range c.dual {
		c.dual[i].measure(c.w.now)
	}
}

func (c *checker) both(a, b *node) {
	if a.mark.excused || a.mark.presumed || b.mark.excused || b.mark.presumed || c.blind[a.role] {
		return
	}
	c.fail("both %s and %s are active, and nobody presumed anything", a.machine, b.machine)
}

// measure adds up for how long both sides were active.
func (d *overlap) measure(now time.Duration) {
	if d.now && d.since == 0 {
		d.since = now
	}
	if !d.now && d.since > 0 {
		d.long += now - d.since
		d.since = 0
	}
	d.now = false
}

func (c *checker) poweredOff(n *node) {
	c.tick++
	n.mark.ended, n.mark.serving = c.tick, false
}

func (c *checker) agentStarted(n *node) {
	c.tick++
	n.mark.tips, n.mark.commit = map[string]uint64{}, ""
	if !n.active() && !n.runs() { // what a person started meanwhile looks as if it had never stopped
		n.mark.ended, n.mark.serving = c.tick, false
	}
}

// learnt holds what a look believed against what the server knows: nothing
// changes on bad input, and seq only grows, but for a claim of another role that went
// back and whose holder was Active under it since (R10).
func (c *checker) learnt(n *node, s *reconcile.Snapshot) {
	s0 := c.w.server
	if a := s.Accepted; a != nil && a.Commit != n.mark.commit {
		if !s0.good[a.Commit] {
			c.fail("%s accepted the bad commit %s", n.machine, a.Commit)
		}
		if n.mark.commit != "" && !s0.descends(a.Commit, n.mark.commit) && n.overridden != a.Commit {
			c.fail("%s accepted %s, which does not descend from %s", n.machine, a.Commit, n.mark.commit)
		}
		n.mark.commit = a.Commit
	}
	for role, v := range s.Claims {
		if v.Tip.Seq < n.mark.tips[role] && (role == n.role || !c.wasActive[activeKey{role, v.Tip.Holder.Side(), v.Tip.Seq}]) {
			c.fail("%s believes claim %s at seq %d after %d", n.machine, role, v.Tip.Seq, n.mark.tips[role])
		}
		n.mark.tips[role] = v.Tip.Seq
	}
}

// pushes looks at a claim push as it is sent: the memory of it is on disk
// first, and nobody gives back a claim while its services run (R2).
func (c *checker) pushes(n *node, p plan.Push) {
	if p.Claim.Action == plan.Release && n.active() {
		c.fail("%s releases while its services run", n.machine)
	}
	var m plan.Memory
	if c.w.server.tip(n.role).ID != p.Parent || n.disk.peek("memory", &m) != nil {
		return
	}
	if m.Pending == nil || m.Pending.Parent != p.Parent {
		c.fail("%s pushes a %s of claim %d that its disk knows nothing of", n.machine, p.Claim.Action, p.Claim.Seq)
	}
}

// landed looks at a claim push that won: seq grows by one, and each change is
// one that the claim before it allows.
func (c *checker) landed(role string, before plan.Tip, p plan.Push) {
	a := p.Claim
	if a.Seq != before.Seq+1 && (a.Action != plan.Reroot || a.Seq <= before.Seq) {
		c.fail("claim %s goes from seq %d to %d", role, before.Seq, a.Seq)
	}
	own := before.Instance == a.Instance && !before.Free()
	if a.Instance != before.Instance || a.Action == plan.Release {
		c.changed[role] = c.w.now
	}
	ok := map[plan.Action]bool{
		plan.Take: before.Free(), plan.Renew: own, plan.Release: own, plan.Reroot: true,
		plan.Seize: before.Holder.Side() != "" && before.Holder != a.Holder,
		plan.Adopt: before.Holder == a.Holder && (!own || before.Unseen() || before.Run != a.Run), // a person speaks for the holder of a side of several machines (R12), or for a copy (R1)
	}[a.Action]
	if !ok {
		c.fail("%s makes a %s of claim %s held by %s (%s)", a.Node, a.Action, role, before.Holder, before.Instance)
	}
	for _, n := range c.w.nodes {
		if n.fingerprint != a.Instance || n.role != role {
			continue
		}
		if a.Action == plan.Release && n.active() {
			c.fail("a release by %s lands while its services run", n.machine)
		}
		if a.Guarantee == plan.Presumed && (a.Action == plan.Seize || a.Action == plan.Take) {
			c.excuse(n)
			c.overtake(n, before)
		}
	}
	if a.Seq > c.highest[role] {
		c.highest[role], c.blind[role] = a.Seq, false
	}
}

// wentBack is a claim restored from a backup. If no report on the server names
// the seq that was lost, nobody can know (R10).
func (c *checker) wentBack(role string) {
	c.blind[role], c.changed[role] = true, c.w.now
	for _, n := range c.w.nodes {
		if n.role == role && c.w.server.reports[c.w.server.refs[plan.ReportRef(deployment, n.name)]].Seq >= c.highest[role] {
			c.blind[role] = false
		}
	}
}

func (c *checker) restored(role string) { c.blind[role], c.changed[role] = false, c.w.now }

// jobs: a job of the active side begins only on the machine that held the claim
// when this pass's look at it began (R5).
func (c *checker) jobs(n *node, in *plan.Input, d *plan.Decision) {
	after := *in
	after.Memory = d.Memory
	if !in.Doc.Exclusive || !in.Doc.Coordinated ||
		permit.Job(permit.Standing{Status: d.Status, Claim: permit.OwnClaimOf(&after)}, spec.WhenActive, false) != "" {
		return
	}
	if t := c.w.server.tip(n.role); t.Instance != n.fingerprint && c.changed[n.role] < n.worldTime(in.Claim.Began) {
		c.fail("%s may begin a job: it read the claim after %s had it", n.machine, t.Node)
	}
}

// passed looks at a decision before it is carried out.
func (c *checker) passed(n *node, e *record.Entry) {
	c.tick++
	in, d := &e.Input, &e.Decision
	if in.Doc == nil || n.side == "" {
		return
	}
	c.paused(n, in, d)
	c.fenced(n, in, d)
	c.jobs(n, in, d)
	for _, s := range d.Steps {
		switch s.Do {
		case plan.DoStart:
			c.starts(n, in, d)
		case plan.DoStop:
			c.stops(n, in, s)
		}
	}
	n.mark.serving = d.Memory.Stage != plan.StageIdle && d.Memory.Stage != plan.StageClaiming
	if d.Memory.Stage != plan.StageClaiming || d.Memory.Start != n.mark.lost {
		n.mark.lost = 0
	}
	if d.Ready {
		c.wasReady[readyKey{n.name, in.Doc.Commit, in.Claim.Tip.Seq}] = true
	}
	if d.Status == plan.Active {
		c.active(n, in)
	}
}

// paused: a paused node is touched by R1 and R7 only (R11).
func (c *checker) paused(n *node, in *plan.Input, d *plan.Decision) {
	if !in.Doc.Paused && in.Pause == nil {
		return
	}
	for _, s := range d.Steps {
		if s.Do != plan.DoStop && s.Do != plan.DoSelfFence || s.Rule != plan.R1 && s.Rule != plan.R7 {
			c.fail("%s is paused and does %s by %s", n.machine, s.Do, s.Rule)
		}
	}
}

// fenced: what runs stops as soon as the claim is read to be somebody else's,
// whatever the document says (R1); a takeover without git is a person's word.
func (c *checker) fenced(n *node, in *plan.Input, d *plan.Decision) {
	t := in.Claim.Tip
	own := t.Holder.Side() == n.side && t.Instance == n.fingerprint
	if !in.Doc.Coordinated || !in.Claim.Known() || own || d.Memory.Local == plan.R9 || d.Memory.Stage == plan.StageStopping {
		return
	}
	for _, o := range in.Services {
		if !o.Down() {
			c.fail("%s goes on although claim %d is held by %s", n.machine, t.Seq, t.Holder)
		}
	}
}

// starts: no start from stopped without a claim push won for it (R3), and a
// follower only where the role it follows was Active.
func (c *checker) starts(n *node, in *plan.Input, d *plan.Decision) {
	m := &n.mark
	first := m.start != d.Memory.Start
	m.start = d.Memory.Start
	switch {
	case d.Memory.Local != "":
		m.presumed = m.presumed || d.Memory.Local == plan.R6
		return
	case !in.Doc.Coordinated:
		m.presumed = m.presumed || d.Memory.Guarantee == plan.Presumed
		return
	}
	won := c.w.server.won[startKey{n.role, n.fingerprint, d.Memory.Start}]
	if t := in.Claim.Tip; d.Memory.Stage == plan.StageServing && t.Instance == n.fingerprint {
		// healing under the claim that a run before this one won, while it is renewed (R5)
		won = max(won, c.w.server.won[startKey{n.role, n.fingerprint, t.Start}])
	}
	if won <= m.ended {
		c.fail("%s starts under start %d, for which no claim push was won since it was stopped", n.machine, d.Memory.Start)
	}
	if first && in.Claim.Tip.Guarantee == plan.Fenced && c.untrue(n, in.Doc) {
		c.excuse(n)
	}
	f := in.Followed
	if f == nil || n.active() || in.Memory.Stage == plan.StageServing { // healing is no start
		return
	}
	if t := f.Claim.Tip; t.Holder.Side() != n.side || !c.wasActive[activeKey{in.Doc.Follows, n.side, t.Seq}] {
		c.fail("%s starts, and %s was never Active on %s under claim %d", n.machine, in.Doc.Follows, n.side, t.Seq)
	}
}

// untrue reports whether the document a node goes by says that the other side is
// off, nobody has withdrawn that, and it is not off: the person who stated it has
// accepted what follows.
func (c *checker) untrue(n *node, d *plan.Doc) bool {
	s := c.w.server
	withdrawn := c.w.settings.Fenced != d.Fenced && s.descends(s.lastGood, d.Commit)
	if d.Fenced != n.side.Other() || withdrawn {
		return false
	}
	return slices.ContainsFunc(c.w.nodes, func(o *node) bool { return o.role == n.role && o.side == d.Fenced && o.on })
}

// excuse notes that the other side is active while n takes over on a presumption:
// R4 allows that, and a person accepted it in the document.
func (c *checker) excuse(n *node) {
	for _, o := range c.w.nodes {
		if o.role == n.role && o.side == n.side.Other() && (o.active() || o.mark.serving || o.suspended) {
			o.mark.excused = true
		}
	}
}

// overtake notes that n presumed the holder of a claim dead that may be about to start
// under it: two presumptions at one moment.
func (c *checker) overtake(n *node, before plan.Tip) {
	for _, o := range c.w.nodes {
		if o.role == n.role && o.side == n.side.Other() && o.fingerprint == before.Instance && before.Holder.Side() == o.side {
			o.mark.excused, o.mark.lost = true, before.Start
		}
	}
}

// stops: the last serving side never stops for a side that is not there (R2).
func (c *checker) stops(n *node, in *plan.Input, s plan.Step) {
	if in.Memory.Stage != plan.StageClaiming { // what is stopped then is somebody else's start
		n.mark.ended = c.tick
	}
	served := in.Memory.Stage == plan.StageServing
	if s.Rule != plan.R2 || !served || !n.active() || in.Doc.Fenced == n.side || in.Doc.Handover.Absent == spec.AbsentStop {
		return
	}
	if !c.wasReady[readyKey{in.Doc.Peer, in.Doc.Commit, in.Claim.Tip.Seq}] {
		c.fail("%s stops for %s, which never said it is ready", n.machine, in.Doc.Peer)
	}
}

// active: what is reported Active was really ready under this start.
func (c *checker) active(n *node, in *plan.Input) {
	if n.mark.readyAt <= n.mark.ended {
		c.fail("%s reports Active and was never ready", n.machine)
	}
	c.wasActive[activeKey{n.role, n.side, in.Claim.Tip.Seq}] = true
}
