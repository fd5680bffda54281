package archive

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"mainstay/reconcile/console"
	"mainstay/reconcile/gitcmd"
)

// hash is what a commit is called.
var hash = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// told is what git tells of a commit.
const told = "--format=%an%x00%at%x00%s%x00%b"

// longestDiff is of a commit's changes, in bytes.
const longestDiff = 200 << 10

// Commit tells of one that a branch has, with what it changed.
// Errors: console.ErrNoCommit, and those of reading.
func (a *Archive) Commit(ctx context.Context, commit string) (console.Commit, error) {
	c := console.Commit{Hash: commit}
	if !hash.MatchString(commit) {
		return c, console.ErrNoCommit
	}
	leave, err := a.enter(ctx)
	if err != nil {
		return c, err
	}
	defer leave()
	if err := a.copy(ctx, freshFor); err != nil {
		return c, err
	}
	known, err := a.repo.Text(ctx, gitcmd.Git("cat-file", "--batch-check=%(objecttype)").Reading([]byte(commit+"\n")))
	if err != nil {
		return c, err
	}
	if known != "commit" { // git says missing of what it does not have
		return c, console.ErrNoCommit
	}
	branches, err := a.repo.Text(ctx, gitcmd.Git("for-each-ref", "--count=1", "--format=%(refname)", "--contains="+commit, "refs/heads"))
	if err != nil {
		return c, err
	}
	if branches == "" {
		return c, console.ErrNoCommit
	}
	text, err := a.repo.Text(ctx, gitcmd.Git("log", "-1", "--no-show-signature", told).On(commit))
	if err != nil {
		return c, err
	}
	f := strings.SplitN(text, "\x00", 4)
	if len(f) < 4 {
		return c, fmt.Errorf("git says %q of %s", text, commit)
	}
	var at int64
	_, _ = fmt.Sscan(f[1], &at)
	c.Author, c.When, c.Subject, c.Body = f[0], time.Unix(at, 0), f[2], strings.ToValidUTF8(f[3][:min(len(f[3]), longestDiff)], "")
	diff, err := a.repo.Text(ctx, gitcmd.Git("diff-tree", "-p", "--root", "--no-commit-id", "--no-color", "--no-textconv", "--no-ext-diff", "-m", "--first-parent").On(commit))
	if err != nil {
		return c, err
	}
	c.Diff, c.Cut = strings.ToValidUTF8(diff[:min(len(diff), longestDiff)], ""), len(diff) > longestDiff
	return c, nil
}
