package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/e2e/attack"
	"mainstay/reconcile/service"
	"mainstay/spec"
)

// TestMain lets the test binary be an agent that is killed, or whose disk is
// full.
func TestMain(m *testing.M) {
	switch os.Getenv("TEST_ROLE") {
	case "killed":
		killedMain()
	case "full":
		fullMain()
	default:
		os.Exit(m.Run())
	}
}

// stage is a folder with one file, whose check refuses the word bad and whose
// reload refuses the word poison and keeps what it loaded.
type stage struct {
	t      *testing.T
	folder string
	spec   spec.File
}

const (
	oldContent = "server old;\n"
	newContent = "server new;\n"
)

func newStage(t *testing.T) *stage {
	folder := t.TempDir()
	s := &stage{t: t, folder: folder}
	s.spec = specIn(folder, true)
	s.write(s.spec.Path, oldContent)
	s.write(filepath.Join(folder, "loaded"), oldContent)
	return s
}

func specIn(folder string, candidate bool) spec.File {
	checked := filepath.Join(folder, "upstream.conf")
	f := spec.File{Path: checked}
	if candidate {
		checked = spec.CandidateArg
	}
	const reload = `! grep -q poison upstream.conf || { echo cannot load; exit 1; }; cat upstream.conf > loaded; echo >> reloads`
	f.Check = script(folder, `! grep bad "$1"`, checked)
	f.Reload = script(folder, reload)
	return f
}

func script(folder, text string, args ...string) *spec.Action {
	return &spec.Action{Command: append([]string{"/bin/sh", "-c", "cd " + folder + " && { " + text + "; }", "sh"}, args...)}
}

func (s *stage) file() *File {
	s.t.Helper()
	f, err := New(s.spec, nil, s.allowed())
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

// allowed are the folders that a test's own path is in, behind links too.
func (s *stage) allowed() []string {
	return []string{s.folder + "/", filepath.Dir(s.spec.Path) + "/"}
}

func (s *stage) write(path, content string) {
	s.t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o640); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) read(name string) string {
	b, err := os.ReadFile(filepath.Join(s.folder, name))
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

// apply makes the file as wanted and compares everything that is there
// afterwards.
func (s *stage) apply(want string) error {
	s.t.Helper()
	return s.file().Apply(s.t.Context(), []byte(want))
}

func (s *stage) is(onDisk, loaded string) {
	s.t.Helper()
	got := map[string]string{"disk": s.read("upstream.conf"), "loaded": s.read("loaded")}
	if diff := cmp.Diff(map[string]string{"disk": onDisk, "loaded": loaded}, got); diff != "" {
		s.t.Error(diff)
	}
}

func (s *stage) nothingLeft() {
	s.t.Helper()
	left, err := filepath.Glob(filepath.Join(s.folder, ".*"))
	if err != nil || len(left) > 0 {
		s.t.Errorf("left behind: %v, %v", left, err)
	}
}

func (s *stage) same(want string, same bool) {
	s.t.Helper()
	got, err := s.file().Observe([]byte(want))
	if err != nil || got != same {
		s.t.Errorf("observed the same as %q: %v, %v, want %v", want, got, err, same)
	}
}

// eachCheck runs a test with a check of the candidate and with one in place.
func eachCheck(t *testing.T, test func(t *testing.T, s *stage)) {
	for name, candidate := range map[string]bool{"candidate checked": true, "whole configuration checked": false} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.spec = specIn(s.folder, candidate)
			test(t, s)
			s.nothingLeft()
		})
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestANewContentIsCheckedReplacedAndReloaded(t *testing.T) {
	eachCheck(t, func(t *testing.T, s *stage) {
		s.same(newContent, false)
		check(t, s.apply(newContent))
		s.is(newContent, newContent)
		s.same(newContent, true)
	})
}

func TestWhatIsThereAlreadyIsNotReloaded(t *testing.T) {
	eachCheck(t, func(t *testing.T, s *stage) {
		check(t, s.apply(oldContent))
		if s.read("reloads") != "" {
			t.Error("reloaded for nothing")
		}
	})
}

func TestARefusedContentLeavesTheOldOneWithoutAReload(t *testing.T) {
	eachCheck(t, func(t *testing.T, s *stage) {
		err := s.apply("server bad;\n")
		if !errors.Is(err, service.ErrRefused) || !strings.Contains(err.Error(), "check: refused: exit status 1: server bad;") {
			t.Errorf("got %v", err)
		}
		s.is(oldContent, oldContent)
		if s.read("reloads") != "" {
			t.Error("reloaded for nothing")
		}
		s.same(oldContent, true)
	})
}

