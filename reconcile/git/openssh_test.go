//go:build e2e

package git_test

import (
	"context"
	"testing"

	"mainstay/e2e/gitserver"
	"mainstay/reconcile/git"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// The server in ssh_test.go is this repository's own; this one is what hosts
// run.
func TestEverythingWorksWithOpenSSH(t *testing.T) {
	w := newWork(t)
	first := w.commit("one")
	w.history(60)
	tip := w.commit("two")
	w.push()
	url, key, hosts := gitserver.SSH(t, w.bare)
	r := open(t, git.Options{URL: url, SSHKey: key, KnownHosts: hosts})
	if got := listed(t, r)["refs/heads/main"]; got != tip {
		t.Errorf("list: got %s, want %s", got, tip)
	}
	if _, err := r.Revision(context.Background(), "main", tip, first); err != nil {
		t.Error(err)
	}
	id := change(t, r, claim(1, plan.Take, spec.Main, "xivo-main"))
	if read, err := r.Claim(ctx(t), claimRef, id, plan.Tip{}); err != nil || read.Tip.Seq != 1 {
		t.Errorf("claim: got %+v, %v", read, err)
	}
}
