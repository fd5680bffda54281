package git_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/e2e/attack"
	"mainstay/e2e/gitserver"
	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
)

func TestReportsAreReadAsTheyWerePublished(t *testing.T) {
	overEach(t, func(t *testing.T, _ *work, r *git.Remote) {
		want, where := map[string]plan.Report{}, map[string]string{}
		for _, node := range []string{"xivo-main", "xivo-standby", "edge"} {
			ref := git.ReportRef("paris", node)
			want[ref] = report(node, plan.Active)
			if _, err := r.PublishReport(ctx(t), ref, want[ref], ""); err != nil {
				t.Fatal(err)
			}
		}
		for ref, hash := range listed(t, r) {
			where[ref] = hash
		}
		got, errs := r.Reports(ctx(t), where)
		if diff := cmp.Diff(want, got); diff != "" || len(errs) != 0 {
			t.Error(diff, errs)
		}
	})
}

func TestAnUnchangedReportIsANewCommitOfTheSameTree(t *testing.T) {
	overEach(t, func(t *testing.T, w *work, r *git.Remote) {
		ref := git.ReportRef("paris", "xivo-main")
		rep := report("xivo-main", plan.Active)
		first, err := r.PublishReport(ctx(t), ref, rep, "")
		if err != nil {
			t.Fatal(err)
		}
		tree := gitserver.Git(t, w.bare, "rev-parse", ref+"^{tree}")
		rep.At, rep.LastRead = rep.At.Add(5*time.Minute), rep.LastRead.Add(5*time.Minute)
		second, err := r.PublishReport(ctx(t), ref, rep, first)
		if err != nil || second == first {
			t.Errorf("got %s, %v", second, err)
		}
		if got := gitserver.Git(t, w.bare, "rev-parse", ref+"^{tree}"); got != tree {
			t.Errorf("tree %s, want %s", got, tree)
		}
		got, err := readReport(t, r, ref, second)
		if diff := cmp.Diff(rep, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
		if n := strings.TrimSpace(gitserver.Git(t, w.bare, "rev-list", "--count", ref)); n != "1" {
			t.Errorf("the ref has %s commits, want 1", n)
		}
	})
}

func TestANodeReplacesWhateverIsOnItsReportRef(t *testing.T) {
	w := newWork(t)
	r := open(t, git.Options{URL: w.bare})
	ref := git.ReportRef("paris", "xivo-main")
	foreign(w, ref, map[string]string{"README": "hello"})
	id, err := r.PublishReport(ctx(t), ref, report("xivo-main", plan.Active), "")
	if err != nil || w.ref(ref) != id {
		t.Errorf("got %s, %v", id, err)
	}
}

// One bad report must not hide the others.
func TestADamagedReportIsAnErrorOfItsOwn(t *testing.T) {
	attack.Row(t, "reports", "reports that say what no report may", "damaged, not believed")
	w := newWork(t)
	r := open(t, git.Options{URL: gitserver.HTTP(t, w.bare)})
	good := git.ReportRef("paris", "good")
	if _, err := r.PublishReport(ctx(t), good, report("good", plan.Active), ""); err != nil {
		t.Fatal(err)
	}
	whole := `{"deployment":"paris","node":"NODE","instance":"i","status":"Active"}`
	for name, content := range map[string]string{
		"html": "<html>", "empty": "", "huge": whole + strings.Repeat(" ", 1<<20), "another": strings.Replace(whole, "NODE", "good", 1),
		"status": strings.Replace(whole, "Active", "Splendid", 1), "side": strings.Replace(whole, "{", `{"side":"left",`, 1),
	} {
		foreign(w, git.ReportRef("paris", name), map[string]string{"report.json": strings.Replace(content, "NODE", name, 1)})
	}
	foreign(w, git.ReportRef("paris", "files"), map[string]string{"README": "hello"})
	refs := listed(t, r)
	refs[git.ReportRef("paris", "gone")] = strings.Repeat("a", 40)
	got, errs := r.Reports(ctx(t), refs)
	if len(got) != 1 || got[good].Node != "good" {
		t.Errorf("got %v", got)
	}
	for ref := range refs {
		want := failure.ErrDamaged
		if strings.HasSuffix(ref, "gone") {
			want = failure.ErrMoved
		}
		if ref != good && !errors.Is(errs[ref], want) {
			t.Errorf("%s: got %v", ref, errs[ref])
		}
	}
}

// readReport reads one report by itself.
func readReport(t *testing.T, r *git.Remote, ref, hash string) (plan.Report, error) {
	t.Helper()
	reports, errs := r.Reports(ctx(t), map[string]string{ref: hash})
	return reports[ref], errs[ref]
}
