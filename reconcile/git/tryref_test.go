package git_test

import (
	"errors"
	"strings"
	"testing"

	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

func TestARefIsTriedWithoutChangingIt(t *testing.T) {
	overEach(t, func(t *testing.T, w *work, r *git.Remote) {
		if err := r.TryRef(ctx(t), claimRef); !errors.Is(err, git.ErrNoRef) {
			t.Errorf("a ref that is not there: got %v", err)
		}
		id := change(t, r, claim(1, plan.Take, spec.Main, "xivo-main"))
		if err := r.TryRef(ctx(t), claimRef); err != nil {
			t.Errorf("a ref this node may push: got %v", err)
		}
		hook(t, w, "update", "case $1 in */claim/*) echo not yours >&2; exit 1 ;; esac")
		if err := r.TryRef(ctx(t), claimRef); !errors.Is(err, failure.ErrRefused) || errors.Is(err, failure.ErrUnknown) {
			t.Errorf("a ref this node may not push: got %v", err)
		}
		if now := w.ref(claimRef); now != id {
			t.Errorf("the ref went from %s to %s", id, now)
		}
	})
}

// With the rules of the examples a node may push what is its own and nothing else.
func TestARefIsTriedAgainstTheHookOfTheExamples(t *testing.T) {
	w := guardedClaim(t, "update")
	r := open(t, git.Options{URL: w.bare})
	if err := r.TryRef(ctx(t), claimRef); err != nil {
		t.Errorf("main: got %v", err)
	}
	t.Setenv("MAINSTAY_KEY", "edge")
	if err := r.TryRef(ctx(t), claimRef); !errors.Is(err, failure.ErrRefused) || !strings.Contains(err.Error(), "hook declined") {
		t.Errorf("edge: got %v", err)
	}
}
