package plan

import (
	"time"

	"mainstay/spec"
)

// comeUp brings a stopped side up. The side wins a claim push made for this start,
// waits out what the claim may owe, and only then starts anything (R3, R4, R7).
func (p *pass) comeUp() {
	c := p.in.Claim
	switch {
	case p.in.Blocked != "":
		p.say(Failed, RService, "%s", p.in.Blocked)
	case p.in.Late:
		p.say(Held, R5, "this pass came much too late: looking at git before anything starts")
	case p.in.Reading:
		p.say(Held, R8, "reading the newest commit before anything starts")
	case p.takeover() && !c.Reachable && !p.mem.OldWord:
		p.startLocal(R9, Attested)
		p.serve()
	case c.Elsewhere > c.Tip.Seq:
		p.say(Held, R10, "a report names claim seq %d and the claim is at %d: nobody starts until a node restores it "+
			"or a person runs mainstay accept --claim here", c.Elsewhere, c.Tip.Seq)
		p.reroot()
	case !c.Read, p.in.Unread && !p.won() && !p.takeover():
		p.withoutGit()
	case p.mine():
		p.mem.Waiting = false
		p.startOwn()
	default:
		p.out.Ready = p.doc.Active == p.doc.Side && (c.Tip.ID == "" || p.returnLeft() == 0)
		p.acquire()
	}
}

// newStart gives a start its number, once. A push that was won for an earlier start
// does not count for this one (R3).
func (p *pass) newStart() {
	if p.mem.Stage == StageClaiming {
		return
	}
	p.mem.Stage = StageClaiming
	p.mem.Start = max(p.mem.Start, p.ownTipStart()) + 1
	p.mem.StopRule, p.mem.WasActive, p.mem.Local = "", false, ""
	p.mem.DrainEnded, p.mem.Returned = false, false
	clear(p.mem.Tries)
}

// won reports whether the claim was won for the present start (R3).
func (p *pass) won() bool {
	return p.mem.Stage == StageClaiming && p.mine() && p.in.Claim.Tip.Start == p.mem.Start
}

// ownTipStart is the start the claim was last won for, when it is this node's:
// a node that lost its memory must not use that number again.
func (p *pass) ownTipStart() uint64 {
	if p.mine() {
		return p.in.Claim.Tip.Start
	}
	return 0
}

// startOwn starts under a claim that this instance holds: it renews the claim for
// this start, waits out what the claim owes, and serves (R3, R7).
func (p *pass) startOwn() {
	if p.listening() {
		return
	}
	p.newStart()
	t := p.in.Claim.Tip
	if t.Start != p.mem.Start {
		p.renew(t)
		return
	}
	if p.leaseExpired() {
		p.say(Held, R7, "the claim must be read again before anything starts under its lease")
		return
	}
	if left := p.holdLeft(); left > 0 {
		p.say(Held, R7, "the claim is won; waiting out the other side's lease and stop bound")
		p.until(p.in.Now + left)
		p.stopServices(R7, atOnce) // somebody else started what runs
		return
	}
	p.mem.Stage, p.mem.Guarantee = StageServing, t.Guarantee
	p.serve()
}

// renew renews this node's own claim for the present start. R3: the renewal defeats
// every late push, of this node and of the other side.
func (p *pass) renew(t Tip) {
	c := p.own(Renew, t.Guarantee)
	c.Reason = "a new start on this side"
	if p.takeover() {
		c.Guarantee, c.Reason, c.Debt = Attested, p.in.Takeover.Attest, 0
	}
	p.say(Activating, R3, "renewing the claim for this start")
	p.push(c, R3)
}

// acquire wins a claim that is free or held by another, by the best guarantee there is (R4).
func (p *pass) acquire() {
	if !p.mem.Waiting {
		p.mem.Waiting, p.mem.WaitSince = true, p.in.Now
	}
	t := p.in.Claim.Tip
	if t.Free() {
		if g, why := p.free(t).Proven(); g != "" {
			if t.ID != "" && p.listening() {
				return
			}
			p.win(Take, g, R3, why, t.Debt.D())
			return
		}
	}
	switch {
	case t.Holder.Side() == p.doc.Side:
		p.adopt()
	case p.takeover():
		p.win(from(t), Attested, R9, p.in.Takeover.Attest, 0)
	case !t.Free() && p.mem.HeldUnder == p.doc.Commit && t.Commit != p.doc.Commit:
		p.say(Held, R4, "%s took the claim under commit %.12s, which this node has not accepted: commit again, or fence %s",
			t.Node, t.Commit, p.other())
	case p.doc.Fenced == p.other() && p.fenceHolds():
		p.win(from(t), Fenced, R4, "the document says fenced: "+string(p.other()), 0)
	case !t.Free() && t.Guarantee == Attested && t.Document == p.doc.Digest:
		p.say(Held, R9, "%s was taken over by hand: to come back here, run `mainstay takeover --end` on it; to stay there, commit its side as active", t.Node)
	default:
		p.waitForRelease(t)
	}
}

