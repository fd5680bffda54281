package sim

import (
	"context"
	"io/fs"
	"log/slog"
	"testing"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/plan"
)

// slowGit is a repository that takes its time over every listing. It is its own
// clock, disk and coordination.
type slowGit struct {
	reconcile.Coordination
	now time.Duration
}

func (g *slowGit) Boot() time.Duration { return g.now }

func (g *slowGit) Wall() time.Time { return time.Unix(0, 0).Add(g.now) }

func (g *slowGit) Load(string, any) error { return fs.ErrNotExist }

func (g *slowGit) Save(string, any) error { return nil }

func (g *slowGit) List(context.Context) (reconcile.Listing, error) {
	g.now += 8 * time.Second
	return reconcile.Listing{Refs: map[string]string{branch: "c1", plan.ClaimRef(deployment, "xivo"): "t1"}}, nil
}

func (g *slowGit) Revision(context.Context, string, string) (reconcile.Revision, error) {
	return settingsOf(DefaultSettings()), nil
}

func (g *slowGit) Claim(_ context.Context, _, hash string, _ plan.Tip) (reconcile.ClaimRead, error) {
	return reconcile.ClaimRead{Tip: plan.Tip{ID: hash, Claim: plan.Claim{Seq: 1, Holder: "main"}}, Descends: true}, nil
}

type settingsOf Settings

func (s settingsOf) Read(path string) ([]byte, error) {
	if path == documentPath {
		return []byte(Settings(s).Text()), nil
	}
	return []byte("upstream {{ .serving }}\n"), nil
}

// TestALeaseCountsFromTheBeginningOfALook: what a look shows was true when it
// began, not when its answer came (R7). Neither the first look, which reads the
// claim, nor a later one, which finds it unchanged, may count from later.
func TestALeaseCountsFromTheBeginningOfALook(t *testing.T) {
	git := &slowGit{now: time.Hour}
	l := reconcile.NewLearner(reconcile.LearnerConfig{Node: "xivo-main", Branch: branch, Path: documentPath,
		Repository: git, Coordination: git, Shared: true, Beside: func(read func()) { read() }, Clock: git, Disk: git, Log: slog.New(slog.DiscardHandler)})
	for range 3 {
		began := git.now
		claim := l.Look(t.Context()).Claims["xivo"]
		if !claim.Read || claim.Began != began {
			t.Fatalf("read %v, counted from %s; the look began at %s and ended at %s", claim.Read, claim.Began, began, git.now)
		}
	}
}
