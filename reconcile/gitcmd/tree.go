package gitcmd

import (
	"bytes"
	"context"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"mainstay/spec"
)

// Tree is the files of one revision, or of a checkout's folder.
type Tree struct {
	ctx  context.Context
	repo Repo
	// rev is a revision, or empty for the files as they lie in the folder.
	rev string
	// index is what git knows of the folder's files, asked for once.
	index func() (*spec.Index, error)
	known *listed
}

// At returns the files of a revision.
func (r Repo) At(ctx context.Context, rev string) Tree {
	return Tree{ctx: ctx, repo: r, rev: rev, known: &listed{}}
}

// Checked returns the files as they lie in a checkout's folder, whether they are
// committed or not.
func (r Repo) Checked(ctx context.Context) Tree {
	return Tree{ctx: ctx, repo: r, known: &listed{}, index: sync.OnceValues(func() (*spec.Index, error) { return r.Index(ctx) })}
}

// At returns the files of another revision of the same repository.
func (t Tree) At(rev string) Tree { return t.repo.At(t.ctx, rev) }

// Repo returns the repository that the files are of.
func (t Tree) Repo() Repo { return t.repo }

// Files lists the paths of files, as they were when it was first asked.
func (t Tree) Files() ([]string, error) {
	t.known.mu.Lock()
	defer t.known.mu.Unlock()
	if t.known.names != nil {
		return t.known.names, nil
	}
	if t.rev != "" {
		return t.list()
	}
	out, err := t.repo.Run(t.ctx, Git("ls-files", "-z", "--cached", "--others", "--exclude-standard"))
	if err == nil {
		t.known.names = split(out)
	}
	return split(out), err
}

// Read returns a file as a node would read it, or a node's own reason why not.
// One that is not there is an fs.ErrNotExist.
func (t Tree) Read(path string) ([]byte, error) {
	if t.rev == "" {
		return t.lying(path)
	}
	if e, listed := t.entry(path); listed {
		return t.stored(path, e)
	}
	out, err := t.repo.Run(t.ctx, Git("ls-tree", "-z", "-l", "--full-tree").On(t.rev).Paths(path))
	if err != nil {
		return nil, err
	}
	for _, line := range split(out) {
		entry, name, _ := strings.Cut(line, "\t")
		fields := strings.Fields(entry)
		if name != path || len(fields) != 4 {
			continue
		}
		e := entryOf(fields)
		if err := e.refused(); err != nil {
			return nil, err
		}
		return t.repo.Run(t.ctx, Git("cat-file", "blob").On(e.hash))
	}
	return nil, notThere(path)
}

func notThere(path string) error {
	return &fs.PathError{Op: "read", Path: path, Err: fs.ErrNotExist}
}

// largestFile is the most that a node reads of one file, in bytes.
const largestFile = 1 << 20

// lying reads a file of the checkout's folder.
func (t Tree) lying(path string) ([]byte, error) {
	index, err := t.index()
	if err != nil {
		return nil, err
	}
	folder, err := spec.OpenFolder(t.repo.Dir, index)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	return folder.Read(path)
}

// Index returns what git knows of the files of a checkout, by their paths from
// its top.
func (r Repo) Index(ctx context.Context) (*spec.Index, error) {
	index := &spec.Index{Modes: map[string]string{}, Filters: map[string]string{}}
	out, err := r.Run(ctx, Git("ls-files", "-z", "--stage"))
	if err != nil {
		return nil, err
	}
	for _, line := range split(out) {
		entry, name, _ := strings.Cut(line, "\t")
		mode, _, _ := strings.Cut(entry, " ")
		index.Modes[name] = mode
	}
	out, err = r.Run(ctx, Git("ls-files", "-z", "--others", "--exclude-standard"))
	if err != nil {
		return nil, err
	}
	for _, name := range split(out) {
		index.Modes[name] = ""
	}
	return index, r.filters(ctx, index)
}

// filters adds the filters through which git stores files.
func (r Repo) filters(ctx context.Context, index *spec.Index) error {
	names := slices.Sorted(maps.Keys(index.Modes))
	if len(names) == 0 {
		return nil
	}
	out, err := r.Run(ctx, Git("check-attr", "-z", "--stdin", "filter").Reading([]byte(strings.Join(names, "\x00"))))
	if err != nil {
		return err
	}
	for said := split(out); len(said) >= 3; said = said[3:] {
		if value := said[2]; value != "unspecified" && value != "unset" && value != "set" {
			index.Filters[said[0]] = value
		}
	}
	return nil
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
