package plan

import "mainstay/spec"

// stepDown is R2: this side serves and the other one is declared. It goes on
// until the other node is ready for this very document and this very claim, so
// that a commit never stops the last serving side for a side that is not there.
func (p *pass) stepDown() {
	if p.mem.Stage == StageDraining {
		p.leave(p.mem.StopRule, "the document declares "+string(p.doc.Active))
		return
	}
	if p.doc.Follows != "" {
		p.followDown()
		return
	}
	if !p.mem.Leaving {
		p.mem.Leaving, p.mem.LeaveSince = true, p.in.Now
	}
	wait := p.doc.Handover.Wait.D()
	waited := p.elapsed(p.mem.LeaveSince) >= wait
	switch {
	case p.peerReady():
		p.leave(R2, p.doc.Peer+" is ready to take over")
	case p.doc.Handover.Absent == spec.AbsentStop && waited:
		p.leave(R2, p.doc.Peer+" never said it is ready, and handover.absent is stop")
	default:
		p.serve()
		if p.out.Status == Active {
			p.say(Active, R2, "serving on: %s is declared, but %s has not said that it is ready", p.doc.Active, p.doc.Peer)
		}
		if p.doc.Handover.Absent == spec.AbsentStop {
			p.until(p.mem.LeaveSince + wait)
		}
	}
}

// followDown keeps a follower serving until its role has left this side.
func (p *pass) followDown() {
	if g, why := p.gate(); g == gateLeft {
		p.leave(RFollow, why)
		return
	}
	p.serve()
	if p.out.Status == Active {
		p.say(Active, RFollow, "serving on until %s has left %s", p.doc.Follows, p.doc.Side)
	}
}

// peerReady reports whether the other node said that it accepted this very
// commit and would take this very claim over. The same content is not enough: an
// earlier commit may have had it, and the node may be gone since.
func (p *pass) peerReady() bool {
	r := p.in.Peer
	return r.Known && r.Ready && !r.Paused && r.Accepted == p.doc.Commit && r.Seq == p.in.Claim.Tip.Seq
}

// leave is the planned way down: drain within its bound, stop in reverse order,
// observe that all are down, release (R2).
func (p *pass) leave(rule Rule, why string) {
	if p.draining(rule, why) {
		return
	}
	if p.mem.Stage != StageStopping {
		ended := p.drainEnded()
		p.stopping(rule)
		p.mem.DrainEnded = ended
	}
	why = p.orEnded(why)
	p.mem.Local, p.mem.WasActive = "", false
	if !p.allDown() {
		p.say(Deactivating, rule, "%s", why)
		p.stopServices(rule, inOrder)
		return
	}
	p.rest()
	p.say(Inactive, rule, "%s", why)
	if p.mine() && rule != R10 {
		p.release(rule, why)
	}
}

// release gives the claim back, with what is left of a wait that was not
// served as a debt (R7).
func (p *pass) release(rule Rule, why string) {
	if !p.in.Claim.Read {
		return
	}
	p.push(Claim{Action: Release, Holder: HeldByNone, Reason: why, Debt: p.debt()}, rule)
}
