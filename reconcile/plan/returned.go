package plan

import (
	"slices"
	"time"
)

// longestReturn bounds the wait of a machine that came back (R3).
const longestReturn = time.Minute

// returnWait is how long a machine that came back listens: in two polls every other node
// that reads git has looked at it once (R3).
func (d *Doc) returnWait() time.Duration { return min(2*d.Poll, longestReturn) }

// cameBack notes that this run of the agent found its services down (R3).
func (p *pass) cameBack() {
	p.mem.Returned = p.doc.Exclusive && p.doc.Coordinated && p.doc.returnWait() > 0
	p.mem.ReturnTimed, p.mem.ReturnedSince = false, 0
}

// countListening counts the time in which the claim could be read. Once it is over, a claim of
// this machine by a run that its disk does not know is its own: the disk was restored.
func (p *pass) countListening() {
	c := p.in.Claim
	switch {
	case !p.mem.Returned:
		return
	case !c.Read || !c.Reachable || c.Regressed:
		p.mem.ReturnTimed, p.mem.ReturnedSince = false, 0
		return
	case !p.mem.ReturnTimed:
		p.mem.ReturnTimed, p.mem.ReturnedSince = true, p.in.Now
	}
	if p.returnLeft() > 0 || p.in.Copied {
		return
	}
	if p.named(c.Tip) {
		p.knowRun(c.Tip.Run)
		return
	}
	p.mem.Returned = false
}

// returnLeft is what is left of that wait: all of it while the claim cannot be read.
func (p *pass) returnLeft() time.Duration {
	if !p.mem.Returned {
		return 0
	}
	if !p.mem.ReturnTimed {
		return p.doc.returnWait()
	}
	return max(0, p.doc.returnWait()-p.elapsed(p.mem.ReturnedSince))
}

// listening holds back a machine that came back, and reports whether it does (R3).
func (p *pass) listening() bool {
	if !p.mem.Returned {
		return false
	}
	switch left := p.returnLeft(); {
	case p.takeover(), p.doc.Fenced == p.other() && p.fenceHolds(): // a person knows
	case left > 0:
		p.say(Held, R3, "this machine came back: what it knows may be from an old backup, so it listens to git for two polls before it starts anything")
		p.until(p.in.Now + left)
		return true
	case p.heard() && p.in.Peer.Running:
		p.say(Held, R3, "this machine came back, and %s reports that it runs: stop it, or wait until it has stopped", p.doc.Peer)
		return true
	case p.doc.Witness && p.in.Witness.Known && p.in.Witness.Answers && !p.heard():
		p.say(Held, R3, "this machine came back, and %s answers the witness probe but has not reported since: "+
			"fence %s in the document if it is off, or run mainstay takeover on this node", p.doc.Peer, p.other())
		return true
	}
	p.mem.Returned = false
	return false
}

// heard reports whether the other side's node has reported since this run began.
func (p *pass) heard() bool { return p.in.Peer.Known && p.in.Run != "" && p.in.Peer.Heard == p.in.Run }

// isCopy reports whether this agent found its services down while one of its name lives.
func (p *pass) isCopy() bool { return p.in.Copied && p.mem.Returned && p.allDown() }

// named reports whether this machine or a copy of it holds a claim.
func (p *pass) named(t Tip) bool {
	s := t.Holder.Side()
	return s != "" && s == p.doc.Side && t.Instance == p.in.Instance
}

// knowRun notes a run of the agent that changed the claim as this machine's own.
func (p *pass) knowRun(run string) {
	if run == "" || slices.Contains(p.mem.Runs, run) {
		return
	}
	all := append(slices.Clone(p.mem.Runs), run)
	p.mem.Runs = all[max(0, len(all)-8):] // a push of an older run does not land any more
}

// believeFoundUp takes the claim that a new run of the agent reads first for this machine's own
// when it names this machine and services were found running: a disk that was full or
// damaged knows nothing of the run that made it, and no disk may stop a phone call (R5).
func (p *pass) believeFoundUp() {
	if !p.mem.FoundUp || !p.in.Claim.Read {
		return
	}
	if p.named(p.in.Claim.Tip) {
		p.knowRun(p.in.Claim.Tip.Run)
	}
	p.mem.FoundUp = false
}

// KnowsRun is whether a run that changed the claim was one on this machine's disk. A copy
// of the machine does not know those that began later (R1). Older agents named none.
func (in *Input) KnowsRun(run string) bool {
	return run == "" || in.Run == "" || run == in.Run || slices.Contains(in.Memory.Runs, run)
}
