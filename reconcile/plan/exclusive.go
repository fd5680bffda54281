package plan

import "strconv"

// exclusive decides for a node of an exclusive role. What must stop whatever a
// person or a document says comes first (R1, R7, fenced), then what a pause
// suspends, then what a claim that went back forbids, then the plain case.
func (p *pass) exclusive() {
	p.pointAtHolder()
	if rule, why := p.forced(); rule != "" && p.halt(rule, why) {
		return
	}
	switch {
	case p.paused():
	case p.isCopy():
		p.rest()
		p.say(Held, R3, "two agents call themselves %s, and the other one was there first: this one leaves the claim alone", p.doc.Node)
	case p.in.Claim.Regressed:
		p.regressed()
	case p.in.Claim.Tip.Action == Move:
		p.movedAway(p.in.Claim.Tip)
	case p.wants():
		p.up()
	default:
		p.down()
	}
}

// pointAtHolder renders an exclusive role's own files for the claim's holder.
func (p *pass) pointAtHolder() {
	if s := p.in.Claim.Tip.Holder.Side(); s != "" {
		p.point(s)
	}
}

// forced returns the rule by which services must be down now, at once and
// without drain, or "".
func (p *pass) forced() (Rule, string) {
	c := p.in.Claim
	switch {
	case p.doc.Fenced == p.doc.Side && !p.isPaused():
		return R2, "the document says fenced: " + string(p.doc.Fenced) + ", so this side stays down"
	case p.mem.Local == R9 && p.takeover():
		return "", ""
	case c.Known() && !p.mine():
		return R1, "the claim is " + p.holding(c.Tip)
	case p.outranked():
		return R10, p.doc.Peer + " runs under claim seq " + strconv.FormatUint(p.in.Peer.Seq, 10) +
			", above this side's own: the claim went back"
	case p.leaseExpired():
		return R7, "the claim was not read within its lease of " + p.lease().String()
	case p.strayAfterBoot() && !p.isPaused():
		return R3, "services run that no claim push was won for since boot"
	}
	return "", ""
}

// outranked reports whether the other side says that it runs under a claim of its
// own with a seq that this node's claim never had. Of two fencing tokens the higher
// one counts: this node's claim was restored from before the other side took it, and
// nobody saw the other side stop (R10).
func (p *pass) outranked() bool {
	r := p.in.Peer
	return p.mine() && r.Known && r.Running && r.Holder == HeldBy(p.other()) && r.Seq > p.in.Claim.Tip.Seq
}

// holding says in words who holds a claim that is not this node's.
func (p *pass) holding(t Tip) string {
	switch {
	case t.Free():
		return "free"
	case p.named(t):
		return "held by another agent that calls itself " + p.doc.Node
	case t.Holder.Side() == p.doc.Side:
		return "held by another instance of this side"
	}
	return "held by " + string(t.Holder)
}

// strayAfterBoot reports whether services run although this boot has seen no
// start: something else started them.
func (p *pass) strayAfterBoot() bool {
	return p.mem.Stage == StageIdle && !p.in.Memory.Fresh && p.wants() && !p.allDown()
}

// halt carries out a forced stop, and reports whether that is the whole decision. It is
// not when everything is down already and this side is not fenced (R2): then waiting
// and taking over go on.
func (p *pass) halt(rule Rule, why string) bool {
	if p.allDown() {
		if p.mem.Stage != StageClaiming || rule == R2 {
			p.rest()
		}
		if rule == R2 {
			p.say(Inactive, rule, "%s", why)
		}
		return rule == R2
	}
	leased := p.lease() > 0 || p.in.Claim.Tip.Guarantee == Lease || p.in.Claim.Tip.Debt > 0
	if p.mem.Stage != StageStopping || p.mem.StopRule != rule && !p.mem.StopLeased {
		p.stopping(rule)
	}
	p.mem.StopRule, p.mem.StopLeased = rule, p.mem.StopLeased || leased
	p.mem.Local, p.mem.WasActive = "", false
	p.say(Deactivating, rule, "%s", why)
	p.stopServices(rule, atOnce)
	p.fenceSelf()
	return true
}

