package plan

import (
	"time"

	"mainstay/spec"
)

// Margin is m of R7: what a wait gets on top for everything that is not
// counted, such as a reboot command that takes effect.
const Margin = 5 * time.Second

// fenceAgain is how often a self-fence that had no effect is ordered again.
const fenceAgain = 10 * time.Second

// SeizeWait is D of R7: how long after a seizure the old holder may still run.
// It is (L + W)·(1+ρ)/(1−ρ) + m, with ρ = 0.001 for two clocks that drift apart.
func SeizeWait(lease, stopBound time.Duration) time.Duration {
	sum := lease + stopBound
	return sum + 2*sum/999 + 1 + Margin
}

// seizeWait is what a seizer of t waits: D by the claim alone, or an older debt
// if that is longer.
func (p *pass) seizeWait(t Tip) time.Duration {
	return max(SeizeWait(t.Lease.D(), t.StopBound.D()), t.Debt.D())
}

// lease is the stricter of the claim's and the document's, zero for none (R7).
func (p *pass) lease() time.Duration {
	doc, claim := p.doc.Handover.Lease.D(), time.Duration(0)
	if p.mine() {
		claim = p.in.Claim.Tip.Lease.D()
	}
	if doc == 0 || claim == 0 {
		return max(doc, claim)
	}
	return min(doc, claim)
}

// leaseExpired reports whether the newest read that showed the claim as this node's began more
// than the lease ago. A new run of the agent knows only of one that was kept under this boot;
// without it the lease is expired until a read, also when no disk knows whose the claim is.
func (p *pass) leaseExpired() bool {
	l := p.lease()
	if l == 0 || p.in.Claim.Known() && !p.mine() {
		return false
	}
	if !p.leaseKnown() || p.elapsed(p.in.Claim.Began) > l {
		return true
	}
	p.wake(p.in.Claim.Began + l + 1)
	return false
}

// fenceSelf orders the node's self-fence once a stop under a lease was not
// verified within the time the stops may take (R7). It counts from the order
// to stop: with the restart of a dead agent before it, that is inside W.
func (p *pass) fenceSelf() {
	if !p.mem.StopLeased {
		return
	}
	due := p.mem.StopSince + p.stopTime()
	if p.mem.FencedAt > 0 {
		due = p.mem.FencedAt + fenceAgain
	}
	if p.in.Now < due {
		p.wake(due)
		return
	}
	p.mem.FencedAt = p.in.Now
	p.step(DoSelfFence, 0, R7, "the stop could not be verified within %s", p.stopTime())
}

// stopTime is how long the stops may take under a lease: the stricter of the
// document and of the claim this node last held (R7).
func (p *pass) stopTime() time.Duration {
	if p.mem.HeldBound == 0 {
		return p.doc.StopTime
	}
	restart := p.doc.StopBound - p.doc.StopTime
	return max(0, min(p.doc.StopTime, p.mem.HeldBound-restart))
}

// holdLeft is what is left of the wait the won claim carries. It begins when
// this node first knows the claim to be won, by reply or by reading, and a wait
// that was not served under this boot begins again (R7).
func (p *pass) holdLeft() time.Duration {
	h := &p.mem.Hold
	if h.Start != p.mem.Start || !h.Begun {
		*h = Hold{Start: p.mem.Start, Since: p.in.Now, For: p.in.Claim.Tip.Debt.D(), Begun: true}
	}
	return max(0, h.For-p.elapsed(h.Since))
}

// debt is how long a later taker of the claim has to wait before it starts (R7): the rest of
// this node's own wait, or all that the claim owes when that wait has not begun.
func (p *pass) debt() spec.Duration {
	t, h := p.in.Claim.Tip, p.mem.Hold
	if !p.mine() {
		return t.Debt
	}
	if h.Begun && h.Start == t.Start {
		return spec.Duration(max(0, h.For-p.elapsed(h.Since)))
	}
	return t.Debt
}

// terms renews this node's own claim in two cases. R7: the claim's lease or stop
// bound are not the document's; a seizer reads the claim alone, so the claim must say
// what its holder obeys. R9: a person took the claim and the document now declares
// this side; renewed, the claim no longer outranks a later commit.
func (p *pass) terms() {
	t := p.in.Claim.Tip
	if !p.mine() || !p.in.Claim.Read || p.mem.Local != "" || p.in.Claim.Regressed || p.out.Push != nil {
		return
	}
	c := p.own(Renew, t.Guarantee)
	c.Start = t.Start
	switch {
	case t.Lease != c.Lease || t.StopBound != c.StopBound:
		c.Reason = "the document changes the lease or the stop bound"
	case t.Guarantee == Attested && p.doc.Active == p.doc.Side && t.Document != p.doc.Digest:
		c.Reason = "the document agrees with the person who activated this side"
	default:
		return
	}
	p.push(c, R7)
}
