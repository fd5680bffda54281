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
type Down = EachSide[Proof]

// EachSide is something of main and of standby.
type EachSide[T any] struct {
	Main    T `json:"main,omitzero"`
	Standby T `json:"standby,omitzero"`
}

// Of returns what is of a side, which is nothing for no side.
func (e EachSide[T]) Of(s spec.Side) (of T) {
	switch s {
	case spec.Main:
		return e.Main
	case spec.Standby:
		return e.Standby
	}
	return of
}

func (e *EachSide[T]) set(s spec.Side, of T) {
	switch s {
	case spec.Main:
		e.Main = of
	case spec.Standby:
		e.Standby = of
	}
}

// downAfter is what is proven once change c of tip was made (R12). c has its seq.
func downAfter(tip Tip, c Claim) Down {
	by, d := c.Holder.Side(), tip.Down
	switch c.Action {
	case Reroot:
		return Down{}
	case Move, Enter:
		return d
	case Release:
		if s := tip.Holder.Side(); tip.SpeaksFor(s, c.Instance) {
			d.set(s, Proof{By: ByRelease, Seq: c.Seq})
		}
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

// FreeClaim is a free claim in the eyes of a side that wants it: all that tells
// whether the other side is down (R12, R13).
type FreeClaim struct {
	Tip Tip
	// Taker is the side that wants it, and Joined is as in ClaimView.
	Taker  spec.Side
	Joined uint64
	// Peer is the other side's node of this role, empty when the document names
	// none, and Down says that this node itself reports that it is down: for the
	// commit in question, under this very claim (Report.Rests), and as the instance
	// that last held it (Tip.SpeaksFor).
	Peer string
	Down bool
}

// Proven says by which guarantee the claim may be taken at once, and why: the claim or the
// other side itself says that the other side is down. It returns "" when nothing does.
func (f FreeClaim) Proven() (Guarantee, string) {
	proof := f.Tip.Down.Of(f.Taker.Other())
	switch {
	case f.known(proof) && proof.released():
		return Released, "the claim is free"
	case f.Down:
		return Released, "the claim is free and " + f.Peer + " reports that it is down"
	case f.known(proof) && proof.By == ByLease:
		return Lease, "the claim is free and the lease of " + string(f.Taker.Other()) + " was seized"
	case f.Tip.ID == "" && f.Peer == "":
		return Released, "there is no claim yet and the document names no node of this role on " + string(f.Taker.Other())
	}
	return "", ""
}

// known reports whether a proof counts for the taker's node: it was made on the chain after
// the first claim that this node believed without knowing an ancestor of it (R13).
func (f FreeClaim) known(proof Proof) bool { return proof.By != "" && proof.Seq > f.Joined }

// Rests reports whether a node says that it is down under the claim with seq, and
// stays so. It cannot start without changing this claim, and then the push that
// another node makes on it loses (R12).
func (r Report) Rests(seq uint64) bool {
	rests := r.Status == Inactive || r.Status == Held
	return rests && !r.Running && !r.Paused && r.Seq == seq
}

// free is a free claim as this node sees it.
func (p *pass) free(t Tip) FreeClaim {
	r := p.in.Peer
	return FreeClaim{Tip: t, Taker: p.doc.Side, Joined: p.in.Claim.Joined, Peer: p.doc.Peer,
		Down: r.Known && r.Accepted == p.doc.Commit && r.Rests(p.in.Claim.Tip.Seq) && t.SpeaksFor(p.other(), r.Instance)}
}

// isProven reports whether a free claim could be taken at once.
func (p *pass) isProven(t Tip) bool {
	g, _ := p.free(t).Proven()
	return g != ""
}
