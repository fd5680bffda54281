package git_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/gitserver"
	"mainstay/reconcile/git"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// work is a clone in which a test makes commits and pushes them to bare.
type work struct {
	t    testing.TB
	bare string
	dir  string
}

func newWork(t testing.TB) *work {
	t.Helper()
	w := &work{t: t, bare: gitserver.Bare(t), dir: t.TempDir()}
	gitserver.Git(t, w.dir, "init", "--quiet", "--initial-branch=main")
	gitserver.Git(t, w.dir, "remote", "add", "origin", w.bare)
	return w
}

func (w *work) git(args ...string) string {
	w.t.Helper()
	return strings.TrimSpace(gitserver.Git(w.t, w.dir, args...))
}

// write puts a file into the work tree.
func (w *work) write(name, content string) {
	w.t.Helper()
	file := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// commit commits deployment.yaml with this content and returns the hash.
func (w *work) commit(content string) string {
	w.t.Helper()
	w.write("deployment.yaml", content)
	w.git("add", "-A")
	w.git("commit", "--quiet", "--allow-empty", "-m", "say "+content)
	return w.git("rev-parse", "HEAD")
}

// history adds empty commits on top of the branch.
func (w *work) history(n int) {
	w.t.Helper()
	var b strings.Builder
	b.WriteString("reset refs/heads/main\nfrom refs/heads/main^0\n")
	for i := range n {
		fmt.Fprintf(&b, "commit refs/heads/main\ncommitter test <test@example.org> %d +0000\ndata 1\nx\n", 1700000000+i)
	}
	cmd := exec.Command("git", "fast-import", "--quiet")
	cmd.Dir, cmd.Env, cmd.Stdin = w.dir, gitserver.Env(), strings.NewReader(b.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("fast-import: %v\n%s", err, out)
	}
	w.git("reset", "--quiet", "--hard", "main")
}

// push publishes the branch, rewriting it if need be.
func (w *work) push() {
	w.t.Helper()
	w.git("push", "--quiet", "--force", "origin", "HEAD:refs/heads/main")
}

// ref is where the repository has a ref, or nothing.
func (w *work) ref(name string) string {
	w.t.Helper()
	return strings.TrimSpace(gitserver.Git(w.t, w.bare, "for-each-ref", "--format=%(objectname)", name))
}

func open(t testing.TB, o git.Options) *git.Remote {
	t.Helper()
	r, err := git.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func listed(t testing.TB, r *git.Remote) git.Refs {
	t.Helper()
	l, err := r.ListPrimary(ctx(t))
	if err != nil {
		t.Fatal(err)
	}
	return l.Refs
}

// ctx bounds a test's own waiting; what is tested has a tighter bound.
func ctx(t testing.TB) context.Context {
	t.Helper()
	c, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return c
}

var claimRef = git.ClaimRef("paris", "xivo")

// claim is a whole claim; tests change what they are about.
func claim(seq uint64, action plan.Action, holder spec.Side, node string) plan.Claim {
	return plan.Claim{
		Seq: seq, Holder: plan.HeldBy(holder), Node: node, Instance: node + "-1", Action: action,
		Commit: strings.Repeat("ab", 20), Guarantee: plan.Released, Reason: "a test",
		At: time.Date(2026, 11, 3, 10, 0, int(seq), 0, time.UTC),
	}
}

// change makes a change of the claim that a listing shows.
func change(t testing.TB, r *git.Remote, c plan.Claim) string {
	t.Helper()
	id, err := r.PushClaim(ctx(t), claimRef, plan.Push{Parent: listed(t, r)[claimRef], Claim: c})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func report(node string, status plan.Status) plan.Report {
	at := time.Date(2026, 11, 3, 10, 0, 0, 123456789, time.UTC)
	return plan.Report{
		Deployment: "paris", Node: node, Role: "xivo", Side: spec.Main, Instance: node + "-1", Status: status,
		Since: at.Add(-time.Hour), At: at, LastRead: at.Add(-time.Second),
	}
}

// overEach runs a test against the same bare repository over HTTP and as a
// local path.
func overEach(t *testing.T, test func(t *testing.T, w *work, r *git.Remote)) {
	t.Helper()
	t.Run("http", func(t *testing.T) {
		w := newWork(t)
		test(t, w, open(t, git.Options{URL: gitserver.HTTP(t, w.bare)}))
	})
	t.Run("path", func(t *testing.T) {
		w := newWork(t)
		test(t, w, open(t, git.Options{URL: w.bare}))
	})
}

// written puts text into a file of its own.
func written(t testing.TB, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	save(t, file, []byte(text))
	return file
}

func readFile(t testing.TB, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
