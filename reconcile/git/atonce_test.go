package git_test

import (
	"errors"
	"slices"
	"testing"

	"mainstay/e2e/gitserver"
	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// counted is a server whose requests are counted, and a client of it that has pushed,
// fetched and listed before.
func counted(t *testing.T) (w *work, r *git.Remote, asked func() []string, faults *gitserver.Faults) {
	w, faults = newWork(t), &gitserver.Faults{}
	w.commit("one")
	w.push()
	r = open(t, git.Options{URL: gitserver.HTTP(t, w.bare, faults.Option())})
	other := change(t, open(t, git.Options{URL: w.bare}), claim(1, plan.Take, spec.Main, "xivo-main"))
	if _, err := r.Claim(ctx(t), claimRef, other, plan.Tip{}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.PublishReport(ctx(t), git.ReportRef("paris", "xivo-main"), report("xivo-main", plan.Held), ""); err != nil {
		t.Fatal(err)
	}
	listed(t, r)
	before := len(faults.Requests())
	return w, r, func() []string {
		all := faults.Requests()
		since := all[before:]
		before = len(all)
		return since
	}, faults
}

func is(t *testing.T, asked []string, want ...string) {
	t.Helper()
	if !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
}

const (
	pushed  = "POST /repo.git/git-receive-pack"
	fetched = "POST /repo.git/git-upload-pack"
)

// A push and a fetch are one request each, once the server was met, and what this program
// made itself is none.
func TestNothingIsAskedTwice(t *testing.T) {
	w, r, asked, _ := counted(t)
	known := tipOf(t, r, w)
	asked()
	second := plan.Push{Parent: known.ID, Claim: claim(2, plan.Release, "", "xivo-main")}
	id, err := r.PushClaim(ctx(t), claimRef, second)
	if err != nil {
		t.Fatal(err)
	}
	is(t, asked(), pushed)
	if got := w.ref(claimRef); got != id {
		t.Fatalf("the claim is at %s, want %s", got, id)
	}
	c, err := r.Claim(ctx(t), claimRef, id, known)
	if err != nil || !c.Descends || c.Tip.Seq != 2 || c.Tip.ID != id || len(c.Links) != 1 {
		t.Errorf("the own change is read as %+v, %v", c, err)
	}
	is(t, asked())
	other := open(t, git.Options{URL: w.bare})
	third, err := other.PushClaim(ctx(t), claimRef, plan.Push{Parent: id, Claim: claim(3, plan.Take, spec.Standby, "xivo-standby")})
	if err != nil {
		t.Fatal(err)
	}
	if c, err = r.Claim(ctx(t), claimRef, third, c.Tip); err != nil || !c.Descends || c.Tip.Node != "xivo-standby" {
		t.Errorf("another node's change is read as %+v, %v", c, err)
	}
	is(t, asked(), fetched)

	ref := git.ReportRef("paris", "xivo-main")
	mine, err := r.PublishReport(ctx(t), ref, report("xivo-main", plan.Active), w.ref(ref))
	if err != nil {
		t.Fatal(err)
	}
	is(t, asked(), pushed)
	theirs := git.ReportRef("paris", "xivo-standby")
	peer, err := other.PublishReport(ctx(t), theirs, report("xivo-standby", plan.Held), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		refs map[string]string
		want []string
	}{
		{map[string]string{ref: mine}, nil},
		{map[string]string{ref: mine, theirs: peer}, []string{fetched}},
	} {
		reports, errs := r.Reports(ctx(t), c.refs)
		if len(errs) > 0 || len(reports) != len(c.refs) || reports[ref].Status != plan.Active {
			t.Errorf("reports %+v, errors %v", reports, errs)
		}
		is(t, asked(), c.want...)
	}
}

// tipOf is the claim as the server has it.
func tipOf(t *testing.T, r *git.Remote, w *work) plan.Tip {
	t.Helper()
	c, err := r.Claim(ctx(t), claimRef, w.ref(claimRef), plan.Tip{})
	if err != nil {
		t.Fatal(err)
	}
	return c.Tip
}

// The own change is what is read only where its parent was known: of everything between
// nothing is at hand.
func TestTheOwnChangeProvesNothingOfAnotherChain(t *testing.T) {
	w, r, _, _ := counted(t)
	known := tipOf(t, r, w)
	id, err := r.PushClaim(ctx(t), claimRef, plan.Push{Parent: known.ID, Claim: claim(2, plan.Release, "", "xivo-main")})
	if err != nil {
		t.Fatal(err)
	}
	stranger := plan.Tip{ID: "1234567890123456789012345678901234567890", Claim: plan.Claim{Seq: 1}}
	if c, err := r.Claim(ctx(t), claimRef, id, stranger); err != nil || c.Descends {
		t.Errorf("read as %+v, %v", c, err)
	}
	if c, err := r.Claim(ctx(t), claimRef, id, plan.Tip{}); err != nil || len(c.Links) != 2 {
		t.Errorf("without a known one it has %d changes, %v", len(c.Links), err)
	}
}

// A push that is tried at once is refused, carried out or unknown as any other.
func TestAPushAtOnceIsJudgedAsAnyOther(t *testing.T) {
	w, r, asked, faults := counted(t)
	known := tipOf(t, r, w)
	release := plan.Push{Parent: known.ID, Claim: claim(2, plan.Release, "", "xivo-main")}

	faults.SetPush(gitserver.Lose)
	if _, err := r.PushClaim(ctx(t), claimRef, release); !errors.Is(err, failure.ErrUnknown) {
		t.Errorf("an answer that got lost: %v", err)
	}
	faults.Set(gitserver.None)
	at := w.ref(claimRef)
	if at == known.ID {
		t.Fatal("it was not carried out")
	}
	asked()
	if id, err := r.PushClaim(ctx(t), claimRef, release); err != nil || id != at {
		t.Errorf("the same push again: %s, %v", id, err)
	}
	if _, err := r.PushClaim(ctx(t), claimRef, plan.Push{Parent: known.ID, Claim: claim(2, plan.Renew, spec.Main, "xivo-main")}); !errors.Is(err, failure.ErrRefused) {
		t.Errorf("another change of the same parent: %v", err)
	}
	if got := w.ref(claimRef); got != at {
		t.Errorf("the claim moved to %s", got)
	}
	faults.Set(gitserver.Deny)
	next := plan.Push{Parent: at, Claim: claim(3, plan.Take, spec.Main, "xivo-main")}
	if _, err := r.PushClaim(ctx(t), claimRef, next); !errors.Is(err, failure.ErrAuth) || errors.Is(err, failure.ErrUnknown) {
		t.Errorf("not let in: %v", err)
	}
	faults.Set(gitserver.None)
	if _, err := r.PushClaim(ctx(t), claimRef, next); err != nil {
		t.Errorf("let in again: %v", err)
	}
}

// A hook that forbids a push is asked once.
func TestAHookThatForbidsAPushIsAskedOnce(t *testing.T) {
	w, r, asked, _ := counted(t)
	known := tipOf(t, r, w)
	hook(t, w, "pre-receive", "echo asked >>asked\nexit 1\n")
	asked()
	if _, err := r.PushClaim(ctx(t), claimRef, plan.Push{Parent: known.ID, Claim: claim(2, plan.Release, "", "xivo-main")}); !errors.Is(err, failure.ErrRefused) {
		t.Errorf("a hook that forbids it: %v", err)
	}
	if got := readFile(t, w.bare+"/asked"); got != "asked\n" {
		t.Errorf("the hook was asked %q", got)
	}
}

// What a server sent in part is not asked for a second time in the same look: it would be
// paid for twice.
func TestAFetchThatBrokeOffIsNotMadeTwice(t *testing.T) {
	w, r, asked, faults := counted(t)
	known := tipOf(t, r, w)
	second, err := open(t, git.Options{URL: w.bare}).PushClaim(ctx(t), claimRef, plan.Push{Parent: known.ID, Claim: claim(2, plan.Release, "", "xivo-main")})
	if err != nil {
		t.Fatal(err)
	}
	asked()
	faults.Set(gitserver.Truncate)
	if c, err := r.Claim(ctx(t), claimRef, second, known); err == nil {
		t.Errorf("read as %+v", c)
	}
	is(t, asked(), fetched)
}
