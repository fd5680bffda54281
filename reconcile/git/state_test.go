package git_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"mainstay/reconcile/git"
)

func state(t *testing.T) *git.State {
	t.Helper()
	s, err := git.OpenState(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheAcceptedDocumentIsLoadedAsItWasSaved(t *testing.T) {
	s := state(t)
	if _, err := s.LoadAccepted(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("never saved: got %v", err)
	}
	want := git.Accepted{
		Commit: "abc", Path: "deployment.yaml", Document: []byte("name: paris\n\x00\xff"),
		Templates: map[string][]byte{"templates/a": []byte("A")}, When: time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC),
	}
	for range 2 {
		if err := s.SaveAccepted(want); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.LoadAccepted()
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestADamagedStateFileIsSetAsideAndNeverUsed(t *testing.T) {
	for name, spoil := range map[string]func([]byte) []byte{
		"empty":      func([]byte) []byte { return nil },
		"cut short":  func(b []byte) []byte { return b[:len(b)/2] },
		"one bit":    func(b []byte) []byte { b[len(b)-3] ^= 1; return b },
		"zeros":      func(b []byte) []byte { return make([]byte, len(b)) },
		"more after": func(b []byte) []byte { return append(b, '\n') },
	} {
		s := state(t)
		if err := s.Save("memory", map[string]int{"seq": 7}); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(s.Dir(), "memory.state")
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, spoil(b), 0o600); err != nil {
			t.Fatal(err)
		}
		var v map[string]int
		if err := s.Load("memory", &v); !errors.Is(err, git.ErrDamaged) || hint(err) == "" || v != nil {
			t.Errorf("%s: got %v, %v", name, v, err)
		}
		if err := s.Load("memory", &v); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the second time: got %v", name, err)
		}
	}
}

func TestAFewDamagedFilesAreKept(t *testing.T) {
	s := state(t)
	file := filepath.Join(s.Dir(), "memory.state")
	for range 5 {
		if err := os.WriteFile(file, []byte("bad"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.Load("memory", new(int)); !errors.Is(err, git.ErrDamaged) {
			t.Fatal(err)
		}
	}
	kept, err := filepath.Glob(file + ".damaged-*")
	if err != nil || len(kept) != 3 {
		t.Errorf("kept %q, %v", kept, err)
	}
}

func TestAStateFileIsOfItsNameOnly(t *testing.T) {
	s := state(t)
	if err := s.Save("one", 1); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(s.Dir(), "one.state"), filepath.Join(s.Dir(), "two.state")); err != nil {
		t.Fatal(err)
	}
	if err := s.Load("two", new(int)); !errors.Is(err, git.ErrDamaged) {
		t.Errorf("got %v", err)
	}
	if err := s.Save("../x", 1); err != nil {
		t.Fatal(err)
	}
	if found, err := filepath.Glob(filepath.Join(s.Dir(), "..", "x*")); err != nil || len(found) != 0 {
		t.Errorf("a name led out of the folder: %q, %v", found, err)
	}
}

// fullEnv makes the test program save into this folder with no room to write.
const fullEnv = "MAINSTAY_TEST_FULL"

func saveWithoutRoom(dir string) error {
	signal.Ignore(unix.SIGXFSZ)
	limit := unix.Rlimit{Cur: 1000, Max: 1000}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	s, err := git.OpenState(dir)
	if err != nil {
		return err
	}
	return s.Save("memory", strings.Repeat("new ", 1000))
}

// Design section 7: a full disk loses nothing.
func TestWhatWasSavedOutlivesAFullDisk(t *testing.T) {
	s := state(t)
	if err := s.Save("memory", "old"); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx(t), self)
	cmd.Env = append(os.Environ(), fullEnv+"="+s.Dir())
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "file too large") {
		t.Errorf("saving without room: got %v, %s", err, out)
	}
	var got string
	if err := s.Load("memory", &got); err != nil || got != "old" {
		t.Errorf("got %q, %v", got, err)
	}
	files, err := os.ReadDir(s.Dir())
	if err != nil || len(files) != 1 {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

func TestWhatAKilledProcessLeftIsClearedAway(t *testing.T) {
	s := state(t)
	if err := s.Save("memory", "old"); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(s.Dir(), ".memory.state123")
	save(t, left, []byte("half"))
	if err := os.Chtimes(left, time.Time{}, time.Now().Add(-24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := git.OpenState(s.Dir()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	var got string
	if err := s.Load("memory", &got); err != nil || got != "old" {
		t.Errorf("got %q, %v", got, err)
	}
}
