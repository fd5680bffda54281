package change

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mainstay/reconcile/gitcmd"
)

// ErrMoved means that the branch is no longer where it was: somebody else pushed
// to it. Nothing was changed.
var ErrMoved = errors.New("the branch moved meanwhile")

// File is a file as it should be, on top of a commit.
type File struct {
	Base, Path string
	Content    []byte
	Message    string
}

// Commit makes the commit and returns it. It is on no branch yet.
func Commit(ctx context.Context, repo gitcmd.Repo, c File) (string, error) {
	entry, err := repo.Text(ctx, gitcmd.Git("ls-tree").On(c.Base).Paths(c.Path))
	mode, _, ok := strings.Cut(entry, " ")
	if err != nil || !ok {
		return "", fmt.Errorf("find %s in %.7s: %w", c.Path, c.Base, errors.Join(err, os.ErrNotExist))
	}
	blob, err := repo.Text(ctx, gitcmd.Git("hash-object", "-w", "--stdin", "--no-filters").Reading(c.Content))
	if err != nil {
		return "", err
	}
	tree, err := treeOf(ctx, repo, c, mode+","+blob)
	if err != nil {
		return "", err
	}
	options := []string{"-p", c.Base}
	if sign, err := repo.Text(ctx, gitcmd.Git("config", "--type=bool", "commit.gpgSign")); err == nil && sign == "true" {
		options = append(options, "-S")
	}
	return repo.Text(ctx, gitcmd.Git("commit-tree", options...).On(tree).Reading([]byte(c.Message)))
}

// treeOf is the base's tree with the one file changed, made in an index of its
// own.
func treeOf(ctx context.Context, repo gitcmd.Repo, c File, entry string) (string, error) {
	dir, err := os.MkdirTemp("", "mainstay-index-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the index: %w", err)
	}
	defer os.RemoveAll(dir)
	aside := repo
	aside.Env = append([]string{"GIT_INDEX_FILE=" + filepath.Join(dir, "index")}, repo.Env...)
	if _, err := aside.Run(ctx, gitcmd.Git("read-tree").On(c.Base)); err != nil {
		return "", err
	}
	if _, err := aside.Run(ctx, gitcmd.Git("update-index", "--cacheinfo", entry+","+c.Path)); err != nil {
		return "", err
	}
	return aside.Text(ctx, gitcmd.Git("write-tree"))
}

// Push puts a commit on a branch of a remote, without force. ErrMoved means that
// the branch has something that the commit does not have.
func Push(ctx context.Context, repo gitcmd.Repo, remote, commit, branch string) error {
	_, err := repo.Run(ctx, gitcmd.Git("push", "--quiet").On(remote, commit+":refs/heads/"+branch))
	var e *gitcmd.Error
	if errors.As(err, &e) && moved(e.Said) {
		return fmt.Errorf("push to %s: %w", branch, ErrMoved)
	}
	return err
}

// moved tells the refusal of a push that would have lost somebody's commit, or
// that came at the same time as another, from every other one.
func moved(said string) bool {
	signs := []string{"fetch first", "non-fast-forward", "cannot lock ref", "failed to update ref", "incorrect old value", "stale info"}
	return slices.ContainsFunc(signs, func(sign string) bool { return strings.Contains(said, sign) })
}

// NotTaken reports whether a push failed because the server refused it, with what the
// server said.
func NotTaken(err error) (said string, refused bool) {
	var e *gitcmd.Error
	if !errors.As(err, &e) {
		return "", false
	}
	return e.Refused()
}
