package spec

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"mainstay/schema"
)

// Index is what git knows of the files of a checkout.
type Index struct {
	// Modes holds git's mode of every file that it has or would take, such as
	// 100644; the mode is empty for one that was never added.
	Modes map[string]string
	// Filters names the filter through which git stores a file, such as lfs.
	Filters map[string]string
}

// Folder reads the files of a folder as a node would read them once git has
// stored them: no link is followed, nothing but a plain file is opened, and what
// git ignores is not there.
type Folder struct {
	root  *os.Root
	index *Index
}

// OpenFolder opens a folder; close it. Index is nil for one that git does not
// know.
func OpenFolder(dir string, index *Index) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Folder{root: root, index: index}, nil
}

// Close closes the folder.
func (f *Folder) Close() error { return f.root.Close() }

// Read returns a file of at most schema.MaxSize bytes. Errors are a RefusedFile,
// with a node's own words, or fs.ErrNotExist.
func (f *Folder) Read(name string) ([]byte, error) {
	gone := &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	if !fs.ValidPath(name) || name == "." {
		return nil, gone
	}
	for at := path.Dir(name); at != "."; at = path.Dir(at) {
		info, err := f.root.Lstat(at)
		if err != nil || !info.IsDir() || f.submodule(at) {
			return nil, gone // a commit has no files behind a link, or in a submodule
		}
	}
	info, err := f.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if err := f.refuse(name, info); err != nil {
		return nil, err
	}
	file, err := f.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if now, err := file.Stat(); err != nil || !os.SameFile(info, now) {
		return nil, errors.Join(err, errors.New("it was replaced while it was read"))
	}
	data, err := io.ReadAll(io.LimitReader(file, schema.MaxSize+1))
	if err == nil && len(data) > schema.MaxSize {
		err = TooLarge()
	}
	return data, err
}

// submodule tells whether a folder is another repository's.
func (f *Folder) submodule(name string) bool {
	if f.index == nil {
		return false
	}
	if strings.HasPrefix(f.index.Modes[name], "16") {
		return true
	}
	_, err := f.root.Lstat(path.Join(name, ".git"))
	return err == nil
}

// refuse says why git does not store a file as a plain one with what lies here.
func (f *Folder) refuse(name string, info fs.FileInfo) error {
	mode, known := "", true
	if f.index != nil {
		mode, known = f.index.Modes[name]
	}
	switch {
	case info.Mode()&fs.ModeSymlink != 0, strings.HasPrefix(mode, "12"):
		return NotPlain("0120000")
	case f.submodule(name):
		return NotPlain("0160000")
	case info.IsDir():
		return NotPlain("0040000")
	case !info.Mode().IsRegular():
		return NotPlain(info.Mode().String())
	case !known:
		return &RefusedFile{Reason: "git ignores it, so that no commit would have it"}
	case info.Size() > schema.MaxSize:
		return TooLarge()
	}
	if f.index == nil {
		return nil
	}
	switch filter := f.index.Filters[name]; filter {
	case "":
		return nil
	case "lfs":
		return pointer()
	default:
		return &RefusedFile{Reason: fmt.Sprintf("git stores it through the filter %s, and nodes read what git stores", filter)}
	}
}