// from is the action by which this node makes a claim its own: a take of a free
// claim, or a seizure of one that another node holds (R4).
func from(t Tip) Action {
	if t.Free() {
		return Take
	}
	return Seize
}

// fenceVoid takes the place of a tip: the other side has changed the claim since
// it was fenced.
const fenceVoid = "void"

// learnFence notes on which claim the other side was fenced. R4: a fencing is a
// person's statement about the other side as it was then. A change of the claim that
// this node makes itself does not end it.
func (p *pass) learnFence() {
	t := p.in.Claim.Tip
	switch {
	case !p.doc.Exclusive || p.doc.Fenced != p.other():
		p.mem.FencedUnder, p.mem.FencedOn = "", ""
	case !p.in.Claim.Read || p.in.Claim.Regressed:
	case p.mem.FencedUnder != p.doc.Commit:
		p.mem.FencedUnder, p.mem.FencedOn = p.doc.Commit, t.ID
	case t.ID == p.mem.FencedOn || p.mem.FencedOn == fenceVoid:
	case t.Instance == p.in.Instance:
		p.mem.FencedOn = t.ID
	default:
		p.mem.FencedOn = fenceVoid
	}
}

// fenceHolds reports whether a person's statement that the other side is off may
// be believed: no newer commit may have withdrawn it, and the other side has not
// changed the claim since, unless it says that it is down because of it (R4).
func (p *pass) fenceHolds() bool {
	peer := p.in.Peer
	obeyed := peer.Known && peer.Accepted == p.doc.Commit && !peer.Running
	switch {
	case p.in.Stale:
		p.warn(CondFencingNotBelieved, "%s is fenced in a document that may not be the newest one: "+
			"this node must read and accept the newest commit first", p.other())
	case p.in.Claim.Tip.ID != p.mem.FencedOn && !obeyed:
		p.warn(CondFencingNotBelieved, "%s changed the claim after it was fenced, so it was not off: "+
			"make sure that it is, and commit the fencing again", p.doc.Peer)
	default:
		return true
	}
	return false
}

// waitForRelease waits for the other side's release, and says what happens
// when none comes (R4: lease, then presumed). Under a free claim that says
// nothing of the other side it waits for that side's report (R12, R13).
func (p *pass) waitForRelease(t Tip) {
	if t.Action == Enter && !t.Free() && (!p.in.Peer.Known || p.in.Peer.Instance != t.Instance || p.in.Peer.Seq != t.Seq) {
		p.say(Held, R13, "the claim was carried here, and %s has not come here yet: give it this coordination", t.Node)
		return
	}
	end := p.mem.WaitSince + p.doc.Handover.Wait.D()
	if p.in.Peer.Known && p.in.Peer.Status == Deactivating && p.in.Peer.Seq == t.Seq {
		end += p.stopBoundOf(t) + p.drainBound() // same role, same drains
	}
	if p.in.Now < end {
		p.until(end)
		p.sayWaiting(t)
		return
	}
	if t.Lease > 0 && !t.Free() {
		p.win(Seize, Lease, R4, "no release came; the claim carries a lease", p.seizeWait(t))
		return
	}
	p.presume()
}

// stopBoundOf is how long the other side may take to stop: by the claim it holds,
// or by the document when it holds none.
func (p *pass) stopBoundOf(t Tip) time.Duration {
	if t.Free() {
		return p.doc.StopBound
	}
	return t.StopBound.D()
}

// sayWaiting says what is waited for.
func (p *pass) sayWaiting(t Tip) {
	switch {
	case t.ID == "":
		p.say(Held, R13, "there is no claim yet, and nothing says that %s is down: waiting for %s to report it", p.other(), p.peerName())
	case t.Free():
		p.say(Held, R12, "the claim is free, and nothing says that %s is down: waiting for %s to report it", p.other(), p.peerName())
	case p.returnLeft() > 0 && p.in.Now+p.returnLeft() < p.out.Until:
		p.say(Held, R3, "this machine came back: it listens to git for two polls before it says that it is ready to take over from %s", p.peerName())
		p.until(p.in.Now + p.returnLeft())
	default:
		p.say(Held, R4, "waiting for %s to stop and release the claim", p.peerName())
	}
}

// peerName names the other side's node, or that side when the document has none.
func (p *pass) peerName() string {
	if p.doc.Peer == "" {
		return "a node of " + string(p.other())
	}
	return p.doc.Peer
}

