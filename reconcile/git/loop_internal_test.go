package git

import (
	"errors"
	"fmt"
	"testing"

	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
)

// Only a repository that does not answer is out of reach: every other error has a
// condition of its own, or none.
func TestEveryErrorOfGitIsToldAsWhatItIs(t *testing.T) {
	for _, c := range []struct {
		err       error
		kind      string
		permanent bool
	}{
		{failure.ErrUnreachable, plan.CondGitUnreachable, false},
		{failure.ErrAuth, plan.CondGitAccessDenied, false},
		{failure.ErrHostKey, plan.CondGitAccessDenied, false},
		{failure.ErrMoved, plan.CondCommitMoved, false},
		{failure.ErrDamaged, plan.CondCommitDamaged, false},
		{failure.ErrNoBranch, plan.CondNoBranch, false},
		{failure.ErrRewound, plan.CondRewound, true},
		{failure.ErrSignature, plan.CondSignatureRefused, true},
		{failure.ErrNotFound, plan.CondDocumentMissing, true},
		{failure.ErrTooLarge, plan.CondDocumentTooLarge, true},
		{errors.New("something else"), "", false},
	} {
		r := refusal{hinted(fmt.Errorf("read: %w", &failure.Error{Kind: c.err, Step: "fetch"}))}
		if r.Condition() != c.kind || r.Permanent() != c.permanent {
			t.Errorf("%v is told as %q, permanent %t; want %q, %t", c.err, r.Condition(), r.Permanent(), c.kind, c.permanent)
		}
	}
}
