//go:build unix

package spec

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"mainstay/schema"
)

func TestAFolderIsReadAsGitWouldStoreIt(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, size int) {
		if err := errors.Join(os.MkdirAll(filepath.Dir(at(name)), 0o755), os.WriteFile(at(name), make([]byte, size), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"plain", "sub/plain", "module/plain", "nested/.git/x", "nested/plain", "ignored", "stored-as-link", "lfs", "crypt"} {
		write(name, 3)
	}
	write("large", schema.MaxSize+1)
	for name, to := range map[string]string{"link": "plain", "out": "/etc/passwd", "zero": "/dev/zero", "dangling": "nowhere", "folder": "sub"} {
		if err := os.Symlink(to, at(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(at("pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	const plain = "100644"
	folder, err := OpenFolder(dir, &Index{
		Modes: map[string]string{"plain": plain, "sub/plain": plain, "module": "160000", "nested/plain": plain, "stored-as-link": "120000",
			"lfs": plain, "crypt": plain, "large": "", "pipe": ""},
		Filters: map[string]string{"lfs": "lfs", "crypt": "git-crypt"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	const link = "it is a symbolic link and not a plain file (mode 0120000)"
	for name, want := range map[string]string{
		"plain": "", "sub/plain": "", "link": link, "out": link, "zero": link, "dangling": link, "stored-as-link": link,
		"sub": "it is a folder and not a plain file (mode 0040000)", "module": "it is a submodule and not a plain file (mode 0160000)",
		"pipe": "it is not a plain file (mode prw-r--r--)", "large": "it has more than 1 MiB",
		"ignored": "git ignores it, so that no commit would have it",
		"lfs":     "git stores a pointer of git LFS in its place, and nodes read what git stores",
		"crypt":   "git stores it through the filter git-crypt, and nodes read what git stores",
		"nowhere": "gone", "folder/plain": "gone", "module/plain": "gone", "nested/plain": "gone", "../x": "gone", "/etc/passwd": "gone",
	} {
		_, err := folder.Read(name)
		var refused *RefusedFile
		got := ""
		switch {
		case errors.As(err, &refused):
			got = refused.Reason
		case errors.Is(err, fs.ErrNotExist):
			got = "gone"
		case err != nil:
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestDocumentsOfOneNameNameEachOther(t *testing.T) {
	files := map[string]string{"paris.yaml": head, "lyon.yaml": head + "# a copy\n", "nice.yaml": strings.Replace(head, "paris", "nice", 1),
		"flow.yaml": `{ "apiVersion": "mainstay/v1", "name": "nice" }`, ".drafts/x.yaml": head, "other.yaml": "name: paris\n"}
	var all []Named
	for _, file := range []string{"flow.yaml", "lyon.yaml", "nice.yaml", "other.yaml", "paris.yaml"} {
		if n, ok := NameOf(file, []byte(files[file])); ok {
			all = append(all, n)
		}
	}
	var got []string
	for _, p := range SameNames(all) {
		got = append(got, p.String())
	}
	want := "lyon.yaml:3:7: name: paris.yaml names its deployment paris too: the two would share their claims and reports"
	if len(got) != 4 || got[0] != want && got[2] != want {
		t.Errorf("%q", got)
	}
	names := []string{".drafts/x.yaml", "flow.yaml", "lyon.yaml", "nice.yaml", "other.yaml", "paris.yaml"}
	read := func(name string) ([]byte, error) { return []byte(files[name]), nil }
	if p := Twins(all[len(all)-1], names, read); len(p) != 1 || !strings.HasPrefix(p[0].Message, "lyon.yaml names its deployment paris too") {
		t.Error(p)
	}
}
