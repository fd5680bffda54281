package machine

import (
	"testing"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

const otherServices = `    services:
      - { name: kamailio, process: { command: [/bin/sleep, "600"] } }
`

// R2: a side that steps down under a document that names other services has
// stopped what it ran before it releases, also after a restart of the agent.
func TestWhatADocumentNamesNoMoreIsStoppedBeforeARelease(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		b := serving(t)
		pid := b.services.manager.Snapshot()[0].PID
		b.learns("c2", spec.Main, otherServices)
		b.passes("Active", func(r plan.Report) bool { return r.Status == plan.Active && hasCondition(r, plan.CondLeftRunning) })
		if now := b.services.manager.Snapshot()[0].PID; now != pid {
			t.Errorf("the left service was touched: %d, then %d", pid, now)
		}
		if restarted {
			b.start()
		}
		b.learns("c3", spec.Standby, otherServices)
		r := b.passes("released", func(plan.Report) bool { return b.order.Push != nil && b.order.Push.Claim.Action == plan.Release })
		b.learns("c4", spec.Standby, allowedServices)
		b.until("observed", func() bool { return b.all(func(r plan.Run) bool { return r != "" }) })
		if !b.all(plan.Run.Down) {
			t.Errorf("released while the service of an earlier document runs: %v; %v", b.services.Observed(), r.Conditions)
		}
		b.learns("c5", spec.Main, otherServices)
		r = b.passes("observed", func(r plan.Report) bool { return r.Accepted == "c5" })
		if hasCondition(r, plan.CondLeftRunning) || len(b.services.Observed()) != 1 {
			t.Errorf("what was seen down is not forgotten: %v", r.Conditions)
		}
	}
}
