package git_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"mainstay/e2e/gitserver"
	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/state"
	"mainstay/spec"
)

func folder(t *testing.T) *state.Folder {
	t.Helper()
	s, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// follow makes n changes of the claim and keeps what is read after each.
func follow(t *testing.T, r *git.Remote, store *git.ChainStore, n uint64) []plan.Tip {
	t.Helper()
	var tips []plan.Tip
	var known plan.Tip
	for seq := uint64(1); seq <= n; seq++ {
		id := change(t, r, claim(seq, plan.Renew, spec.Main, "xivo-main"))
		if seq%3 == 2 && seq < n {
			continue // a node that polls does not see every change
		}
		read, err := r.Claim(ctx(t), claimRef, id, known)
		if err != nil || !read.Descends {
			t.Fatalf("seq %d: %+v, %v", seq, read, err)
		}
		if err := store.Extend(claimRef, read); err != nil {
			t.Fatal(err)
		}
		known = read.Tip
		tips = append(tips, known)
	}
	return tips
}

// R10: a node that knows a descendant of what the server went back to pushes
// that again, whatever the server lost.
func TestAClaimThatWentBackIsPushedAgain(t *testing.T) {
	overEach(t, func(t *testing.T, w *work, r *git.Remote) {
		store := git.NewChainStore(folder(t))
		tips := follow(t, r, store, 7)
		newest := tips[len(tips)-1]
		for name, back := range map[string]func() string{
			"older change": func() string {
				gitserver.Git(t, w.bare, "update-ref", claimRef, tips[0].ID)
				return tips[0].ID
			},
			"older change, objects lost": func() string {
				gitserver.Git(t, w.bare, "update-ref", claimRef, tips[1].ID)
				gitserver.Git(t, w.bare, "gc", "--quiet", "--prune=now")
				return tips[1].ID
			},
			"ref deleted": func() string {
				gitserver.Git(t, w.bare, "update-ref", "-d", claimRef)
				return ""
			},
			"everything lost": func() string {
				gitserver.Git(t, w.bare, "update-ref", "-d", claimRef)
				gitserver.Git(t, w.bare, "gc", "--quiet", "--prune=now")
				return ""
			},
		} {
			listed := back()
			got, err := r.Restore(ctx(t), claimRef, listed, store)
			if err != nil || got.ID != newest.ID || w.ref(claimRef) != newest.ID {
				t.Errorf("%s: got %s, %v, ref at %s", name, got.ID, err, w.ref(claimRef))
			}
		}
		gitserver.Git(t, w.bare, "fsck", "--strict", "--connectivity-only")
	})
}

func TestAClaimThatTookAnotherWayIsNotRestored(t *testing.T) {
	w := newWork(t)
	r := open(t, git.Options{URL: w.bare})
	store := git.NewChainStore(folder(t))
	tips := follow(t, r, store, 4)
	gitserver.Git(t, w.bare, "update-ref", claimRef, tips[0].ID)
	fork := change(t, r, claim(2, plan.Seize, spec.Standby, "xivo-standby"))
	if _, err := r.Restore(ctx(t), claimRef, fork, store); !errors.Is(err, failure.ErrRewound) || hint(err) == "" {
		t.Errorf("a fork: got %v", err)
	}
	if _, err := r.Restore(ctx(t), claimRef, tips[0].ID, store); !errors.Is(err, failure.ErrRefused) {
		t.Errorf("listed before the fork: got %v", err)
	}
	if got := w.ref(claimRef); got != fork {
		t.Errorf("the ref was moved to %s", got)
	}
	empty := git.NewChainStore(folder(t))
	if _, err := r.Restore(ctx(t), claimRef, "", empty); !errors.Is(err, failure.ErrRewound) {
		t.Errorf("nothing remembered: got %v", err)
	}
}

// Whichever of its files is damaged, that is said once, and the newest change is kept.
func TestADamagedChainIsStartedAnew(t *testing.T) {
	for i := range 2 {
		w := newWork(t)
		r := open(t, git.Options{URL: w.bare})
		s := folder(t)
		store := git.NewChainStore(s)
		tips := follow(t, r, store, 1)
		files, err := filepath.Glob(filepath.Join(s.Dir(), "*"))
		if err != nil || len(files) != 2 {
			t.Fatal(files, err)
		}
		if err := os.WriteFile(files[i], []byte("bad"), 0o600); err != nil {
			t.Fatal(err)
		}
		id := change(t, r, claim(2, plan.Renew, spec.Main, "xivo-main"))
		read, err := r.Claim(ctx(t), claimRef, id, tips[0])
		if err != nil {
			t.Fatal(err)
		}
		said := store.Extend(claimRef, read)
		if said == nil {
			_, said = store.Tip(claimRef)
		}
		if !errors.Is(said, state.ErrDamaged) {
			t.Errorf("%s: got %v", files[i], said)
		}
		if tip, err := store.Tip(claimRef); err != nil || tip.ID != id {
			t.Errorf("%s: got %+v, %v", files[i], tip, err)
		}
	}
}
