package archive

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/attack"
	"mainstay/reconcile/console"
	"mainstay/reconcile/fleet"
)

// A commit is told with what it changed, and only one that a branch has.
func TestACommitOfABranchIsTold(t *testing.T) {
	attack.Row(t, "web page", "an address that names an option, a blob or a commit of no branch instead of a commit", "there is no such commit")
	repo, git := work(t)
	write(t, repo, strings.Replace(document, "active: main", "active: standby", 1))
	git("commit", "--quiet", "--all", "-m", "over\n\nmain is tired\n\nMainstay-To: standby")
	tip, first := git("rev-parse", "HEAD"), git("rev-parse", "HEAD~1")
	blob := git("rev-parse", "HEAD:deployment.yaml")
	git("commit", "--quiet", "--allow-empty", "-m", "lost")
	lost := git("rev-parse", "HEAD")
	git("reset", "--quiet", "--hard", tip)
	a := New(fleet.Location{URL: repo.Dir})
	defer a.Close()
	c, err := a.Commit(t.Context(), tip)
	if err != nil || c.Author != "ops" || c.Subject != "over" || !strings.Contains(c.Body, "main is tired") || !strings.Contains(c.Diff, "-active: main\n+active: standby") || c.Cut || c.When.IsZero() {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err = a.Commit(t.Context(), first); err != nil || !strings.Contains(c.Diff, "+kind: Deployment") {
		t.Errorf("the first one: %+v, %v", c, err)
	}
	for _, no := range []string{"", "HEAD", "main", "--all", tip[:39], tip + "0", strings.ToUpper(tip), blob, lost, strings.Repeat("0", 40), tip + "\n"} {
		if c, err := a.Commit(t.Context(), no); !errors.Is(err, console.ErrNoCommit) {
			t.Errorf("%q: %+v, %v", no, c, err)
		}
	}
	git("checkout", "--quiet", "-b", "passing")
	git("commit", "--quiet", "--allow-empty", "-m", "passing")
	passing := git("rev-parse", "HEAD")
	a.copied = time.Time{}
	if _, err := a.Commit(t.Context(), passing); err != nil {
		t.Errorf("of another branch: %v", err)
	}
	git("checkout", "--quiet", "main")
	git("branch", "--quiet", "-D", "passing")
	a.copied = time.Time{}
	if c, err := a.Commit(t.Context(), passing); !errors.Is(err, console.ErrNoCommit) {
		t.Errorf("of a branch that is gone: %+v, %v", c, err)
	}
	// What cannot be read is not what is not there.
	if err := os.RemoveAll(a.repo.Dir); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Commit(t.Context(), tip); err == nil || errors.Is(err, console.ErrNoCommit) {
		t.Errorf("a copy that is gone: %v", err)
	}
}

func TestALongChangeIsCut(t *testing.T) {
	repo, git := work(t)
	write(t, repo, document+strings.Repeat("# a line that says nothing\n", 20000))
	git("commit", "--quiet", "--all", "-m", "long")
	a := New(fleet.Location{URL: repo.Dir})
	defer a.Close()
	if c, err := a.Commit(t.Context(), git("rev-parse", "HEAD")); err != nil || !c.Cut || len(c.Diff) > longestDiff {
		t.Errorf("%d bytes, cut %v, %v", len(c.Diff), c.Cut, err)
	}
}
