package fitting

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"mainstay/cmd/mainstay/initial"
	"mainstay/reconcile/gitcmd"
)

// OnDisk reports whether an address is a folder, there or to be made.
func OnDisk(address string) bool { return address != "" && !strings.Contains(address, ":") }

// Place fills in where the repository and this program are.
func Place(o *initial.Options, folder string) error {
	if OnDisk(o.Origin) {
		abs, err := filepath.Abs(o.Origin)
		if err != nil {
			return err
		}
		o.Origin = abs
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	o.Folder, o.Program = folder, self
	return nil
}

// WriteNew writes one file of a repository.
func WriteNew(folder string, f initial.File) error {
	name := filepath.Join(folder, filepath.FromSlash(f.Path))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if f.Program {
		mode = 0o755
	}
	return os.WriteFile(name, f.Content, mode)
}

// Commit makes the folder a checkout with one commit, and pushes it. The hint is for an error.
func Commit(ctx context.Context, folder string, o initial.Options) (hint string, err error) {
	repo := gitcmd.Repo{Dir: folder}
	steps := []gitcmd.Call{gitcmd.Git("init", "--quiet", "--initial-branch=main"), gitcmd.Git("add", "--all")}
	if _, err := repo.Run(ctx, gitcmd.Git("var", "GIT_COMMITTER_IDENT")); err != nil && o.Template == initial.Local {
		// To try it out should not fail because git knows nobody yet.
		steps = append(steps, gitcmd.Git("config", "user.name", "operator"), gitcmd.Git("config", "user.email", "operator@localhost"))
	}
	for _, call := range append(steps, gitcmd.Git("commit", "--quiet", "--message=Describe "+o.Name)) {
		if _, err := repo.Run(ctx, call); err != nil {
			return "the files are written; git config --global user.name and user.email say who commits", err
		}
	}
	if o.Origin == "" {
		return "", nil
	}
	if _, err := os.Stat(o.Origin); OnDisk(o.Origin) && errors.Is(err, fs.ErrNotExist) {
		if _, err := repo.Run(ctx, gitcmd.Git("init", "--quiet", "--bare", "--initial-branch=main").On(o.Origin)); err != nil {
			return "give --origin a folder that can be made", err
		}
	}
	for _, call := range []gitcmd.Call{gitcmd.Git("remote", "add").On("origin", o.Origin), gitcmd.Git("push", "--quiet", "--set-upstream").On("origin", "main")} {
		if _, err := repo.Run(ctx, call); err != nil {
			return "the files are written and committed; git push says more", err
		}
	}
	return "", nil
}
