package permit

import (
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// OwnClaim is how sure a node is that it holds the claim of its role. Jobs of an
// active side depend on it (R5).
type OwnClaim int

const (
	// OwnClaimHeld is a claim that the newest look showed as this node's own, or a role
	// that has none.
	OwnClaimHeld OwnClaim = iota
	// OwnClaimUnread is one that could not be read at the newest look: nothing begins.
	OwnClaimUnread
	// OwnClaimLost is one that is not known to be this node's any more, or was not read
	// for longer than the other side waits before it presumes this one dead (R4).
	OwnClaimLost
)

// OwnClaimOf returns what an input says of the claim of this node's role. A start that
// rests on a presumption or on a person's word has no claim of its own (R6, R9).
func OwnClaimOf(in *plan.Input) OwnClaim {
	d, c := in.Doc, in.Claim
	if d == nil || !d.Exclusive || !d.Coordinated {
		return OwnClaimHeld
	}
	own := c.Read && !c.Tip.Free() && c.Tip.Instance == in.Instance && in.Memory.Local == ""
	switch {
	case !own:
		return OwnClaimLost
	case c.Reachable && !c.Regressed && !in.Late:
		return OwnClaimHeld
	case in.Now-c.Began > d.Handover.Wait.D():
		return OwnClaimLost
	}
	return OwnClaimUnread
}

// Standing is what the jobs of a node depend on.
type Standing struct {
	Status plan.Status
	Claim  OwnClaim
}

// Job says why a job may not run, or "". A side that is cut off serves on
// (R5), but what its jobs copy to the other one might overwrite a side that has
// taken over: none begins before the claim was read again, and one that runs is
// ended once the claim is lost. Nothing runs while the node is Paused (R11).
func Job(s Standing, when spec.When, runs bool) string {
	switch {
	case s.Status == plan.Paused:
		return "the node is Paused"
	case when == spec.WhenActive && s.Status != plan.Active, when == spec.WhenInactive && s.Status != plan.Inactive:
		return "the node is " + string(s.Status)
	case when == spec.WhenActive && s.Claim == OwnClaimLost, when == spec.WhenActive && s.Claim == OwnClaimUnread && !runs:
		return "the claim was not read as this node's own"
	}
	return ""
}
