package git_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
)

func TestATriedPushLeavesNothing(t *testing.T) {
	overEach(t, func(t *testing.T, w *work, r *git.Remote) {
		before := listed(t, r)
		kept, err := r.TryPush(ctx(t), git.DoctorRef("paris", "xivo-main"), time.Unix(1e9, 0))
		if kept != nil || err != nil {
			t.Errorf("got %v, %v", kept, err)
		}
		if after := listed(t, r); len(after) != len(before) || after[git.DoctorRef("paris", "xivo-main")] != "" {
			t.Errorf("the refs are now %v", after)
		}
	})
}

// One that was left behind, because a server lets nobody delete, is in nobody's
// way the next time.
func TestATriedPushMayStayBehind(t *testing.T) {
	overEach(t, func(t *testing.T, w *work, r *git.Remote) {
		hook(t, w, "update", "case $3 in 0000*) exit 1 ;; esac")
		for range 2 {
			kept, err := r.TryPush(ctx(t), git.DoctorRef("paris", "xivo-main"), time.Unix(1e9, 0))
			if !errors.Is(kept, failure.ErrRefused) || err != nil {
				t.Errorf("got %v, %v", kept, err)
			}
		}
	})
}

func TestATriedPushThatIsRefusedSaysSo(t *testing.T) {
	overEach(t, func(t *testing.T, w *work, r *git.Remote) {
		hook(t, w, "pre-receive", "exit 1")
		if _, err := r.TryPush(ctx(t), git.DoctorRef("paris", "xivo-main"), time.Unix(1e9, 0)); !errors.Is(err, failure.ErrRefused) {
			t.Errorf("got %v", err)
		}
	})
}

// hook makes the server run a shell script when something is pushed.
func hook(t *testing.T, w *work, name, script string) {
	t.Helper()
	file := filepath.Join(w.bare, "hooks", name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}
