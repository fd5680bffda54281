package sim

import (
	"slices"
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// lyon is a node of another repository, whose document has the name of this deployment
// and the same place of claims.
const lyon = "lyon-standby"

// lyonReports is what the other deployment's agent publishes at every heartbeat.
func (s *story) lyonReports() {
	id := s.server.id("r")
	s.server.reports[id] = plan.Report{
		Deployment: deployment, Node: lyon, Role: "xivo", Side: spec.Standby, Instance: lyon, Status: plan.Active, Running: true,
		Repository: "https://git.example.org/lyon", Path: "lyon.yaml", Seen: "of lyon", Accepted: "of lyon", Declared: spec.Standby,
		Seq: s.server.tip("xivo").Seq, Holder: plan.HeldBy(spec.Standby), At: s.main.proc.clock.Wall(),
	}
	s.server.set(plan.ReportRef(deployment, lyon), id)
}

func (s *story) says(n *node, kind string) bool {
	return slices.ContainsFunc(s.is(n).Conditions, func(c plan.Condition) bool { return c.Type == kind })
}

// Two documents of one name in two repositories share their claims when they share the
// place of coordination. A side of the one takes no claim away from the other, which
// would stop it: both serve phones of their own.
func TestADocumentOfTheSameNameKeepsItsClaim(t *testing.T) { // R13
	s := tell(t, nil)
	tip := s.server.tip("xivo")
	err := s.server.change("xivo", plan.Push{Parent: tip.ID, Claim: plan.Next(tip, plan.Claim{
		Action: plan.Seize, Holder: plan.HeldBy(spec.Standby), Node: lyon, Instance: lyon, Guarantee: plan.Fenced, Start: tip.Start + 1, Commit: "of lyon",
	})})
	s.expect(err == nil, "lyon takes the claim")
	s.lyonReports()
	s.until("main says why it does nothing", time.Minute, func() bool { return s.says(s.main, plan.CondNameShared) })
	s.Commit(amended(s.settings, 1)) // a person commits again, to get main back
	for range 6 {
		s.passes(30 * time.Second)
		s.lyonReports()
		s.expect(s.server.tip("xivo").Instance == lyon, "lyon keeps the claim")
		s.servesNot(s.main)
		s.servesNot(s.stby)
	}
	s.server.set(plan.ReportRef(deployment, lyon), "") // lyon has another name from now on
	s.Commit(amended(s.settings, 2))
	s.until("main serves", 20*time.Minute, s.main.active)
}