// stopping begins a stop: from here on, any start needs a new claim push (R3).
func (p *pass) stopping(rule Rule) {
	p.mem.Stage, p.mem.StopRule, p.mem.StopSince = StageStopping, rule, p.in.Now
	p.mem.StopLeased, p.mem.DrainEnded = false, false
	p.mem.FencedAt = 0
	clear(p.mem.Tries)
}

// rest forgets a start that is over.
func (p *pass) rest() {
	p.mem.Stage, p.mem.StopRule, p.mem.StopLeased = StageIdle, "", false
	p.mem.Local, p.mem.WasActive, p.mem.Leaving = "", false, false
	p.mem.FencedAt = 0
}

// paused observes and reports only (R11). Services found down need a new claim push
// to start (R3). Services that a person started go on while the claim is renewed.
func (p *pass) paused() bool {
	if !p.isPaused() {
		return false
	}
	why := p.doc.Reason
	if p.in.Pause != nil {
		why = p.in.Pause.Reason
	}
	switch {
	case !p.doc.Exclusive:
	case p.allDown():
		p.rest()
	case p.mem.Stage == StageIdle && p.mine():
		p.newStart()
	}
	p.say(Paused, R11, "%s", why)
	return true
}

func (p *pass) isPaused() bool { return p.in.Pause != nil || p.doc.Paused }

// regressed holds everything while the claim went back (R10): nobody starts,
// what runs goes on if declared and stops if not.
func (p *pass) regressed() {
	p.out.Restore = p.in.Claim.Restorable
	p.reroot()
	switch {
	case p.serving() && p.wants():
		p.keepServices(R10)
	case !p.allDown():
		p.leave(R10, "the claim went back and the other side is declared")
	default:
		p.rest()
		p.say(Held, R10, "the claim on the server does not descend from seq %d, the last one known: "+
			"nobody starts until a node restores it or a person accepts it", p.in.Claim.Tip.Seq)
	}
}

// movedAway holds everything while the claim is at another place (R13): what serves
// goes on, whatever is declared, and nothing else begins.
func (p *pass) movedAway(t Tip) {
	p.mem.Waiting, p.mem.Leaving = false, false
	why := "the claim is being carried to " + t.To + ": give this node that coordination, and restart its agent"
	p.warn(CondCoordinationMoved, "%s", why)
	switch {
	case p.serving():
		p.mem.Stage = StageServing
		p.keepServices(R13)
	case !p.allDown():
		p.leave(R13, why)
	default:
		p.rest()
		p.say(Held, R13, "%s", why)
	}
}

// reroot puts the claim as this node last knew it above every seq ever seen, on
// a person's word (R9).
func (p *pass) reroot() {
	ask, c := p.in.Takeover, p.in.Claim
	if ask == nil || !ask.Reroot || !c.Read || p.void {
		return
	}
	tip, parent := c.Tip, c.Tip.ID
	tip.Seq = max(tip.Seq, c.Elsewhere)
	if c.Regressed {
		tip.Seq, parent = max(tip.Seq, c.ServerSeq), c.Server
	}
	tip.Seq = min(tip.Seq, MaxSeq-1) // so that what comes after it is still a claim
	next := c.Tip.Claim
	if c.Tip.Free() {
		next.Holder, next.Node, next.Instance = HeldByNone, p.doc.Node, p.in.Instance
	}
	if next.Guarantee != Attested {
		next.Document = "" // nobody took it over by hand: no document is overruled by it
	}
	next.Action, next.Guarantee, next.Reason, next.Commit = Reroot, Attested, ask.Attest, p.doc.Commit
	if p.named(c.Tip) {
		next.Run = p.in.Run // the person speaks of this machine, whatever its disk knows
	}
	p.out.Restore, p.mem.Returned = false, false
	p.out.Push = &Push{Parent: parent, Claim: Next(tip, next), Rule: R9, Known: c.Tip.ID}
}

