package plan

import "mainstay/spec"

// gateState is what the followed role means for a follower on this side.
type gateState int

const (
	gateShut gateState = iota // may not start, need not stop
	gateOpen                  // the followed role is Active on this side
	gateLeft                  // the followed role has left this side
)

// gate says whether the followed role allows this side to serve: its claim is
// this side's and its node reported Active under that very seq.
func (p *pass) gate() (gateState, string) {
	f := p.in.Followed
	if f == nil || p.doc.Follows == "" {
		return gateOpen, ""
	}
	role, side := p.doc.Follows, p.doc.Side
	rep := f.Reports.Of(side)
	switch {
	case !f.Claim.Known():
		return gateShut, "the claim of " + role + " has not been read yet"
	case f.Claim.Regressed && f.Claim.Tip.Holder.Side() != side:
		return gateLeft, "the claim of " + role + " went back, and was not on " + string(side) + " before"
	case f.Claim.Tip.Holder.Side() != side:
		return gateLeft, role + " is not on " + string(side)
	case rep.Known && rep.Status == Inactive:
		return gateLeft, role + " on " + string(side) + " is Inactive"
	case f.Claim.Regressed:
		return gateShut, "the claim of " + role + " went back"
	case activeUnder(rep, f.Claim.Tip):
		return gateOpen, ""
	}
	return gateShut, "waiting for " + role + " on " + string(side) + " to be Active"
}

// activeUnder reports whether a report says Active under this very claim; a
// report from before a renewal is stale (R3).
func activeUnder(r *ReportView, t Tip) bool {
	return r.Known && r.Status == Active && r.Seq == t.Seq
}

// servingSide returns the side on which a role serves: it holds the claim and
// its node reports Active under it.
func servingSide(f *FollowView) spec.Side {
	if f == nil || f.Claim.Regressed {
		return ""
	}
	side := f.Claim.Tip.Holder.Side()
	if side != "" && activeUnder(f.Reports.Of(side), f.Claim.Tip) {
		return side
	}
	return ""
}

// Dual reports whether two nodes of one exclusive role were both seen serving: the one that
// does not hold the claim said so after this observer knew the claim, so it is not an old
// report of a dead node. Of a free claim neither is the holder.
func Dual(t Tip, reports SideReports) bool {
	holder := t.Holder.Side()
	if holder == "" {
		a, b := reports.Of(spec.Main), reports.Of(spec.Standby)
		return a.Known && a.Running && a.SeqBefore >= t.Seq && b.Known && b.Running && b.SeqBefore >= t.Seq
	}
	mine, other := reports.Of(holder), reports.Of(holder.Other())
	return mine.Known && mine.Running && mine.Seq >= t.Seq &&
		other.Known && other.Running && other.SeqBefore >= t.Seq
}
