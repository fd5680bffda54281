package doctor

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"mainstay/reconcile/guard"
	"mainstay/spec"
)

// handover checks the sums of the lease (R7), and tells what a person accepted.
func (e *examiner) handover(w *spec.Wanted) {
	if !w.Exclusive {
		return
	}
	h := w.Handover
	poll, timeout := w.Agent.Poll.Longest(e.now()), w.Agent.Timeout.D()
	if lease := h.Lease.D(); lease > 0 {
		e.lease(w, lease, poll+2*timeout)
	}
	if h.Wait.D() < poll+timeout {
		e.warn("handover", fmt.Sprintf("handover.wait of %s is shorter than one look at git (%s + %s)", h.Wait, poll, timeout),
			"make it longer: a release that is on its way would not be waited for")
	}
	if h.Unconfirmed == spec.UnconfirmedStart && w.Witness == nil && w.Peer != "" && h.Lease == 0 {
		e.warn("handover", fmt.Sprintf("with no witness, %s is presumed dead after %s of silence", w.Peer, h.Wait),
			"give the role a witness, set handover.unconfirmed: hold, or use a lease")
	}
	if w.Peer == "" {
		e.warn("handover", "this node has no peer on the other side", "nobody can take over from it")
	}
	e.ok("handover", "by the document's bounds this side is down %s after it begins to stop, drain left out", w.StopTime)
}

// lease checks poll + 2·timeout ≤ L (R7).
func (e *examiner) lease(w *spec.Wanted, lease, needed time.Duration) {
	if needed > lease {
		e.fail("handover", fmt.Sprintf("poll + 2·timeout = %s is longer than the lease of %s (R7)", needed, lease), "make the lease longer, or poll more often")
		return
	}
	e.ok("handover", "poll + 2·timeout = %s fits the lease of %s (R7)", needed, lease)
	if len(e.file.SelfFence) == 0 {
		e.warn("handover", "there is no selfFence: under a lease a stop that fails leaves this side running (R7)", "set selfFence in the agent's file")
	}
	if !guard.Beside(e.file.Socket, "").Guarded() {
		e.fail("handover", "no guard runs: nobody obeys the lease when the agent is stopped or hangs (R7)", "systemctl enable --now mainstay-guard")
	}
	if w.StopTime == 0 {
		e.warn("handover", "the services have no stop timeouts to count on", "set stopTimeout")
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
