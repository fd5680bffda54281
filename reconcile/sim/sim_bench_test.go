package sim

import (
	"runtime/debug"
	"testing"
	"time"

	"mainstay/spec"
)

// BenchmarkSimFailover measures planned, notified failovers of the whole
// deployment, from the commit until every node converged, on one core. The
// services are quick, since waiting for them is not the agent's work.
func BenchmarkSimFailover(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(1600)) // a batch job with memory to spare
	w := NewWorld(1, DefaultSettings(), NewLibrary())
	w.Timing = Timing{Network: 20 * time.Millisecond, Local: 5 * time.Millisecond, Start: 20 * time.Millisecond,
		Stop: 20 * time.Millisecond, Ready: 20 * time.Millisecond, Notice: 5 * time.Millisecond, Notify: true}
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
