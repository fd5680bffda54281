package plan

import "time"

// Watch is what a guard outside the agent has to know of a lease: it stops the
// services when the agent that should do so is stopped, removed, frozen or
// killed (R7). The zero Watch says that nothing runs under a lease.
type Watch struct {
	// Boot is the boot id that the moments below belong to.
	Boot string `json:"boot"`
	// Claim is the tip of the claim that was read as this node's own, Began when
	// that read began, and Until when the lease ends unless it is read again.
	Claim string `json:"claim"`
	Began Time   `json:"began"`
	Until Time   `json:"until"`
	// StopTime is how long the stops may take.
	StopTime time.Duration `json:"stopTime"`
	// Passed is the newest pass that was stopping what has to be down.
	Passed Time `json:"passed,omitempty"`
}

// None reports whether nothing runs under a lease.
func (w Watch) None() bool { return w.Boot == "" }

// Over reports whether the lease has ended at a moment of a boot. A watch of
// another boot is over: nothing is known of it.
func (w Watch) Over(boot string, now Time) bool { return w.Boot != boot || now > w.Until }

// WatchOf returns what the guard is to be told after a decision, whose memory is
// mem. Before is what it was told last. It must know before anything starts, and
// it is released only by what was seen down or by a claim without a lease.
func WatchOf(in *Input, mem Memory, before Watch) Watch {
	if before.Boot != in.Boot {
		before = Watch{}
	}
	if in.Doc == nil || in.Unmanaged {
		return before // nothing is known of what runs
	}
	p := &pass{in: in, doc: in.Doc, mem: mem}
	switch {
	case !p.doc.Exclusive || !p.doc.Coordinated || p.mem.Local == R9 && p.takeover():
		return Watch{}
	case !p.mine():
		return p.stillWatched(before)
	case p.lease() == 0:
		return Watch{}
	}
	p.mem.HeldBound = p.in.Claim.Tip.StopBound.D()
	w := Watch{Boot: in.Boot, Claim: in.Claim.Tip.ID, Began: in.Claim.Began, StopTime: p.stopTime()}
	if p.leaseKnown() {
		w.Until = w.Began + p.lease()
	}
	return p.stillWatched(w)
}

// stillWatched releases a watch that has no more to wait for: with everything
// seen down nothing starts before the claim was read again.
func (p *pass) stillWatched(w Watch) Watch {
	due := !p.mine() || w.Over(p.in.Boot, p.in.Now)
	switch {
	case w.None() || due && p.allDown():
		return Watch{}
	case due && p.mem.Stage == StageStopping:
		w.Passed = p.in.Now
	}
	return w
}

// leaseKnown reports whether it is known when the newest read of the claim
// began: this run of the agent made it, or an earlier one under this boot.
func (p *pass) leaseKnown() bool { return p.in.Claim.Read || p.in.Claim.Began > 0 }

// WithoutLease is the change of the claim by which an agent that ends in order gives
// up its lease. R7: without an agent nobody obeys the lease, so the other side must
// not count on it. It is nil when there is nothing to change.
func WithoutLease(in *Input) *Push {
	if in.Doc == nil || !in.Doc.Exclusive || !in.Doc.Coordinated || in.Claim.Regressed || !in.Claim.Read {
		return nil
	}
	p := &pass{in: in, doc: in.Doc, mem: in.Memory}
	if !p.mine() || p.mem.Returned || p.in.Claim.Tip.Lease == 0 {
		return nil
	}
	c := p.own(Renew, p.in.Claim.Tip.Guarantee)
	c.Start, c.Lease = p.in.Claim.Tip.Start, 0
	c.Reason = "the agent ends, and nobody would obey the lease"
	p.push(c, R7)
	if p.out.Push != nil {
		p.out.Push.Claim.Run = p.in.Claim.Tip.Run // no memory is kept of this one
	}
	return p.out.Push
}
