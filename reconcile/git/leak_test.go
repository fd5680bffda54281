package git_test

import (
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"mainstay/e2e/gitserver"
	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
)

// An agent polls for years: no call may leave a goroutine, a file or a process
// behind, whether it ended well or not.
func TestNothingIsLeftOpen(t *testing.T) {
	w := newWork(t)
	hash := w.commit("one")
	w.push()
	_, o := serveSSH(t, w.bare)
	silent := ""
	listen(t, &silent, swallow)
	gone := o
	gone.URL, gone.Timeout = "ssh://"+silent+"/x", 20*time.Millisecond
	remotes := map[string]*git.Remote{
		"path": open(t, git.Options{URL: w.bare}),
		"ssh":  open(t, o),
		"http": open(t, git.Options{URL: gitserver.HTTP(t, w.bare)}),
	}
	failing := []*git.Remote{
		open(t, gone),
		open(t, git.Options{URL: "http://" + silent + "/x", Timeout: 20 * time.Millisecond}),
		open(t, git.Options{URL: w.bare + "/none"}),
	}
	all := func() {
		for name, r := range remotes {
			listed(t, r)
			if _, err := r.Revision(ctx(t), "main", hash, ""); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		for _, r := range failing {
			if _, err := r.List(ctx(t)); !errors.Is(err, failure.ErrUnreachable) {
				t.Fatal(err)
			}
		}
	}
	all()
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	for range 15 {
		all()
	}
	// What was closed takes a moment to be gone; what leaks, 15 times over, stays.
	const slack = 10
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for runtime.NumGoroutine() > goroutines+slack || openFiles(t) > files+slack {
		select {
		case <-tick.C:
		case <-deadline.C:
			stacks := make([]byte, 1<<16)
			t.Fatalf("goroutines: %d, then %d; files: %d, then %d\n%s", goroutines, runtime.NumGoroutine(),
				files, openFiles(t), stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}
