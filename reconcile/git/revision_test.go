package git_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mainstay/e2e/attack"
	"mainstay/e2e/gitserver"
	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
)

func TestListShowsBranchesClaimsAndReportsOnly(t *testing.T) {
	overEach(t, func(t *testing.T, w *work, r *git.Remote) {
		hash := w.commit("one")
		w.push()
		w.git("push", "--quiet", "origin", "HEAD:refs/tags/v1", "HEAD:refs/pull/1/head", "HEAD:"+claimRef)
		want := git.Refs{"refs/heads/main": hash, claimRef: hash}
		if diff := cmp.Diff(want, listed(t, r)); diff != "" {
			t.Error(diff)
		}
	})
}

// A server with many deployments sends a node what it needs.
func TestANarrowedListIsOfOneDeployment(t *testing.T) {
	overEach(t, func(t *testing.T, w *work, r *git.Remote) {
		hash := w.commit("one")
		w.push()
		other := git.ClaimRef("lyon", "xivo")
		w.git("push", "--quiet", "origin", "HEAD:refs/heads/other", "HEAD:"+claimRef, "HEAD:"+other, "HEAD:"+git.ClaimRef("paris-2", "xivo"))
		git.NewDocument(r, "main").Narrow("paris")
		git.NewCoordination(r, nil, nil).Narrow("paris")
		l, err := r.List(ctx(t))
		if err != nil {
			t.Fatal(err)
		}
		if l.Only == "paris" { // an old server is asked for everything, and says so
			if diff := cmp.Diff(map[string]string{"refs/heads/main": hash, claimRef: hash}, l.Refs); diff != "" {
				t.Error(diff)
			}
		} else if l.Only != "" || l.Refs[other] != hash {
			t.Errorf("only %q, and %v", l.Only, l.Refs)
		}
	})
}

func TestAnEmptyRepositoryIsAnEmptyListing(t *testing.T) {
	overEach(t, func(t *testing.T, _ *work, r *git.Remote) {
		if refs := listed(t, r); len(refs) != 0 {
			t.Errorf("got %v", refs)
		}
	})
}

func TestListIsOneRequest(t *testing.T) {
	w := newWork(t)
	w.commit("one")
	w.push()
	var faults gitserver.Faults
	r := open(t, git.Options{URL: gitserver.HTTP(t, w.bare, faults.Option())})
	listed(t, r)
	if got := faults.Requests(); len(got) != 1 {
		t.Errorf("got %d requests: %q", len(got), got)
	}
}

// A handshake for every poll would cost more than the poll.
func TestPollsShareAConnection(t *testing.T) {
	var connections atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
		_, _ = io.WriteString(w, pkt(strings.Repeat("a", 40)+" refs/heads/main")+"0000")
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	r := open(t, git.Options{URL: s.URL + "/repo.git"})
	for range 20 {
		if len(listed(t, r)) != 1 {
			t.Fatal("no listing")
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("20 polls made %d connections", n)
	}
}

// A server of before protocol version 2 is asked the old way, and not asked in
// vain again with every poll.
func TestAnOldServerIsAskedTheOldWay(t *testing.T) {
	w := newWork(t)
	hash := w.commit("one")
	w.push()
	old := gitserver.Wrap(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			r.Header.Del("Git-Protocol")
			next.ServeHTTP(rw, r)
		})
	})
	var faults gitserver.Faults
	r := open(t, git.Options{URL: gitserver.HTTP(t, w.bare, faults.Option(), old)})
	for range 3 {
		if got := listed(t, r)["refs/heads/main"]; got != hash {
			t.Errorf("got %s, want %s", got, hash)
		}
	}
	if got := faults.Requests(); len(got) != 4 {
		t.Errorf("got %d requests, want one too many and then one a poll: %q", len(got), got)
	}
}

func TestARevisionIsTheCommitAndItsFiles(t *testing.T) {
	overEach(t, func(t *testing.T, w *work, r *git.Remote) {
		w.write("templates/a.conf", "A")
		hash := w.commit("one")
		w.push()
		v, err := r.Revision(ctx(t), "main", hash, "")
		if err != nil {
			t.Fatal(err)
		}
		if v.Commit != hash || v.Subject != "say one" || v.Author != "test <test@example.org>" || v.When.IsZero() {
			t.Errorf("got %+v", v)
		}
		b, err := v.Read("templates/a.conf")
		if err != nil || string(b) != "A" {
			t.Errorf("read: %q, %v", b, err)
		}
		files, err := v.Files()
		if diff := cmp.Diff([]string{"deployment.yaml", "templates/a.conf"}, files); diff != "" || err != nil {
			t.Error(diff, err)
		}
	})
}

