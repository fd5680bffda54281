package gitcmd

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Tree is the files of one revision, or of a checkout's folder.
type Tree struct {
	ctx  context.Context
	repo Repo
	// rev is a revision, or empty for the files as they lie in the folder.
	rev string
}

// At returns the files of a revision.
func (r Repo) At(ctx context.Context, rev string) Tree { return Tree{ctx, r, rev} }

// Checked returns the files as they lie in a checkout's folder, whether they are
// committed or not.
func (r Repo) Checked(ctx context.Context) Tree { return Tree{ctx, r, ""} }

// Files lists the paths of plain files.
func (t Tree) Files() ([]string, error) {
	call := Git("ls-tree", "-r", "-z", "--name-only").On(t.rev)
	if t.rev == "" {
		call = Git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
	}
	out, err := t.repo.Run(t.ctx, call)
	return split(out), err
}

// Read returns a file. One that is not there is an fs.ErrNotExist.
func (t Tree) Read(path string) ([]byte, error) {
	if t.rev == "" {
		return os.ReadFile(filepath.Join(t.repo.Dir, filepath.FromSlash(path)))
	}
	out, err := t.repo.Run(t.ctx, Git("cat-file", "blob").On(t.rev+":"+path))
	var e *Error
	if errors.As(err, &e) && (strings.Contains(e.Said, "does not exist") || strings.Contains(e.Said, "exists on disk, but not in")) {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fs.ErrNotExist}
	}
	return out, err
}

// Changed lists the paths that differ between two trees of one repository; the
// second may be a checkout's folder.
func Changed(from, to Tree) ([]string, error) {
	call := Git("diff", "-z", "--name-only", "--no-renames").On(from.rev)
	if to.rev != "" {
		call = call.On(to.rev)
	}
	out, err := from.repo.Run(from.ctx, call.Paths())
	if err != nil || to.rev != "" {
		return split(out), err
	}
	more, err := to.repo.Run(to.ctx, Git("ls-files", "-z", "--others", "--exclude-standard"))
	all := append(split(out), split(more)...)
	slices.Sort(all)
	return slices.Compact(all), err
}

func split(out []byte) []string {
	var list []string
	for part := range bytes.SplitSeq(out, []byte{0}) {
		if len(part) > 0 {
			list = append(list, string(part))
		}
	}
	return list
}