func TestARefusedCandidateWasNeverInPlace(t *testing.T) {
	s := newStage(t)
	s.spec.Check = script(s.folder, `cat upstream.conf > seen; exit 1`, spec.CandidateArg)
	if err := s.apply(newContent); err == nil {
		t.Fatal("accepted")
	}
	if got := s.read("seen"); got != oldContent {
		t.Errorf("during the check the file is %q", got)
	}
}

func TestAFailedReloadPutsTheOldFileBackAndReloadsIt(t *testing.T) {
	eachCheck(t, func(t *testing.T, s *stage) {
		err := s.apply("poison;\n")
		if !errors.Is(err, service.ErrFailed) || !strings.Contains(err.Error(), "reload: failed: exit status 1: cannot load") {
			t.Errorf("got %v", err)
		}
		s.is(oldContent, oldContent)
		if got := s.read("reloads"); got != "\n" {
			t.Errorf("the old file was reloaded %d times", len(got))
		}
	})
}

func TestAFirstFileThatIsRefusedIsRemoved(t *testing.T) {
	for name, content := range map[string]string{"by the check": "bad", "by the reload": "poison"} {
		t.Run(name, func(t *testing.T) {
			eachCheck(t, func(t *testing.T, s *stage) {
				check(t, os.Remove(s.spec.Path))
				if s.apply(content) == nil {
					t.Error("accepted")
				}
				if _, err := os.Lstat(s.spec.Path); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("the file is still there: %v", err)
				}
			})
		})
	}
}

func TestAFirstFileIsMade(t *testing.T) {
	eachCheck(t, func(t *testing.T, s *stage) {
		check(t, os.Remove(s.spec.Path))
		s.same("", false)
		check(t, s.apply(newContent))
		s.is(newContent, newContent)
		s.mode(0o644)
	})
}

func (s *stage) mode(want fs.FileMode) {
	s.t.Helper()
	info, err := os.Stat(s.spec.Path)
	if err != nil || info.Mode().Perm() != want {
		s.t.Errorf("mode %v, %v, want %v", info.Mode(), err, want)
	}
}

func TestModeIsKeptUnlessTheDocumentGivesOne(t *testing.T) {
	s := newStage(t)
	check(t, os.Chmod(s.spec.Path, 0o604))
	check(t, s.apply(newContent))
	s.mode(0o604)
	s.spec.Mode = "0600"
	s.same(newContent, false)
	check(t, s.apply(newContent))
	s.mode(0o600)
	s.same(newContent, true)
}

func TestOwnerIsKept(t *testing.T) {
	if os.Getuid() != 0 {
		return // only root can give a file away
	}
	s := newStage(t)
	check(t, os.Chown(s.spec.Path, 4711, 4712))
	check(t, s.apply(newContent))
	info, err := os.Stat(s.spec.Path)
	check(t, err)
	if owner := info.Sys().(*syscall.Stat_t); owner.Uid != 4711 || owner.Gid != 4712 {
		t.Errorf("the owner is %d:%d", owner.Uid, owner.Gid)
	}
}

func TestDriftIsHealed(t *testing.T) {
	eachCheck(t, func(t *testing.T, s *stage) {
		s.write(s.spec.Path, "edited by hand")
		s.same(oldContent, false)
		check(t, s.apply(oldContent))
		s.is(oldContent, oldContent)
	})
}

func TestWithoutHardLinksTheOldFileIsCopied(t *testing.T) {
	s := newStage(t)
	check(t, os.Chmod(s.spec.Path, 0o604))
	target, err := s.file().target()
	check(t, err)
	check(t, target.copyOld())
	s.write(s.spec.Path, "unconfirmed")
	check(t, target.putBack())
	s.is(oldContent, oldContent)
	s.mode(0o604)
	s.nothingLeft()
}

func TestASymbolicLinkStaysOne(t *testing.T) {
	s := newStage(t)
	link := filepath.Join(t.TempDir(), "link.conf")
	check(t, os.Symlink(s.spec.Path, link))
	s.spec.Path = link
	check(t, s.apply(newContent))
	s.is(newContent, newContent)
	if to, err := os.Readlink(link); err != nil || to != filepath.Join(s.folder, "upstream.conf") {
		t.Errorf("the link leads to %q, %v", to, err)
	}
}