func TestARevisionHasNoFileThatIsNotPlainlyInIt(t *testing.T) {
	w := newWork(t)
	w.write("dir/file", "x")
	w.write("large", strings.Repeat("large", 1<<18))
	if err := os.Symlink("/etc/passwd", filepath.Join(w.dir, "link")); err != nil {
		t.Fatal(err)
	}
	hash := w.commit("one")
	w.push()
	for name, url := range map[string]string{"http": gitserver.HTTP(t, w.bare), "path": w.bare} {
		v, err := open(t, git.Options{URL: url}).Revision(ctx(t), "main", hash, "")
		if err != nil {
			t.Fatal(err)
		}
		for file, want := range map[string]error{
			"none": failure.ErrNotFound, "dir": failure.ErrNotFound, "link": failure.ErrNotFound, "../x": failure.ErrNotFound,
			"/etc/passwd": failure.ErrNotFound, "": failure.ErrNotFound, "dir/../dir/file": failure.ErrNotFound,
			"large": failure.ErrTooLarge, "dir/file": nil, "./dir/file": nil,
		} {
			if _, err := v.Read(file); !errors.Is(err, want) {
				t.Errorf("%s: %q: got %v, want %v", name, file, err, want)
			}
		}
	}
}

// A tip that does not descend from the accepted commit is
// refused, however long the history.
func TestARevisionDescendsFromTheAcceptedOneOrIsRefused(t *testing.T) {
	attack.Row(t, "repository", "the branch is rewritten", "refused, what was accepted stays")
	overEach(t, func(t *testing.T, w *work, r *git.Remote) {
		first := w.commit("first")
		w.history(60)
		side := w.git("rev-parse", "HEAD~10")
		tip := w.commit("tip")
		w.push()
		for name, accepted := range map[string]string{"itself": tip, "parent": w.git("rev-parse", "HEAD~1"), "near": side, "root": first} {
			if _, err := r.Revision(ctx(t), "main", tip, accepted); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		w.git("reset", "--quiet", "--hard", side)
		other := w.commit("other")
		w.push()
		_, err := r.Revision(ctx(t), "main", other, tip)
		if !errors.Is(err, failure.ErrRewound) || hint(err) == "" {
			t.Errorf("rewritten: got %v, hint %q", err, hint(err))
		}
		if _, err := r.Revision(ctx(t), "main", other, side); err != nil {
			t.Errorf("what was accepted before the fork: %v", err)
		}
	})
}

func TestAMergeDescendsFromBothSides(t *testing.T) {
	w := newWork(t)
	root := w.commit("root")
	w.git("checkout", "--quiet", "-b", "side")
	side := w.commit("side")
	w.git("checkout", "--quiet", "main")
	for i := range 5 {
		w.write("f", fmt.Sprint(i))
		w.git("add", "f")
		w.git("commit", "--quiet", "-m", "on main")
	}
	w.git("merge", "--quiet", "--no-ff", "-m", "merge", "side")
	tip := w.git("rev-parse", "HEAD")
	w.push()
	r := open(t, git.Options{URL: gitserver.HTTP(t, w.bare)})
	for _, accepted := range []string{root, side} {
		if _, err := r.Revision(ctx(t), "main", tip, accepted); err != nil {
			t.Error(err)
		}
	}
}

func TestARevisionThatMovedIsNotAnotherOne(t *testing.T) {
	overEach(t, func(t *testing.T, w *work, r *git.Remote) {
		old := w.commit("one")
		w.commit("two")
		w.push()
		if _, err := r.Revision(ctx(t), "main", old, ""); !errors.Is(err, failure.ErrMoved) {
			t.Errorf("got %v", err)
		}
		if _, err := r.Revision(ctx(t), "none", old, ""); !errors.Is(err, failure.ErrNoBranch) {
			t.Errorf("got %v", err)
		}
	})
}

func hint(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}
