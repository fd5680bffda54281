// Package archive tells what a repository was and what may come to it: every switch of
// a deployment, and the open branches with the documents that they change. It keeps a
// bare copy of the branches for as long as it is open, and asks git again only when
// what it remembers is no longer so.
//
// It must not know of pages.
package archive

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"mainstay/reconcile/change"
	"mainstay/reconcile/console"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/gitcmd"
	"mainstay/schema"
)

// The bounds of what is read.
const (
	// mostSwitches is how many switches of each role are told.
	mostSwitches = 100
	// mostBranches is how many branches are looked at, the newest.
	mostBranches = 30
	// freshFor is how long the copy of the branches is good.
	freshFor = 10 * time.Second
)

// Archive is of one place. Its methods may be called by several at a time.
type Archive struct {
	place fleet.Location
	// gate lets in one at a time; those who wait may give up.
	gate   chan struct{}
	source *fleet.Source
	repo   gitcmd.Repo
	copied time.Time
	past   map[string]remembered
	// open are the branches as they were compared last, with the commit they were
	// compared with and when that was.
	open     []console.Branch
	openFrom string
	openAt   time.Time
	// compared are the changes of branches, by the two commits.
	compared map[string]console.Branch
}

// remembered is a history with what it was made from.
type remembered struct {
	from    string
	history *fleet.History
}

// New returns an archive of a place. Nothing is read before it is asked. Close it.
func New(place fleet.Location) *Archive {
	return &Archive{place: place, gate: make(chan struct{}, 1), past: map[string]remembered{}, compared: map[string]console.Branch{}}
}

// Close removes the copies. It waits for who is inside.
func (a *Archive) Close() {
	a.gate <- struct{}{}
	if a.source != nil {
		a.source.Close()
	}
	if a.repo.Dir != "" {
		_ = os.RemoveAll(a.repo.Dir)
	}
}

// enter waits for its turn, and returns what ends it.
func (a *Archive) enter(ctx context.Context) (leave func(), err error) {
	select {
	case a.gate <- struct{}{}:
		return func() { <-a.gate }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for git: %w", ctx.Err())
	}
}

// History tells the newest switches of every role of a deployment.
func (a *Archive) History(ctx context.Context, d *fleet.Deployment) (*fleet.History, error) {
	leave, err := a.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	from := d.Tells()
	if known, ok := a.past[d.Name]; ok && known.from == from {
		return known.history, nil
	}
	if a.source == nil {
		if a.source, err = fleet.Open(a.place); err != nil {
			return nil, err
		}
	}
	h, err := a.source.Past(ctx, d.Name, slices.Sorted(maps.Keys(d.Claims)), mostSwitches)
	if err != nil {
		return nil, err
	}
	if err := a.copy(ctx, 0); err != nil {
		return nil, err
	}
	h.Tell(ctx, a.repo, d)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	a.past[d.Name] = remembered{from, h}
	return h, nil
}

// copy brings the copy of the branches up to date, unless it is younger than age.
func (a *Archive) copy(ctx context.Context, age time.Duration) error {
	if a.repo.Dir == "" {
		dir, err := os.MkdirTemp("", "mainstay-console-")
		if err != nil {
			return fmt.Errorf("make a folder for the copy: %w", err)
		}
		repo := gitcmd.Repo{Dir: dir, Env: a.place.Env()}
		if _, err := repo.Run(ctx, gitcmd.Git("init", "--quiet", "--bare")); err != nil {
			_ = os.RemoveAll(dir)
			return err
		}
		a.repo = repo
	}
	if age > 0 && time.Since(a.copied) < age {
		return nil
	}
	if _, err := a.repo.Run(ctx, gitcmd.Git("fetch", "--quiet", "--no-tags", "--prune").On(a.place.URL, "+refs/heads/*:refs/heads/*")); err != nil {
		return err
	}
	a.copied = time.Now()
	return nil
}

// fields is how many listed has.
const fields = 7

// listed is what git tells of a branch.
const listed = "%(refname:lstrip=2)%00%(objectname)%00%(authorname)%00%(committerdate:unix)%00%(contents:subject)" +
	"%00%(trailers:key=Mainstay-Reason,valueonly,separator=%x20)%00%(contents:body)%00"

// Branches lists the branches that are not merged, newest first, and compares each
// with where it began.
func (a *Archive) Branches(ctx context.Context, v *fleet.View) ([]console.Branch, error) {
	leave, err := a.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if a.openFrom == v.Commit && time.Since(a.openAt) < freshFor {
		return a.open, nil // however many browsers ask
	}
	if err := a.copy(ctx, freshFor); err != nil {
		return nil, err
	}
	text, err := a.repo.Text(ctx, gitcmd.Git("for-each-ref", "--sort=-committerdate",
		fmt.Sprintf("--count=%d", mostBranches+1), "--format="+listed, "--no-merged="+v.Commit, "refs/heads"))
	if err != nil {
		return nil, err
	}
	var out []console.Branch
	for f := range slices.Chunk(strings.Split(text, "\x00"), fields) { // no commit has a zero byte
		if f[0] = strings.TrimPrefix(f[0], "\n"); len(f) < fields || f[0] == v.Branch {
			continue
		}
		var at int64
		_, _ = fmt.Sscan(f[3], &at)
		b, err := a.compare(ctx, v.Commit, console.Branch{Name: f[0], Commit: f[1], Author: f[2], When: time.Unix(at, 0), Subject: f[4], Reason: reasonOf(f[5], f[6])})
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	a.open, a.openFrom, a.openAt = out, v.Commit, time.Now()
	return out, nil
}

// longestReason is of a branch's reason, in bytes.
const longestReason = 2000

// reasonOf is the reason that a commit records, else what stands below its subject,
// without the trailers.
func reasonOf(recorded, body string) string {
	text := strings.TrimSpace(recorded)
	if text == "" {
		text = strings.TrimSpace(body)
		if i := strings.LastIndex("\n\n"+text, "\n\n"); trailers.MatchString(text[i:]) {
			text = strings.TrimSpace(text[:i])
		}
	}
	return strings.ToValidUTF8(text[:min(len(text), longestReason)], "")
}

// trailers are a last paragraph of nothing but "Key: value".
var trailers = regexp.MustCompile(`^\s*([A-Za-z][A-Za-z-]*: .*(\n|$))+$`)

// compare reads which documents a branch changes since it began.
func (a *Archive) compare(ctx context.Context, base string, b console.Branch) (console.Branch, error) {
	began, err := a.repo.Text(ctx, gitcmd.Git("merge-base").On(base, b.Commit))
	if err != nil {
		if ctx.Err() != nil {
			return b, ctx.Err()
		}
		b.Broken = "it has no commit in common with what the nodes read"
		return b, nil
	}
	key := began + " " + b.Commit
	if known, ok := a.compared[key]; ok {
		b.Changes, b.Broken = known.Changes, known.Broken
		return b, nil
	}
	from, to := a.repo.At(ctx, began), a.repo.At(ctx, b.Commit)
	paths, err := fleet.Affected(from, to)
	if err != nil {
		return b, err
	}
	b.Changes, err = change.Compare(paths, from, to, "")
	if broken := new(change.Broken); errors.As(err, &broken) {
		b.Broken = strings.Join(schema.Lines(broken.Problems, func(s string) string { return s }), "\n")
	} else if err != nil {
		return b, err
	}
	if len(a.compared) > 4*mostBranches {
		clear(a.compared)
	}
	a.compared[key] = b
	return b, nil
}
