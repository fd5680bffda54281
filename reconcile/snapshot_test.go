package reconcile

import (
	"testing"

	"mainstay/reconcile/plan"
)

func TestAnOrderWaitsForTheClaimAndNotForTheDocument(t *testing.T) {
	o := Order{Role: "xivo", Push: &plan.Push{Parent: "k1"}}
	claims := func(reachable bool) map[string]plan.ClaimView {
		return map[string]plan.ClaimView{"xivo": {Reachable: reachable}}
	}
	if !(&Snapshot{OK: false, Claims: claims(true)}).Try(o).Possible {
		t.Error("the claim can be read, and the order waits for another repository")
	}
	if (&Snapshot{OK: true, Claims: claims(false)}).Try(o).Possible {
		t.Error("pushed to a repository that does not answer")
	}
	if (&Snapshot{OK: true, Claims: claims(true)}).Try(Order{Role: "xivo"}).Possible {
		t.Error("there is nothing to try")
	}
}

// A claim that moved is news, and the agent looks often for a while.
func TestALookTellsItsHeads(t *testing.T) {
	s := &Snapshot{Seen: "c1", Claims: map[string]plan.ClaimView{
		"xivo": {Tip: plan.Tip{ID: "k1"}}, "edge": {Tip: plan.Tip{ID: "k2"}}}}
	if got := s.Pace().Heads; got != "c1 k2 k1" {
		t.Errorf("heads are %q", got)
	}
}
