package plan

import "mainstay/spec"

// ProofBy is how it is known that a side is down.
type ProofBy string

// The proofs of R12, best first.
const (
	// ByRelease: the side's own release, after all of its services were seen down.
	ByRelease ProofBy = "released"
	// ByReport: the side's own report, for the very claim that was taken then.
	ByReport ProofBy = "reported"
	// ByLease: the side's lease and stop bound have run out, or the claim's debt
	// says how much of them is left.
	ByLease ProofBy = "lease"
)

// Proof says that a side was down, and has not changed the claim since (R12). The
// zero Proof is none.
type Proof struct {
	By ProofBy `json:"by"`
	// Seq is of the change of the claim that made the proof.
	Seq uint64 `json:"seq"`
}

// Down holds the proof about each side.
type Down struct {
	Main    Proof `json:"main,omitzero"`
	Standby Proof `json:"standby,omitzero"`
}

// Of returns the proof about a side.
func (d Down) Of(s spec.Side) Proof {
	switch s {
	case spec.Main:
		return d.Main
	case spec.Standby:
		return d.Standby
	}
	return Proof{}
}

// set makes p the proof about a side.
func (d *Down) set(s spec.Side, p Proof) {
	switch s {
	case spec.Main:
		d.Main = p
	case spec.Standby:
		d.Standby = p
	}
}

// downAfter is what is proven once change c of tip was made (R12). c has its seq.
func downAfter(tip Tip, c Claim) Down {
	by, d := c.Holder.Side(), tip.Down
	switch c.Action {
	case Reroot:
		return Down{}
	case Release:
		d.set(tip.Holder.Side(), Proof{By: ByRelease, Seq: c.Seq})
		return d
	}
	d.set(by, Proof{}) // it may serve from here on
	o := by.Other()
	switch {
	case c.Action == Adopt: // a person speaks about a machine of the taker's own side
	case c.Guarantee == Presumed, c.Guarantee == Attested, c.Guarantee == Fenced:
		d.set(o, Proof{})
	case c.Action == Seize:
		d.set(o, Proof{})
		if c.Guarantee == Lease {
			d.set(o, Proof{By: ByLease, Seq: c.Seq})
		}
	case c.Action == Take && c.Guarantee == Released && !d.Of(o).released():
		d.set(o, Proof{By: ByReport, Seq: c.Seq})
	}
	return d
}

// released reports whether the proof is as good as a release.
func (p Proof) released() bool { return p.By == ByRelease || p.By == ByReport }

// known reports whether a proof counts for this node: it was made on the chain
// after the first claim that this node believed without knowing an ancestor of
// it (R13).
func (p *pass) known(proof Proof) bool { return proof.By != "" && proof.Seq > p.in.Claim.Joined }

// provenDown says by which guarantee a free claim may be taken at once, and why:
// the claim or the other side itself says that the other side is down (R12, R13).
// It returns "" when nothing does.
func (p *pass) provenDown(t Tip) (Guarantee, string) {
	proof := t.Down.Of(p.other())
	switch {
	case p.known(proof) && proof.released():
		return Released, "the claim is free"
	case p.peerDown():
		return Released, "the claim is free and " + p.doc.Peer + " reports that it is down"
	case p.known(proof) && proof.By == ByLease:
		return Lease, "the claim is free and the lease of " + string(p.other()) + " was seized"
	case t.ID == "" && p.doc.Peer == "":
		return Released, "there is no claim yet and the document names no node of this role on " + string(p.other())
	}
	return "", ""
}

// isProven reports whether a free claim could be taken at once.
func (p *pass) isProven(t Tip) bool {
	g, _ := p.provenDown(t)
	return g != ""
}

// peerDown reports whether the other node says, for this very commit and this very
// claim, that it is down. It cannot start without changing this claim, and then
// the push that is made on it here loses.
func (p *pass) peerDown() bool {
	r := p.in.Peer
	rests := r.Status == Inactive || r.Status == Held
	return r.Known && rests && !r.Running && !r.Paused && r.Accepted == p.doc.Commit && r.Seq == p.in.Claim.Tip.Seq
}
