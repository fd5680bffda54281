package reconcile

import (
	"fmt"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// silence is since when a target has been silent, by the wall clock. It is kept
// so that a report which says it stays the same from pass to pass.
type silence struct {
	since plan.Time
	wall  time.Time
}

// sayProbes puts into a report what the probes of other nodes see: a dead side
// cannot say so itself (C.1), and a witness that cannot be asked is of no use when
// it is needed (R4).
func (a *Actuator) sayProbes(r *plan.Report) {
	if a.doc == nil {
		return
	}
	if a.doc.Witness && serves(a.in.Claim.Tip, a.doc.Side.Other(), &a.in.Peer) {
		a.sayProbe(r, probed{a.doc.Peer, plan.CondWitnessSilent, plan.CondWitnessUnusable}, a.in.Witness)
	}
	if f := a.in.Followed; a.doc.Detect && f != nil {
		for _, side := range []spec.Side{spec.Main, spec.Standby} {
			if !serves(f.Claim.Tip, side, f.Reports[side]) {
				continue
			}
			who := fmt.Sprintf("%s of %s", a.doc.Follows, side)
			a.sayProbe(r, probed{who, plan.CondDetectSilent, plan.CondDetectUnusable}, a.in.Detect[side])
		}
	}
}

// serves reports whether a side holds a claim and has said that it is up under it.
// Nobody expects an answer from any other side.
func serves(t plan.Tip, side spec.Side, r *plan.ReportView) bool {
	return t.Holder.Side() == side && r != nil && r.Known && r.Status == plan.Active
}

// probed is a target, and the conditions that tell of it.
type probed struct{ who, silent, unusable string }

func (a *Actuator) sayProbe(r *plan.Report, p probed, v plan.ProbeView) {
	who, key := p.who, p.silent+" "+p.who
	switch {
	case v.Unasked != "":
		r.Conditions = append(r.Conditions, plan.Condition{Type: p.unusable, Message: fmt.Sprintf(
			"%s cannot be asked whether it lives: %s; it will not be presumed dead", who, v.Unasked)})
	case v.Quiet():
		s, known := a.silences[key]
		if !known || s.since != v.SilentSince {
			s = silence{v.SilentSince, r.At.Add(v.SilentSince - a.Clock.Boot()).Round(time.Second)}
			if a.silences == nil {
				a.silences = map[string]silence{}
			}
			a.silences[key] = s
		}
		r.Conditions = append(r.Conditions, plan.Condition{Type: p.silent, Since: s.wall.UTC(), Message: fmt.Sprintf(
			"%s has not answered since %s", who, s.wall.UTC().Format(time.RFC3339))})
	default:
		delete(a.silences, key)
	}
}
