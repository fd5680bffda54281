package state

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mainstay/e2e/attack"
)

// crashed is what was on the disk and what is done when the machine ends.
type crashed struct {
	name string
	// begin leaves what was there before.
	begin func(t *testing.T, s *Folder)
	do    func(s *Folder)
	// may are the values that may be there afterwards; none is "".
	may []string
}

// damaged is a file that is no state file.
func damaged(t *testing.T, s *Folder) {
	t.Helper()
	if err := os.WriteFile(File(s.dir, "memory"), []byte("bad"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func crashes() []crashed {
	old := func(t *testing.T, s *Folder) {
		t.Helper()
		if err := s.Save("memory", "old"); err != nil {
			t.Fatal(err)
		}
	}
	save := func(s *Folder) { _ = s.Save("memory", "new") }
	load := func(s *Folder) { _ = s.Load("memory", new(string)) }
	return []crashed{
		{"a value is saved again", old, save, []string{"old", "new"}},
		{"a value is saved for the first time", func(*testing.T, *Folder) {}, save, []string{"", "new"}},
		{"a damaged value is replaced", damaged, save, []string{"", "new"}},
		{"a damaged value is set aside", damaged, load, []string{""}},
		{"a damaged value is set aside, and saved anew", damaged, func(s *Folder) { load(s); save(s) }, []string{"", "new"}},
		{"a value is saved twice", old, func(s *Folder) { _ = s.Save("memory", "newer"); save(s) }, []string{"old", "newer", "new"}},
		{"another value is saved beside it", old, func(s *Folder) { _ = s.Save("other", "x") }, []string{"old"}},
		{"it is saved, loaded and saved", old, func(s *Folder) { save(s); load(s); _ = s.Save("memory", "newer") }, []string{"old", "new", "newer"}},
	}
}

// next is the next process: it finds one of the values that may be there, whole, or
// none, and goes on.
func (k crashed) next(t *testing.T, dir string, c *attack.Crash) {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got string
	switch err := s.Load("memory", &got); {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, ErrDamaged) && k.may[0] == "":
		got = ""
	case err != nil:
		t.Errorf("%s: crash %d of change %d: %v", k.name, c.Instant, c.At, err)
	}
	found := false
	for _, v := range k.may {
		found = found || v == got
	}
	if !found {
		t.Errorf("%s: crash %d of change %d leaves %q", k.name, c.Instant, c.At, got)
	}
	if err := s.Save("memory", "last"); err != nil {
		t.Errorf("%s: crash %d of change %d: the next process: %v", k.name, c.Instant, c.At, err)
	}
	if err := s.Load("memory", &got); err != nil || got != "last" {
		t.Errorf("%s: crash %d of change %d: the next process finds %q, %v", k.name, c.Instant, c.At, got, err)
	}
}

// nothingLeft makes what lies there old, and opens the folder once more.
func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range left {
		if err := os.Chtimes(file, time.Time{}, time.Now().Add(-2*stale)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(dir); err != nil {
		t.Fatal(err)
	}
	if left, err = filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(left) > 0 {
		t.Errorf("left for ever: %v, %v", left, err)
	}
}

// At each change of the disk the machine ends before it, in the middle of it or after
// it. A state file is whole or not there at any time, and the next process goes on.
func TestACrashAtAnyChangeOfAStateFileLeavesItWhole(t *testing.T) {
	attack.Row(t, "accident", "the power goes before, in the middle of and after every change of a state file", "the old value or the new one, and the next process goes on")
	converged := 0
	for _, k := range crashes() {
		for _, instant := range []int{attack.CrashBefore, attack.CrashTorn, attack.CrashAfter} {
			for at := 1; ; at++ {
				s, err := Open(t.TempDir())
				if err != nil {
					t.Fatal(err)
				}
				k.begin(t, s)
				c := &attack.Crash{At: at, Instant: instant}
				s.change = c.Change
				k.do(s)
				if !c.Gone {
					break // it was done before that change
				}
				if instant != attack.CrashTorn || c.Tore {
					k.next(t, s.dir, c)
					nothingLeft(t, s.dir)
					converged++
				}
			}
		}
	}
	t.Logf("crashes: %d, each converged", converged)
	if converged < 60 {
		t.Errorf("only %d crashes were tried", converged)
	}
}
