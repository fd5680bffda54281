package sim

import (
	"slices"
	"testing"
	"time"

	"mainstay/spec"
)

// BenchmarkSimPhases measures, in simulated seconds, how long a deployment takes that
// nobody disturbs: from two fresh nodes to a main that serves, a planned switch, and the
// failback, each until the other side serves and until every node converged. Each
// iteration is another seed, and each figure the median. What a machine is busy with
// does not show in it, so that two versions of the agent can be laid side by side.
func BenchmarkSimPhases(b *testing.B) {
	shelf := NewLibrary()
	for _, how := range []struct {
		name   string
		notify bool
	}{{"polled", false}, {"notified", true}} {
		b.Run(how.name, func(b *testing.B) {
			times := map[string][]time.Duration{}
			for seed := uint64(1); b.Loop(); seed++ {
				w := NewWorld(seed, DefaultSettings(), shelf)
				w.Timing.Notify = how.notify
				began := w.Now()
				w.Boot()
				times["first-sim-s"] = append(times["first-sim-s"], serves(b, w, "xivo-main", began))
				times["first-all-sim-s"] = append(times["first-all-sim-s"], converges(b, w, began))
				for _, side := range []spec.Side{spec.Standby, spec.Main} {
					until, all := "switch-sim-s", "switch-all-sim-s"
					if side == spec.Main {
						until, all = "failback-sim-s", "failback-all-sim-s"
					}
					w.Until(17*time.Second, func() bool { return false }) // polls meet the commit anywhere
					began = w.Now()
					w.Declare(side)
					times[until] = append(times[until], serves(b, w, "xivo-"+string(side), began))
					times[all] = append(times[all], converges(b, w, began))
				}
			}
			for what, all := range times {
				slices.Sort(all)
				b.ReportMetric(all[len(all)/2].Seconds(), what)
			}
		})
	}
}

// serves runs a world until a node serves, and returns how long that took.
func serves(b *testing.B, w *World, node string, began time.Duration) time.Duration {
	b.Helper()
	if !w.Until(5*time.Minute, func() bool { return w.Serving(node) }) {
		b.Fatalf("%s does not serve: %s", node, w.Violation())
	}
	return w.Now() - began
}

func converges(b *testing.B, w *World, began time.Duration) time.Duration {
	b.Helper()
	if !w.Until(5*time.Minute, w.Settled) {
		b.Fatalf("it does not converge: %s", w.Violation())
	}
	return w.Now() - began
}