func TestWhatCannotBeReplacedIsRefused(t *testing.T) {
	attack.Row(t, "files", "a folder, a FIFO or a link to nowhere stands where a file is to be", "refused, nothing is touched")
	for name, c := range map[string]struct {
		make func(path string) error
		want error
	}{
		"a link that leads nowhere": {func(p string) error { return os.Symlink("nowhere", p) }, service.ErrRefused},
		"a folder":                  {func(p string) error { return os.Mkdir(p, 0o755) }, service.ErrRefused},
		"a pipe":                    {func(p string) error { return syscall.Mkfifo(p, 0o600) }, service.ErrRefused},
		"no folder":                 {func(p string) error { return os.Remove(filepath.Dir(p)) }, service.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.spec.Path = filepath.Join(t.TempDir(), "target")
			check(t, c.make(s.spec.Path))
			if _, err := s.file().Observe([]byte(newContent)); !errors.Is(err, c.want) {
				t.Errorf("observed: %v", err)
			}
			if err := s.apply(newContent); !errors.Is(err, c.want) {
				t.Errorf("applied: %v", err)
			}
		})
	}
}

func TestWithoutCheckAndReloadTheFileIsJustReplaced(t *testing.T) {
	s := newStage(t)
	s.spec.Check, s.spec.Reload = nil, nil
	check(t, s.apply(newContent))
	s.is(newContent, oldContent)
	s.nothingLeft()
}

func TestACheckThatHangsEndsWithItsBound(t *testing.T) {
	s := newStage(t)
	s.spec.Check = script(s.folder, "sleep 600")
	s.spec.Check.Timeout = spec.Duration(30 * time.Millisecond)
	if err := s.apply(newContent); !errors.Is(err, service.ErrTimeout) {
		t.Errorf("got %v", err)
	}
	s.is(oldContent, oldContent)
	s.nothingLeft()
}

func TestAReloadCutShortIsFinishedByTheNextApply(t *testing.T) {
	eachCheck(t, func(t *testing.T, s *stage) {
		ctx, cancel := context.WithCancel(t.Context())
		f := s.file()
		f.at = func(step string) {
			if step == "replaced" && !f.inPlace || step == "checked" {
				cancel()
			}
		}
		if err := f.Apply(ctx, []byte(newContent)); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		s.is(newContent, oldContent)
		s.same(newContent, false)
		check(t, s.apply(newContent))
		s.is(newContent, newContent)
	})
}

func TestAfterAnUnconfirmedContentTheConfirmedOneIsPutBack(t *testing.T) {
	eachCheck(t, func(t *testing.T, s *stage) {
		s.killed("replaced")
		if s.apply("poison;\n") == nil {
			t.Error("accepted")
		}
		s.is(oldContent, oldContent)
	})
}

func TestARefusalAfterAnUnconfirmedReloadReloadsTheOldFile(t *testing.T) {
	s := newStage(t)
	s.spec = specIn(s.folder, false)
	s.killed("reloaded")
	s.is(newContent, newContent)
	if s.apply("bad") == nil {
		t.Error("accepted")
	}
	s.is(oldContent, oldContent)
	s.nothingLeft()
}

// reloader counts, and fails when told.
type reloader struct {
	units []string
	err   error
}

func (r *reloader) Reload(_ context.Context, unit string) error {
	r.units = append(r.units, unit)
	return r.err
}

func TestAUnitIsReloadedThroughTheReloader(t *testing.T) {
	s := newStage(t)
	s.spec.Reload = &spec.Action{Systemd: "nginx.service"}
	var units reloader
	f, err := New(s.spec, &units, s.allowed())
	check(t, err)
	check(t, f.Apply(t.Context(), []byte(newContent)))
	units.err = errors.New("unit failed")
	if err := f.Apply(t.Context(), []byte(oldContent)); !errors.Is(err, units.err) {
		t.Errorf("got %v", err)
	}
	s.is(newContent, oldContent)
	if diff := cmp.Diff([]string{"nginx.service", "nginx.service", "nginx.service"}, units.units); diff != "" {
		t.Error(diff)
	}
}

func TestWhatCannotBeAFileIsRefusedAtOnce(t *testing.T) {
	for name, f := range map[string]spec.File{
		"relative path":     {Path: "etc/x"},
		"mode":              {Path: "/etc/x", Mode: "rw"},
		"check by systemd":  {Path: "/etc/x", Check: &spec.Action{Systemd: "x.service"}},
		"reload, no system": {Path: "/etc/x", Reload: &spec.Action{Systemd: "x.service"}},
	} {
		if _, err := New(f, nil, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestAFileThatSomebodyElseWritesToIsNotCalledTheSame(t *testing.T) {
	s := newStage(t)
	s.spec.Reload = script(s.folder, "echo other > upstream.conf")
	if err := s.apply(newContent); err == nil || !strings.Contains(err.Error(), "something else changed the file") {
		t.Errorf("got %v", err)
	}
}
