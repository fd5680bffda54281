package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"mainstay/reconcile/service"
)

// maxLinks bounds the symbolic links on the way to a folder.
const maxLinks = 40

// beneath opens the allowed folder that the resolved path lies in, and returns the
// path below it. What is done there is done beneath that folder: a link that is put
// in the way meanwhile leads nowhere else.
func beneath(path string, allowed []string) (*os.Root, string, error) {
	var refusal error
	for _, entry := range allowed {
		folder, err := trusted(filepath.Dir(entry + "x"))
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				refusal = err
			}
			continue
		}
		if !strings.HasSuffix(entry, "/") && path != filepath.Join(folder, filepath.Base(entry)) {
			continue
		}
		rel, err := filepath.Rel(folder, path)
		if err != nil || !filepath.IsLocal(rel) || rel == "." {
			continue
		}
		root, err := openRoot(folder)
		return root, rel, err
	}
	if refusal != nil {
		return nil, "", refusal
	}
	return nil, "", fmt.Errorf("%w: a symbolic link leads to %s, which agent.yaml does not allow; add under allow.paths: - %q", service.ErrRefused, path, path)
}

// trusted returns the folder behind the symbolic links of an allowed one. Only
// links of root and of the agent's own user are followed: another user must not
// choose which folder is the allowed one.
func trusted(folder string) (string, error) {
	links := 0
	done, rest := "/", split(folder)
	for len(rest) > 0 {
		next := filepath.Join(done, rest[0])
		rest = rest[1:]
		info, err := os.Lstat(next)
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("%w: too many symbolic links on the way to %s", service.ErrRefused, folder)
		}
		if uid, ok := ownerOf(info); ok && uid != 0 && uid != os.Geteuid() {
			return "", fmt.Errorf("%w: %s is a symbolic link of user %d: only links of root and of the agent's own user are followed", service.ErrRefused, next, uid)
		}
		to, err := os.Readlink(next)
		if err != nil {
			return "", err
		}
		if filepath.IsAbs(to) {
			done = "/"
		}
		rest = append(split(to), rest...)
	}
	return done, nil
}

// split returns the names of a path.
func split(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == filepath.Separator })
}
