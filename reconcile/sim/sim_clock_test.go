package sim

import (
	"slices"
	"testing"
	"time"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/forecast"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// seen is what a laptop with a good clock reads of the deployment, judged as status
// judges it.
func (s *story) seen() *fleet.Deployment {
	var self plan.Report
	others := map[string]plan.Report{}
	for _, name := range nodeNames() {
		if r := s.server.reports[s.server.refs[plan.ReportRef(deployment, name)]]; name == "mds1" {
			self = r
		} else {
			others[name] = r
		}
	}
	claims := map[string]plan.Tip{"xivo": s.server.tip("xivo"), "cc": s.server.tip("cc")}
	return &fleet.OfNode(self, others, claims, time.Unix(1_800_000_000, 0).UTC().Add(s.now)).Deployments[0]
}

// mayFence reports whether nothing speaks against stating that main is off.
func (s *story) mayFence() bool {
	now := s.seen()
	p := forecast.Of(forecast.Input{From: s.document(s.settings), To: s.document(s.toSide(spec.Standby, spec.Main)), Now: now, Coordinated: true})
	return !slices.ContainsFunc(p.Objections, func(o forecast.Objection) bool { return o.What == forecast.ObjectFenced && o.Node == "xivo-main" })
}

// A side that serves is never to be stated off without a word of force, whatever its
// clock shows, and a side that is dead is not alive because its clock was ahead.
func TestAnotherMachinesClockProvesNothing(t *testing.T) { // R4, fenced
	for name, skew := range map[string]time.Duration{"it is right": 0, "it is behind": -15 * time.Minute, "it is ahead": 30 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			s := tell(t, nil)
			s.main.skew = skew
			s.Commit(amended(s.settings, 6)) // every node reports anew
			s.passes(2 * time.Minute)
			s.serves(s.main)
			s.expect(!s.mayFence(), "main serves: it is not off")
			s.main.powerOff()
			s.passes(15 * time.Minute)
			n, _ := s.seen().Node("xivo-main")
			s.expect(!n.HeardWithin(forecast.HeardNow), "a dead main was not heard just now")
			s.expect(len(n.Findings) > 0, "something is said of it")
		})
	}
}
