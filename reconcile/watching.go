package reconcile

import (
	"fmt"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/silence"
	"mainstay/spec"
)

// sayProbes puts into a report what the probes of other nodes see: a dead side
// cannot say so itself (C.1), and a witness that cannot be asked is of no use when
// it is needed (R4).
func (a *Actuator) sayProbes(r *plan.Report) {
	if a.doc == nil {
		return
	}
	if a.doc.Witness && serves(a.in.Claim.Tip, a.doc.Side.Other(), &a.in.Peer) {
		a.said.Say(r, a.Clock.Boot(), silence.Target{Who: a.doc.Peer, Silent: plan.CondWitnessSilent, Unusable: plan.CondWitnessUnusable}, a.in.Witness)
	}
	if f := a.in.Followed; a.doc.Detect && f != nil {
		for _, side := range []spec.Side{spec.Main, spec.Standby} {
			if !serves(f.Claim.Tip, side, f.Reports[side]) {
				continue
			}
			who := fmt.Sprintf("%s of %s", a.doc.Follows, side)
			a.said.Say(r, a.Clock.Boot(), silence.Target{Who: who, Silent: plan.CondDetectSilent, Unusable: plan.CondDetectUnusable}, a.in.Detect[side])
		}
	}
}

// serves reports whether a side holds a claim and has said that it is up under it.
// Nobody expects an answer from any other side.
func serves(t plan.Tip, side spec.Side, r *plan.ReportView) bool {
	return t.Holder.Side() == side && r != nil && r.Known && r.Status == plan.Active
}