// noteReroot ends a person's word about a claim that went back: it was carried out, or what is on
// the server is not what the person saw any more (R9).
func (p *pass) noteReroot() {
	c, at := p.in.Claim, p.in.Claim.Tip.ID
	if c.Regressed {
		at = c.Server
	}
	p.out.Done = c.Read && !c.Regressed && c.Elsewhere <= c.Tip.Seq
	switch {
	case !c.Read || p.out.Done:
	case !p.mem.Stated:
		p.mem.Stated, p.mem.StatedOn = true, at
	case p.mem.StatedOn != at:
		p.void, p.out.Done = true, true
		p.warn(CondStatementVoid, "the claim on the server changed after a person stated: %s; the statement is not carried out: "+
			"look at both nodes, and state it again if it is true", p.in.Takeover.Attest)
	}
}

// renewServing renews the claim while it serves when it was won for another
// start than the one this node remembers: its memory is not to be trusted.
func (p *pass) renewServing() {
	t := p.in.Claim.Tip
	if p.mem.Local != "" || !p.mine() || !p.in.Claim.Read {
		return
	}
	if t.Start == p.mem.Start {
		p.vouch(t)
		return
	}
	p.mem.Start = max(p.mem.Start, t.Start+1)
	c := p.own(Renew, t.Guarantee)
	c.Reason = "this side serves and its memory of the start was lost"
	p.push(c, R3)
}

// vouch writes a person's statement into the claim: the machine that held it before this one
// is gone. From then on this machine alone proves that its side is down (R9, R12).
func (p *pass) vouch(t Tip) {
	ask := p.in.Takeover
	if ask == nil || !ask.Adopt || p.void || !t.Unseen() {
		return
	}
	c := p.own(Adopt, t.Guarantee)
	c.Reason, c.Debt = ask.Attest, t.Debt
	p.push(c, R9)
}

func (p *pass) serving() bool {
	return p.mem.Stage == StageServing || p.mem.Stage == StageDraining
}

// up is for a side that is to serve.
func (p *pass) up() {
	p.mem.Leaving = false
	g, why := p.gate()
	switch {
	case p.serving() && g == gateLeft:
		p.leave(RFollow, why)
	case p.serving():
		p.mem.Stage = StageServing
		p.renewServing()
		p.serve()
	case g == gateLeft && p.mine():
		p.away(why)
	case g != gateOpen:
		p.mem.Waiting = false
		p.say(Held, RFollow, "%s", why)
	default:
		p.comeUp()
	}
}

// away stops what is left of a follower whose role moved to the other side.
func (p *pass) away(why string) {
	if p.allDown() {
		p.rest()
		p.say(Held, RFollow, "%s", why)
		p.release(RFollow, why)
		return
	}
	p.leave(RFollow, why)
}

// down is for a side that is not to serve.
func (p *pass) down() {
	p.mem.Waiting = false
	switch {
	case p.serving():
		p.stepDown()
	case !p.allDown():
		p.leave(R2, "the document declares "+string(p.doc.Active))
	default:
		p.rest()
		p.inactive()
	}
}

// inactive is a side that is down: it gives back a claim it still holds.
func (p *pass) inactive() {
	p.say(Inactive, R2, "the document declares %s", p.doc.Active)
	switch left := p.returnLeft(); {
	case !p.mine():
	case left > 0:
		p.say(Inactive, R3, "the document declares %s; this machine came back and listens to git for two polls before it releases the claim", p.doc.Active)
		p.until(p.in.Now + left)
	default:
		p.release(R2, p.orEnded("all services were observed down"))
	}
	if t := p.in.Takeover; t != nil && t.Adopt && p.in.Claim.Read {
		p.adopt()
	}
}
