package plan

import "mainstay/spec"

// withoutGit decides for a stopped side whose agent has not read the claim yet, or not the
// document (R3, R5, R6).
func (p *pass) withoutGit() {
	switch why := p.noBoot(); {
	case p.in.Claim.Reachable && !p.in.Claim.Read:
		p.say(Held, R3, "the claim has not been read yet")
	case why != "" && p.takeover():
		p.say(Held, R9, "git is out of reach, and what a person stated was before this machine was rebooted: "+
			"run mainstay takeover again if it is still true")
	case why != "":
		p.say(Held, R6, "%s and %s", p.unread(), why)
	default:
		p.presumeAtBoot()
	}
}

// unread is what this run of the agent has not read, in words.
func (p *pass) unread() string {
	if p.in.Claim.Read {
		return "the branch was not read since this agent began"
	}
	return "git is out of reach"
}

// noBoot says why this node may not start without git, or "" when it may once
// the witness was silent for long enough (R6).
func (p *pass) noBoot() string {
	t := p.in.Claim.Tip
	switch {
	case !p.mine():
		return "the last claim known is not this node's"
	case p.mem.Pending != nil && !p.in.Claim.Reachable:
		return "a push of this node has an unknown outcome"
	case p.doc.Active != p.doc.Side:
		return "the last document known declares " + string(p.doc.Active)
	case t.Lease > 0 || p.doc.Handover.Lease > 0:
		return "the claim carries a lease"
	case t.Debt > 0:
		return "the claim carries a wait that was not served"
	case p.doc.Handover.Unconfirmed != spec.UnconfirmedStart:
		return "handover.unconfirmed is hold"
	case p.doc.Follows != "":
		return "this role follows " + p.doc.Follows
	case !p.doc.Witness:
		return "the role has no witness to ask about the other side"
	}
	return ""
}

func (p *pass) presumeAtBoot() {
	if !p.mem.Waiting {
		p.mem.Waiting, p.mem.WaitSince = true, p.in.Now
	}
	wait := p.doc.Handover.Wait.D()
	if w := p.in.Witness; w.Unasked != "" {
		p.say(Held, R6, "%s, and the witness could not be asked about %s: %s; a question that was not asked is not silence",
			p.unread(), p.doc.Peer, w.Unasked)
		return
	}
	if p.elapsed(p.mem.WaitSince) < wait || !p.witnessSilent(wait) {
		p.say(Held, R6, "%s: starting on a presumption once the witness was silent for %s", p.unread(), wait)
		if w := p.in.Witness; w.Silent {
			p.until(max(p.mem.WaitSince, w.SilentSince) + wait)
		}
		return
	}
	if p.in.Claim.Reachable {
		p.win(Renew, Presumed, R6, p.whyLocal(), 0)
		return
	}
	p.startLocal(R6, Presumed)
	p.serve()
}

// startLocal begins a start that no claim push was won for, on a presumption
// (R6) or a person's word (R9).
func (p *pass) startLocal(r Rule, g Guarantee) {
	p.mem.Stage = StageIdle
	p.newStart()
	p.mem.Stage, p.mem.Local, p.mem.Guarantee = StageServing, r, g
}

// publishLocal makes a local start known as soon as git answers: the first
// thing done is a push for it, and a refusal shows as a claim held by another,
// which stops the services (R6, R9).
func (p *pass) publishLocal() {
	if p.mem.Local == "" || !p.in.Claim.Read || p.in.Claim.Regressed {
		return
	}
	t := p.in.Claim.Tip
	action := Seize
	switch {
	case p.mine() && t.Start == p.mem.Start:
		p.mem.Local = ""
		return
	case p.mine():
		action = Renew
	case t.Free():
		action = Take
	case t.Holder.Side() == p.doc.Side:
		action = Adopt
	}
	c := p.own(action, p.mem.Guarantee)
	c.Debt, c.Reason = 0, p.whyLocal()
	p.push(c, p.mem.Local)
}

// whyLocal says in the claim why its side started without it. R9: what a person stated
// while git was out of reach is kept there, as what is stated with git is.
func (p *pass) whyLocal() string {
	switch {
	case p.mem.Local == R9 && p.in.Takeover != nil:
		return p.in.Takeover.Attest
	case p.mem.Local == R9:
		return "started without git, by a person's word"
	}
	return "started without git, as nothing answered on " + p.doc.Peer
}
