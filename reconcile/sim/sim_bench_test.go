package sim

import (
	"testing"
	"time"

	"mainstay/spec"
)

// BenchmarkSimFailover measures planned failovers of the whole deployment, from
// the commit until every node converged, on one core.
func BenchmarkSimFailover(b *testing.B) {
	w := NewWorld(1, DefaultSettings(), NewLibrary())
	w.Timing.Notify = true
	w.Boot()
	if !w.Until(time.Minute, w.Settled) {
		b.Fatalf("the deployment does not come up: %s", w.Violation())
	}
	side := spec.Main
	b.ResetTimer()
	for b.Loop() {
		side = side.Other()
		w.Declare(side)
		if !w.Until(time.Minute, w.Settled) {
			b.Fatalf("no failover to %s: %s", side, w.Violation())
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "failovers/s")
}
