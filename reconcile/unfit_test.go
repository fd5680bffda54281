package reconcile

import (
	"context"
	"errors"
	"testing"

	"mainstay/e2e/attack"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/unfit"
	"mainstay/spec"
)

// spoilt is a vault whose claims and reports are all damaged.
type spoilt struct {
	*vault
	claimReads, reportReads int
}

type permanently struct{ error }

func (permanently) Permanent() bool { return true }

func (s *spoilt) Claim(context.Context, string, string, plan.Tip) (ClaimRead, error) {
	s.claimReads++
	return ClaimRead{}, permanently{errors.New("it is 250 MiB of zeros")}
}

func (s *spoilt) Reports(_ context.Context, refs map[string]string) (map[string]plan.Report, map[string]error) {
	s.reportReads++
	errs := map[string]error{}
	for ref := range refs {
		errs[ref] = permanently{errors.New("it is 250 MiB of zeros")}
	}
	return nil, errs
}

func TestWhatIsDamagedIsNotFetchedWithEveryLook(t *testing.T) {
	attack.Row(t, "hostile server", "a damaged report that stays", "fetched once, not at every look")
	s := newScholar(paris(spec.Main))
	git := &spoilt{vault: s.git}
	s.Coordination = git
	s.git.claim("k1", owned(1, "main"))
	s.git.report("r1", plan.Report{Deployment: "paris", Node: "xivo-standby"})
	for range 10 {
		snap := s.look(t)
		if !hasCondition(snap.Conditions, "ClaimUnreadable") || !hasCondition(snap.Conditions, "ReportUnreadable") {
			t.Fatalf("it is said once only: %v", snap.Conditions)
		}
	}
	if git.claimReads != unfit.Tries || git.reportReads != unfit.Tries {
		t.Errorf("the claim was fetched %d times, the report %d times", git.claimReads, git.reportReads)
	}
	s.git.claim("k2", owned(2, "main"))
	if s.look(t); git.claimReads != unfit.Tries+1 {
		t.Error("a newer claim is not read")
	}
	s.clock.pass(unfit.Again)
	if s.look(t); git.reportReads != unfit.Tries+1 {
		t.Error("it is never tried again")
	}
}
