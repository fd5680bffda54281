package git_test

import (
	"errors"
	"testing"

	"mainstay/e2e/gitserver"
	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// The document may come from a mirror. A claim
// never does.
func TestAMirrorServesTheDocumentAndNeverAClaim(t *testing.T) {
	w := newWork(t)
	hash := w.commit("one")
	w.push()
	var down gitserver.Faults
	url, mirror := gitserver.HTTP(t, w.bare, down.Option()), gitserver.HTTP(t, w.bare)
	r := open(t, git.Options{URL: url, Mirrors: []string{"http://127.0.0.1:1/gone", mirror}})
	id := change(t, open(t, git.Options{URL: url}), claim(1, plan.Take, spec.Main, "xivo-main"))
	if l, err := r.List(ctx(t)); err != nil || l.Mirror || l.From != url {
		t.Errorf("up: got %+v, %v", l, err)
	}
	down.Set(gitserver.Refuse)
	l, err := r.List(ctx(t))
	if err != nil || !l.Mirror || l.From != mirror || l.Refs["refs/heads/main"] != hash {
		t.Errorf("down: got %+v, %v", l, err)
	}
	before := len(down.Requests())
	v, err := r.Revision(ctx(t), "main", hash, "")
	if err != nil || !v.Mirror || v.From != mirror {
		t.Errorf("revision: got %+v, %v", v, err)
	}
	if len(down.Requests()) != before {
		t.Error("the revision was first asked for where nobody answered a moment ago")
	}
	if _, err := r.ListPrimary(ctx(t)); !errors.Is(err, failure.ErrUnreachable) {
		t.Errorf("ListPrimary: got %v", err)
	}
	if _, err := r.Claim(ctx(t), claimRef, id, plan.Tip{}); !errors.Is(err, failure.ErrUnreachable) {
		t.Errorf("Claim: got %v", err)
	}
	down.Set(gitserver.None)
	if l, err := r.List(ctx(t)); err != nil || l.Mirror {
		t.Errorf("up again: got %+v, %v", l, err)
	}
}

func TestAMirrorThatIsBehindIsLeftForOneThatIsNot(t *testing.T) {
	behind, w := newWork(t), newWork(t)
	behind.commit("one")
	behind.push()
	w.commit("one")
	hash := w.commit("two")
	w.push()
	r := open(t, git.Options{URL: behind.bare, Mirrors: []string{w.bare}})
	if v, err := r.Revision(ctx(t), "main", hash, ""); err != nil || !v.Mirror {
		t.Errorf("got %+v, %v", v, err)
	}
}
