package state

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

var errRefused = errors.New("no space left on device")

// spared is a folder with a spare one; refuse makes its disk take nothing.
type spared struct {
	*Folder
	socket string
}

func newSpared(t *testing.T) *spared {
	t.Helper()
	dir := t.TempDir()
	s := &spared{socket: filepath.Join(dir, "agent.sock")}
	s.next(t, filepath.Join(dir, "state"), "boot1")
	return s
}

// next is the next process.
func (s *spared) next(t *testing.T, dir, boot string) {
	t.Helper()
	var err error
	if s.Folder, err = OpenWithSpare(dir, s.socket, boot); err != nil {
		t.Fatal(err)
	}
}

func (s *spared) refuse(refused bool) {
	s.change = func(_ string, data []byte, do func([]byte) error) error {
		if refused {
			return errRefused
		}
		return do(data)
	}
}

func (s *spared) saves(t *testing.T, value string, want error) {
	t.Helper()
	if err := s.Save("memory", value); !errors.Is(err, want) {
		t.Fatalf("saving %q: got %v", value, err)
	}
}

func (s *spared) loads(t *testing.T, want string) {
	t.Helper()
	var got string
	if err := s.Load("memory", &got); err != nil || got != want {
		t.Fatalf("got %q, %v, want %q", got, err, want)
	}
}

// What a full disk refuses is known to the next process, until the disk takes a newer
// value or the machine starts again.
func TestWhatTheDiskRefusesIsKeptUntilTheBootEnds(t *testing.T) {
	s := newSpared(t)
	dir := s.Dir()
	s.saves(t, "old", nil)
	s.refuse(true)
	s.saves(t, "newer", errRefused)
	s.saves(t, "new", errRefused)
	s.loads(t, "new")
	s.next(t, dir, "boot1")
	s.loads(t, "new")
	s.saves(t, "newest", nil)
	s.loads(t, "newest")
	if left, err := os.ReadDir(Beside(s.socket, "boot1")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	s.refuse(true)
	s.saves(t, "lost", errRefused)
	s.next(t, dir, "boot2")
	s.loads(t, "newest")
	if _, err := os.Stat(Beside(s.socket, "boot1")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the spare folder of an earlier boot: %v", err)
	}
}

func TestAFirstValueThatTheDiskRefusesIsKept(t *testing.T) {
	s := newSpared(t)
	s.refuse(true)
	s.saves(t, "new", errRefused)
	s.next(t, s.Dir(), "boot1")
	s.loads(t, "new")
}

// The process may end anywhere in a save: whoever comes next finds the new value, and
// never one that is older than what the disk holds.
func TestAnOldSpareValueNeverHidesANewerOne(t *testing.T) {
	s := newSpared(t)
	s.refuse(true)
	s.saves(t, "old", errRefused)
	points := 0
	s.change = func(_ string, data []byte, do func([]byte) error) error {
		check := func() {
			next := &spared{socket: s.socket}
			next.next(t, s.Dir(), "boot1")
			next.loads(t, "new")
		}
		check()
		err := do(data)
		check()
		points++
		return err
	}
	s.saves(t, "new", nil)
	s.loads(t, "new")
	if points < 3 {
		t.Errorf("%d points seen", points)
	}
}

// sealed is the file of a value.
func sealed(t *testing.T, value string) []byte {
	t.Helper()
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Save("memory", value); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(File(s.dir, "memory"))
	if err != nil {
		t.Fatal(err)
	}
	return whole
}

// A damaged spare value does not make the older one on disk count.
func TestADamagedSpareValueIsDamaged(t *testing.T) {
	s := newSpared(t)
	s.saves(t, "old", nil)
	s.refuse(true)
	s.saves(t, "new", errRefused)
	if err := os.WriteFile(File(Beside(s.socket, "boot1"), "memory"), []byte("bad"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Load("memory", new(string)); !errors.Is(err, ErrDamaged) {
			t.Fatalf("got %v", err)
		}
	}
	s.refuse(false)
	s.saves(t, "newest", nil)
	s.loads(t, "newest")
}

// A disk that hangs does not keep what it was asked to keep from the next process.
func TestWhatADiskThatHangsWasGivenIsKept(t *testing.T) {
	s := newSpared(t)
	hangs := make(chan struct{})
	defer func() {
		close(hangs)
		s.turn <- struct{}{} // the access that was given up has ended
	}()
	s.bound = 1
	s.change = func(_ string, data []byte, do func([]byte) error) error {
		<-hangs
		return do(data)
	}
	s.saves(t, "new", errHangs)
	s.loads(t, "new")
}

// A spare folder that others can write to is not used, and its values are not read.
func TestASpareFolderOfOthersIsNotUsed(t *testing.T) {
	s := newSpared(t)
	dir, folder := s.Dir(), Beside(s.socket, "boot1")
	s.saves(t, "mine", nil)
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(File(folder, "memory"), sealed(t, "theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := unix.Chmod(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	s.next(t, dir, "boot1")
	s.loads(t, "mine")
	s.refuse(true)
	s.saves(t, "new", errRefused)
	s.loads(t, "mine")
}
