package plan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/spec"
)

// R2, R5: a node that may manage none of its services knows nothing of what
// runs. It releases nothing, and forgets nothing of a start, so that it goes on
// once it is allowed to.
func TestUnmanagedNodeReleasesAndForgetsNothing(t *testing.T) {
	memory := Memory{Boot: "boot1", Stage: StageServing, Start: 3, WasActive: true, HeldUnder: "c1"}
	in := Input{
		Now: time.Hour, Boot: "boot1", Instance: "m1", Restarted: true, Blocked: "not allowed", Unmanaged: true,
		Doc: &Doc{Commit: "c2", Active: spec.Standby, Node: "xivo-main", Role: "xivo", Exclusive: true, Side: spec.Main,
			Peer: "xivo-standby", Coordinated: true},
		Claim:  ClaimView{Tip: Tip{ID: "t1", Claim: Claim{Seq: 1, Holder: "main", Instance: "m1", Start: 3}}, Read: true, Reachable: true},
		Memory: memory,
	}
	d := Decide(&in)
	if d.Status != Failed || d.Push != nil || len(d.Steps) > 0 || d.Converged || d.Ready {
		t.Errorf("decided %+v", d)
	}
	if diff := cmp.Diff(memory, d.Memory); diff != "" {
		t.Errorf("memory (-before +after):\n%s", diff)
	}
}
