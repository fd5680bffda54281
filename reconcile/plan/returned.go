package plan

import (
	"slices"
	"time"
)

// longestReturn bounds the wait of a machine that came back, whatever the document's
// poll is (R3).
const longestReturn = time.Minute

// returnWait is how long a machine that came back listens before it goes by what it
// knew: two polls, in which every other node that reads git has looked at it once (R3).
func (d *Doc) returnWait() time.Duration { return min(2*d.Poll, longestReturn) }

// cameBack notes that this run of the agent found its services down. R3: what the
// claim and the disk say may both be from one old backup, and this machine may be a
// copy of one that serves.
func (p *pass) cameBack() {
	p.mem.Returned = p.doc.Exclusive && p.doc.Coordinated && p.doc.returnWait() > 0
	p.mem.ReturnTimed, p.mem.ReturnedSince = false, 0
}

// listened counts the wait of a machine that came back: only time in which the claim
// could be read, because nobody else could be heard in any other. Once it is over, a
// claim that names this machine and a run which its disk does not know of is this
// machine's own: its disk was restored, and no copy of it has spoken.
func (p *pass) listened() {
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

// returnLeft is what is left of the wait of a machine that came back. All of it is
// left while the claim cannot be read.
func (p *pass) returnLeft() time.Duration {
	if !p.mem.Returned {
		return 0
	}
	if !p.mem.ReturnTimed {
		return p.doc.returnWait()
	}
	return max(0, p.doc.returnWait()-p.since(p.mem.ReturnedSince))
}

// listening holds a machine back that came back, for as long as it has not heard
// whether the other side serves (R3). It reports whether it does.
func (p *pass) listening() bool {
	if !p.mem.Returned {
		return false
	}
	left := p.returnLeft()
	switch {
	case p.takeover(), p.doc.Fenced == p.other() && p.fenceHolds(): // a person knows
	case left > 0:
		p.say(Held, R3, "this machine came back: what it knows may be from an old backup, so it listens to git for two polls before it starts anything")
		p.listenOn(left)
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

func (p *pass) listenOn(left time.Duration) {
	if p.mem.ReturnTimed {
		p.until(p.in.Now + left)
	}
}

// heard reports whether the other side's node has reported since this run of the
// agent began: its report names this run.
func (p *pass) heard() bool { return p.in.Peer.Known && p.in.Run != "" && p.in.Peer.Heard == p.in.Run }

// isCopy reports whether another agent goes by this node's name, and this one is not
// the one that serves or served: it found its services down, and leaves the claim alone
// (R3).
func (p *pass) isCopy() bool { return p.in.Copied && p.mem.Returned && p.allDown() }

// named reports whether this very machine, or a copy of it, holds a claim.
func (p *pass) named(t Tip) bool {
	s := t.Holder.Side()
	return s != "" && s == p.doc.Side && t.Instance == p.in.Instance
}

// maxRuns bounds the runs that a memory names.
const maxRuns = 8

// knowRun notes a run of the agent that changed the claim as this machine's own.
func (p *pass) knowRun(run string) {
	if run == "" || slices.Contains(p.mem.Runs, run) {
		return
	}
	all := append(slices.Clone(p.mem.Runs), run)
	p.mem.Runs = all[max(0, len(all)-maxRuns):]
}

// ownRun reports whether a run of the agent that changed the claim was one on this
// machine's disk. A copy of the machine does not know the runs that began after it was
// made (R1). Older agents did not name theirs.
func ownRun(in *Input, m *Memory, run string) bool {
	return run == "" || in.Run == "" || run == in.Run || slices.Contains(m.Runs, run)
}

// KnowsRun is whether a run of the agent that changed the claim was one on this
// machine's disk, and not one of a copy of it (R1).
func (in *Input) KnowsRun(run string) bool { return ownRun(in, &in.Memory, run) }
