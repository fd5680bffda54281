package state_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mainstay/e2e/attack"
	"mainstay/reconcile/state"
)

// TestMain lets the test program be a process with no room to write.
func TestMain(m *testing.M) {
	full := os.Getenv(fullEnv)
	if full == "" {
		os.Exit(m.Run())
	}
	if err := saveWithoutRoom(full); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func folder(t *testing.T) *state.Folder {
	t.Helper()
	s, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func hint(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

func TestWhatWasSavedLastIsLoaded(t *testing.T) {
	s := folder(t)
	if err := s.Load("accepted", new([]byte)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("never saved: got %v", err)
	}
	want := []byte("name: paris\n\x00\xff")
	for _, v := range [][]byte{[]byte("older"), want} {
		if err := s.Save("accepted", v); err != nil {
			t.Fatal(err)
		}
	}
	var got []byte
	if err := s.Load("accepted", &got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestADamagedStateFileIsSetAsideAndNeverUsed(t *testing.T) {
	attack.Row(t, "accident", "state files that are empty, cut, or of another form", "set aside, never used")
	for name, spoil := range map[string]func([]byte) []byte{
		"empty":      func([]byte) []byte { return nil },
		"cut short":  func(b []byte) []byte { return b[:len(b)/2] },
		"one bit":    func(b []byte) []byte { b[len(b)-3] ^= 1; return b },
		"zeros":      func(b []byte) []byte { return make([]byte, len(b)) },
		"more after": func(b []byte) []byte { return append(b, '\n') },
	} {
		s := folder(t)
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
		if err := s.Load("memory", &v); !errors.Is(err, state.ErrDamaged) || hint(err) == "" || v != nil {
			t.Errorf("%s: got %v, %v", name, v, err)
		}
		if err := s.Load("memory", &v); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the second time: got %v", name, err)
		}
	}
}

func TestAFewDamagedFilesAreKept(t *testing.T) {
	s := folder(t)
	file := filepath.Join(s.Dir(), "memory.state")
	for range 5 {
		if err := os.WriteFile(file, []byte("bad"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.Load("memory", new(int)); !errors.Is(err, state.ErrDamaged) {
			t.Fatal(err)
		}
	}
	kept, err := filepath.Glob(file + ".damaged-*")
	if err != nil || len(kept) != 3 {
		t.Errorf("kept %q, %v", kept, err)
	}
}

func TestAStateFileIsOfItsNameOnly(t *testing.T) {
	s := folder(t)
	if err := s.Save("one", 1); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(s.Dir(), "one.state"), filepath.Join(s.Dir(), "two.state")); err != nil {
		t.Fatal(err)
	}
	if err := s.Load("two", new(int)); !errors.Is(err, state.ErrDamaged) {
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
	s, err := state.Open(dir)
	if err != nil {
		return err
	}
	return s.Save("memory", strings.Repeat("new ", 1000))
}

// A full disk loses nothing that was there before.
func TestWhatWasSavedOutlivesAFullDisk(t *testing.T) {
	s := folder(t)
	if err := s.Save("memory", "old"); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
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
	s := folder(t)
	if err := s.Save("memory", "old"); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(s.Dir(), ".memory.state123")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(left, time.Time{}, time.Now().Add(-24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := state.Open(s.Dir()); err != nil {
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
