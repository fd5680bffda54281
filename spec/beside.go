package spec

import (
	"bytes"
	"errors"
	"path"
)

// RefusedFile is a file of a repository that no reader of mainstay takes: what a
// laptop refuses is what a node refuses, in the same words.
type RefusedFile struct{ Reason string }

// Error returns the reason, which speaks of the file as "it".
func (e *RefusedFile) Error() string { return e.Reason }

// NotPlain refuses what git does not store as the content of a file: a link, a
// folder or a submodule. The mode is git's, such as 0120000.
func NotPlain(mode string) error {
	what := map[string]string{"0120000": "a symbolic link", "0160000": "a submodule", "0040000": "a folder"}[mode]
	if what == "" {
		return &RefusedFile{Reason: "it is not a plain file (mode " + mode + ")"}
	}
	return &RefusedFile{Reason: "it is " + what + " and not a plain file (mode " + mode + ")"}
}

// TooLarge refuses a file of more than schema.MaxSize bytes.
func TooLarge() error { return &RefusedFile{Reason: "it has more than 1 MiB"} }

// pointerHead is how a file begins that git LFS keeps elsewhere.
const pointerHead = "version https://git-lfs.github.com/spec/"

// CheckContent refuses content that stands for another one: nodes read what git
// stores, and never ask an LFS server.
func CheckContent(content []byte) error {
	if bytes.HasPrefix(content, []byte(pointerHead)) {
		return pointer()
	}
	return nil
}

func pointer() error {
	return &RefusedFile{Reason: "git stores a pointer of git LFS in its place, and nodes read what git stores"}
}

// TemplatesBeside reads the templates of a document by their paths in its
// repository: a template's name begins at the document's own folder, on every
// node and every laptop.
func TemplatesBeside(document string, read TemplateReader) TemplateReader {
	return func(name string) ([]byte, error) { return read(path.Join(path.Dir(document), name)) }
}

// reasonOf is why a file could not be read, without the steps that led there
// when no reader would take it.
func reasonOf(err error) string {
	var refused *RefusedFile
	if errors.As(err, &refused) {
		return refused.Reason
	}
	return err.Error()
}
