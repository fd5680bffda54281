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

func TestClaimsAndReportsAreReadTogether(t *testing.T) {
	overEach(t, func(t *testing.T, w *work, r *git.Remote) {
		change(t, r, claim(1, plan.Take, spec.Main, "xivo-main"))
		tip := change(t, r, claim(2, plan.Renew, spec.Main, "xivo-main"))
		ref := git.ReportRef("paris", "xivo-main")
		if _, err := r.PublishReport(ctx(t), ref, report("xivo-main", plan.Active), ""); err != nil {
			t.Fatal(err)
		}
		listed := listed(t, r)
		gone, broken := git.ReportRef("paris", "gone"), git.ClaimRef("paris", "broken")
		asked := map[string]string{claimRef: listed[claimRef], ref: listed[ref], gone: strings.Repeat("ab", 20)}
		w.commit("no claim at all")
		w.git("push", "--quiet", "origin", "HEAD:"+broken)
		asked[broken] = w.ref(broken)

		n := r.Notes(ctx(t), asked)
		if c := n.Claims[claimRef]; len(n.Claims) != 1 || c.ID != tip || c.Seq != 2 || c.Node != "xivo-main" {
			t.Errorf("claims: %+v", n.Claims)
		}
		if rep := n.Reports[ref]; len(n.Reports) != 1 || rep.Node != "xivo-main" || rep.Status != plan.Active {
			t.Errorf("reports: %+v", n.Reports)
		}
		if err := n.Errors[gone]; !errors.Is(err, failure.ErrMoved) {
			t.Errorf("one that moved: %v", err)
		}
		if err := n.Errors[broken]; !errors.Is(err, failure.ErrDamaged) {
			t.Errorf("one that is no claim: %v", err)
		}
	})
}

func TestNotesOfAServerThatIsAwayAreErrors(t *testing.T) {
	n := open(t, git.Options{URL: "http://127.0.0.1:1/x.git"}).Notes(ctx(t), map[string]string{claimRef: strings.Repeat("ab", 20)})
	if err := n.Errors[claimRef]; !errors.Is(err, failure.ErrUnreachable) || len(n.Claims)+len(n.Reports) > 0 {
		t.Errorf("got %+v", n)
	}
}
