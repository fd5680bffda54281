// Package fitting writes what belongs on the nodes of a repository that init makes: for
// each node a folder with its /etc/mainstay, with a key of its own.
//
// It must not know what a document means.
package fitting

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"mainstay/cmd/mainstay/initial"
	"mainstay/reconcile/git/transport"
	"mainstay/reconcile/plain"
	"mainstay/reconcile/run"
)

// reach bounds the question for the git server's host key.
const reach = 10 * time.Second

// Result is what was written, and what is left to do.
type Result struct {
	Folder string   `json:"folder"`
	Files  []string `json:"files"`
	// HostKey is the fingerprint that the git server showed, for a person to compare;
	// Unpinned is why there is none.
	HostKey  string `json:"hostKey,omitempty"`
	Unpinned string `json:"unpinned,omitempty"`
	// Next are commands that put the files where they belong.
	Next []string `json:"next"`
}

// Check refuses a folder that would put keys into the repository, or that holds
// something.
func Check(folder, repository string) error {
	inside, err := filepath.Rel(real(repository), real(folder))
	if err != nil {
		return err
	}
	if inside == "." || filepath.IsLocal(inside) {
		return fmt.Errorf("%s is in the repository, and keys are never committed", folder)
	}
	return Unused(folder)
}

// real is a path without links, as far as it is there.
func real(path string) string {
	if found, err := filepath.EvalSymlinks(path); err == nil {
		return found
	}
	if parent := filepath.Dir(path); parent != path {
		return filepath.Join(real(parent), filepath.Base(path))
	}
	return path
}

// Unused refuses a folder that has something in it.
func Unused(folder string) error {
	entries, err := os.ReadDir(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && len(entries) > 0:
		return fmt.Errorf("%s is not empty, and nothing in it is overwritten", folder)
	}
	return err
}

// Write makes the folder, and returns the repository's files with the nodes' public keys
// in them.
func Write(ctx context.Context, o initial.Options, files []initial.File, folder string) ([]initial.File, Result, error) {
	r := Result{Folder: folder, Files: []string{}}
	line := ""
	if o.Origin != "" {
		ctx, cancel := context.WithTimeout(ctx, reach)
		defer cancel()
		var err error
		if line, r.HostKey, err = transport.HostKey(ctx, o.Origin); err != nil && !errors.Is(err, transport.ErrNoHostKey) {
			r.Unpinned = err.Error()
		}
	}
	files, nodes, err := initial.Fitted(o, files, line)
	if err != nil {
		return nil, r, err
	}
	for _, f := range nodes {
		name := filepath.Join(folder, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return nil, r, err
		}
		mode := fs.FileMode(0o644)
		if f.Secret {
			mode = 0o600
		}
		if err := os.WriteFile(name, f.Content, mode); err != nil {
			return nil, r, err
		}
		r.Files = append(r.Files, f.Path)
	}
	for _, node := range slices.Sorted(maps.Keys(initial.Addresses(o.Template))) {
		at := cmp.Or(o.Addresses[node], "ADDRESS-OF-"+strings.ToUpper(node)) // the example's is somebody else's
		if strings.Contains(at, ":") {
			at = "[" + at + "]"
		}
		r.Next = append(r.Next, "scp -p "+run.Quote(filepath.Join(folder, node))+"/* root@"+at+":/etc/mainstay/")
	}
	return files, r, nil
}

// String says what was written and what is left to do.
func (r *Result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "wrote %d files for the nodes to %s.\n", len(r.Files), r.Folder)
	switch {
	case r.HostKey != "":
		fmt.Fprintf(&b, "Compare the git server's host key with its own:\n  %s\n", r.HostKey)
	case r.Unpinned != "":
		fmt.Fprintf(&b, "The git server's host key is not known: %s.\nPin it in known_hosts of each node.\n", plain.Line(r.Unpinned))
	}
	fmt.Fprintf(&b, "Give authorized_keys to the git server, and the rest to the nodes:\n  %s\n", strings.Join(r.Next, "\n  "))
	return b.String()
}
