package plan

import "mainstay/spec"

// uncoordinated decides without a claim (R8): nothing fences the two sides, so only a person's
// statement or a presumption starts anything, and a side that is not declared stops at once.
func (p *pass) uncoordinated() {
	p.point(p.doc.Active)
	p.out.Done = p.in.Takeover != nil && p.doc.Active == p.doc.Side
	p.warn(CondNoCoordination, "read-only mode: no claim keeps the two sides apart (R8)")
	switch {
	case p.paused():
	case !p.wants():
		p.stopUncoordinated()
	case p.serving() || p.mem.Stage == StageIdle && p.in.Memory.Fresh && !p.allDown():
		p.mem.Stage = StageServing
		p.keepServices(R8)
	case p.in.Blocked != "":
		p.say(Failed, RService, "%s", p.in.Blocked)
	case p.doc.Fenced == p.other() && !p.in.Stale: // a statement of before may be over
		p.startUncoordinated(Fenced)
	case p.takeover():
		p.startUncoordinated(Attested)
	default:
		p.presumeUncoordinated()
	}
}

func (p *pass) stopUncoordinated() {
	p.mem.Waiting = false
	if p.allDown() {
		p.rest()
		p.say(Inactive, R8, "the document declares %s", p.doc.Active)
		return
	}
	p.mem.Stage, p.mem.WasActive = StageStopping, false
	p.say(Deactivating, R8, "the document declares %s", p.doc.Active)
	p.stopServices(R8, atOnce)
}

func (p *pass) startUncoordinated(g Guarantee) {
	p.startLocal("", g)
	p.keepServices(R8)
}

func (p *pass) presumeUncoordinated() {
	if !p.mem.Waiting {
		p.mem.Waiting, p.mem.WaitSince = true, p.in.Now
	}
	wait := p.doc.Handover.Wait.D()
	switch {
	case p.in.Reading:
		p.say(Held, R8, "the newest commit is being read: nothing starts under the older one meanwhile")
	case p.doc.Handover.Unconfirmed != spec.UnconfirmedStart && p.doc.Fenced == p.other():
		p.say(Held, R8, "there is no claim, and the document that fences %s may not be the newest one: "+
			"nothing starts until this node has read and accepted the newest commit", p.other())
	case p.doc.Handover.Unconfirmed != spec.UnconfirmedStart:
		p.say(Held, R8, "there is no claim and handover.unconfirmed is hold: fence %s in the document", p.other())
	case p.elapsed(p.mem.WaitSince) < wait:
		p.say(Held, R8, "there is no claim: waiting for %s to stop", p.doc.Peer)
		p.until(p.mem.WaitSince + wait)
	case !p.witnessSilent(wait):
		p.holdForWitness(wait)
	default:
		p.mem.Waiting = false
		p.startUncoordinated(Presumed)
	}
}
