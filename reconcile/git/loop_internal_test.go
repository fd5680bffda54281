package git

import (
	"errors"
	"fmt"
	"testing"

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
		{ErrUnreachable, plan.CondGitUnreachable, false},
		{ErrAuth, plan.CondGitAccessDenied, false},
		{ErrHostKey, plan.CondGitAccessDenied, false},
		{ErrMoved, plan.CondCommitMoved, false},
		{ErrDamaged, plan.CondCommitDamaged, false},
		{ErrNoBranch, plan.CondNoBranch, false},
		{ErrRewound, plan.CondRewound, true},
		{ErrSignature, plan.CondSignatureRefused, true},
		{ErrNotFound, plan.CondDocumentMissing, true},
		{ErrTooLarge, plan.CondDocumentTooLarge, true},
		{errors.New("something else"), "", false},
	} {
		r := refusal{hinted(fmt.Errorf("read: %w", &Error{Kind: c.err, Step: "fetch"}))}
		if r.Condition() != c.kind || r.Permanent() != c.permanent {
			t.Errorf("%v is told as %q, permanent %t; want %q, %t", c.err, r.Condition(), r.Permanent(), c.kind, c.permanent)
		}
	}
}