// presume takes over from a side of which nothing is known, if neither the claim, nor
// a report, nor the witness says that it may run (R4: presumed).
func (p *pass) presume() {
	wait := p.doc.Handover.Wait.D()
	switch {
	case p.doc.Peer == "":
		p.say(Held, R4, "no release came, and the document names no node of this role on %s that could be asked: name it, "+
			"fence %s in the document, or run mainstay takeover on this node", p.other(), p.other())
	case p.doc.Handover.Unconfirmed != spec.UnconfirmedStart:
		p.say(Held, R4, "no release came and handover.unconfirmed is hold: fence %s in the document, "+
			"or run mainstay takeover on this node", p.other())
	case p.doc.PeerPaused || p.in.Peer.Paused:
		p.say(Held, R4, "no release came and %s is paused: resume it, or fence %s in the document", p.doc.Peer, p.other())
	case p.peerStuck():
		p.say(Held, R4, "%s reports that it could not stop: %s; stop it by hand, then fence %s in the document",
			p.doc.Peer, p.in.Peer.Reason, p.other())
	case !p.in.Claim.Reachable:
		p.say(Held, R4, "no release came, and the claim cannot be read now")
	case !p.witnessSilent(wait):
		p.holdForWitness(wait)
	default:
		why := "no release came and there is no witness to ask about " + p.doc.Peer
		if p.doc.Witness {
			why = "no release came and nothing answers on " + p.doc.Peer
		}
		p.win(from(p.in.Claim.Tip), Presumed, R4, why, p.in.Claim.Tip.Debt.D())
	}
}

// Stuck reports whether a node's report says that its stop failed: it was to stop for
// the other side, under the claim with seq, and runs. R4: nobody presumes a node dead
// that is known to run.
func (r Report) Stuck(seq uint64, to spec.Side) bool {
	return r.Status == Failed && r.Running && r.Seq == seq && r.Declared == to
}

func (p *pass) peerStuck() bool {
	r := p.in.Peer
	return r.Known && r.Stuck(p.in.Claim.Tip.Seq, p.doc.Side)
}

func (p *pass) holdForWitness(wait time.Duration) {
	w := p.in.Witness
	if w.Unasked != "" {
		p.say(Held, R4, "no release came, and the witness could not be asked about %s: %s; a question that was not asked is not silence: "+
			"mend that, or fence %s in the document if it is off", p.doc.Peer, w.Unasked, p.other())
		return
	}
	if w.Known && w.Answers {
		p.say(Held, R4, "no release came, but %s still answers the witness probe: fence %s in the document if it is off",
			p.doc.Peer, p.other())
		return
	}
	p.say(Held, R4, "no release came; the witness must be silent for %s", wait)
	if w.Silent {
		p.until(w.SilentSince + wait)
	}
}

// witnessSilent reports whether the role's witness, if there is one, was silent
// all through wait.
func (p *pass) witnessSilent(wait time.Duration) bool {
	return !p.doc.Witness || p.in.Witness.Quiet() && p.in.Witness.SilentFor(p.in.Now) >= wait
}

// adopt makes a claim of another instance of this side this node's own. R9: only a
// person's statement that the other instance is dead allows it.
func (p *pass) adopt() {
	t := p.in.Claim.Tip
	if t.Holder.Side() != p.doc.Side || p.mine() {
		p.out.Done = true
		return
	}
	if p.in.Twin {
		p.say(Held, R9, "the claim is held by another machine, and another agent calls itself %s: stop the agent of the wrong machine, "+
			"and give it a node: of its own in its agent file", p.doc.Node)
		return
	}
	ask := p.in.Takeover
	if ask == nil || ask.Reroot || p.void {
		if p.named(t) {
			p.say(Held, R1, "the claim is held by another agent that calls itself %s, on a copy of this machine: stop one of the two; "+
				"if the other one is gone for good, run mainstay takeover --adopt on this node", t.Node)
			return
		}
		p.say(Held, R9, "the claim is held by another instance of %s (node %s): if that machine is gone for good, "+
			"run mainstay takeover --adopt on this node", p.doc.Side, t.Node)
		return
	}
	p.win(Adopt, Attested, R9, ask.Attest, t.Debt.D()) // the person vouches for this side, not for the other one
}

// win asks for the claim, for this start, under the document's terms.
func (p *pass) win(a Action, g Guarantee, r Rule, why string, debt time.Duration) {
	p.newStart()
	c := p.own(a, g)
	c.Reason, c.Debt = why, spec.Duration(debt)
	p.say(Activating, r, "%s: taking the claim (%s)", why, g)
	p.push(c, r)
}

// own is a claim of this node for the present start, under the document's terms (R7).
func (p *pass) own(a Action, g Guarantee) Claim {
	return Claim{Action: a, Holder: HeldBy(p.doc.Side), Start: p.mem.Start, Guarantee: g,
		Lease: p.doc.Handover.Lease, StopBound: spec.Duration(p.doc.StopBound), Debt: p.debt()}
}

// push asks to make c of the tip that was read. A tip below what a report names
// is not built on: that would hide that the claim went back (R10).
func (p *pass) push(c Claim, r Rule) {
	if p.in.Claim.Elsewhere > p.in.Claim.Tip.Seq {
		return
	}
	c.Node, c.Instance, c.Run = p.doc.Node, p.in.Instance, p.in.Run
	p.knowRun(c.Run)
	c.Commit, c.Document = p.doc.Commit, p.doc.Digest
	tip := p.in.Claim.Tip
	p.out.Push = &Push{Parent: tip.ID, Claim: Next(tip, c), Rule: r}
}
