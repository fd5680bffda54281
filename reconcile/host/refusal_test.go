package host

import (
	"errors"
	"fmt"
	"testing"

	"mainstay/reconcile/git"
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
		{git.ErrUnreachable, plan.CondGitUnreachable, false},
		{git.ErrAuth, plan.CondGitAccessDenied, false},
		{git.ErrHostKey, plan.CondGitAccessDenied, false},
		{git.ErrMoved, plan.CondCommitMoved, false},
		{git.ErrDamaged, plan.CondCommitDamaged, false},
		{git.ErrNoBranch, plan.CondNoBranch, false},
		{git.ErrRewound, plan.CondRewound, true},
		{git.ErrSignature, plan.CondSignatureRefused, true},
		{git.ErrNotFound, plan.CondDocumentMissing, true},
		{git.ErrTooLarge, plan.CondDocumentTooLarge, true},
		{errors.New("something else"), "", false},
	} {
		r := refusal{hinted(fmt.Errorf("read: %w", &git.Error{Kind: c.err, Step: "fetch"}))}
		if r.Kind() != c.kind || r.Permanent() != c.permanent {
			t.Errorf("%v is told as %q, permanent %t; want %q, %t", c.err, r.Kind(), r.Permanent(), c.kind, c.permanent)
		}
	}
}
