package file

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mainstay/e2e/attack"
	"mainstay/reconcile/service"
	"mainstay/spec"
)

// aside makes an allowed folder and one beside it that is not allowed.
func aside(t *testing.T) (allowed, outside string) {
	top, err := filepath.EvalSymlinks(t.TempDir())
	check(t, err)
	allowed, outside = filepath.Join(top, "allowed"), filepath.Join(top, "outside")
	check(t, os.Mkdir(allowed, 0o755))
	check(t, os.Mkdir(outside, 0o755))
	check(t, os.WriteFile(filepath.Join(outside, "evil.so"), []byte(oldContent), 0o644))
	return allowed, outside
}

func TestNothingIsWrittenWhereALinkLeadsOutOfTheAllowedFolders(t *testing.T) {
	for name, link := range map[string]func(allowed, outside string) error{
		"a folder that is a link":        func(a, o string) error { return os.Symlink(o, filepath.Join(a, "modules")) },
		"a folder that is a link upward": func(a, o string) error { return os.Symlink("../outside", filepath.Join(a, "modules")) },
		"a file that is a link": func(a, o string) error {
			return errors.Join(os.Mkdir(filepath.Join(a, "modules"), 0o755), os.Symlink(filepath.Join(o, "evil.so"), filepath.Join(a, "modules", "evil.so")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			attack.Row(t, "files", name+" leads out of allow.paths", "refused, with the line to add; nothing is written")
			allowed, outside := aside(t)
			check(t, link(allowed, outside))
			f, err := New(spec.File{Path: filepath.Join(allowed, "modules", "evil.so")}, nil, []string{allowed + "/"})
			check(t, err)
			err = f.Apply(t.Context(), []byte(newContent))
			if !errors.Is(err, service.ErrRefused) || !strings.Contains(err.Error(), filepath.Join(outside, "evil.so")) {
				t.Errorf("got %v", err)
			}
			if b, _ := os.ReadFile(filepath.Join(outside, "evil.so")); string(b) != oldContent {
				t.Errorf("the file outside is %q", b)
			}
			if entries, _ := os.ReadDir(outside); len(entries) != 1 {
				t.Errorf("outside are %v", entries)
			}
		})
	}
}

func TestALinkIsFollowedWhereBothEndsAreAllowed(t *testing.T) {
	allowed, outside := aside(t)
	check(t, os.Symlink(outside, filepath.Join(allowed, "modules")))
	path := filepath.Join(allowed, "modules", "evil.so")
	for _, entries := range [][]string{{allowed + "/", outside + "/"}, {path, filepath.Join(outside, "evil.so")}, {allowed + "/modules/"}} {
		check(t, os.WriteFile(path, []byte(oldContent), 0o644))
		f, err := New(spec.File{Path: path}, nil, entries)
		check(t, err)
		if err := f.Apply(t.Context(), []byte(newContent)); err != nil {
			t.Errorf("%v: %v", entries, err)
		}
	}
}

func TestALinkThatIsSwappedInMeanwhileLeadsNowhereElse(t *testing.T) {
	attack.Row(t, "files", "a local user puts a link in the way while the agent writes", "nothing is written outside the allowed folder")
	allowed, outside := aside(t)
	sub := filepath.Join(allowed, "sub")
	check(t, os.Mkdir(sub, 0o755))
	f, err := New(spec.File{Path: filepath.Join(sub, "evil.so")}, nil, []string{allowed + "/"})
	check(t, err)
	swapped := false
	f.change = func(_ string, data []byte, do func([]byte) error) error {
		if !swapped {
			swapped = true
			check(t, os.Rename(sub, sub+"-aside"))
			check(t, os.Symlink(outside, sub))
		}
		return do(data)
	}
	if err := f.Apply(t.Context(), []byte(newContent)); err == nil {
		t.Error("no error")
	}
	if b, _ := os.ReadFile(filepath.Join(outside, "evil.so")); string(b) != oldContent {
		t.Errorf("the file outside is %q", b)
	}
}

func TestTheAllowedFolderIsNotChosenByAnotherUser(t *testing.T) {
	allowed, outside := aside(t)
	link := filepath.Join(allowed, "pjsip.d")
	check(t, os.Symlink(outside, link))
	if got, err := trusted(link); err != nil || got != outside {
		t.Errorf("a link of this user: %q, %v", got, err)
	}
	if os.Geteuid() != 0 {
		return // only root makes a link another user's
	}
	attack.Row(t, "files", "a service's user replaces the allowed folder by a link", "not followed")
	check(t, os.Lchown(link, 65534, 65534))
	if _, err := trusted(link); !errors.Is(err, service.ErrRefused) {
		t.Errorf("a link of another user: %v", err)
	}
}

func TestALinkThatLeadsToItselfIsRefused(t *testing.T) {
	allowed, _ := aside(t)
	link := filepath.Join(allowed, "loop")
	check(t, os.Symlink(link, link))
	if _, err := trusted(link); !errors.Is(err, service.ErrRefused) {
		t.Errorf("got %v", err)
	}
}
