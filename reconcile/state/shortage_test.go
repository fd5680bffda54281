package state

import (
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"mainstay/e2e/attack"
)

// A file that cannot be read for want of open files is not damaged, and not missing: it
// stays where it is, on disk and in the spare folder, and is read again.
func TestAStateFileSurvivesAShortageOfOpenFiles(t *testing.T) {
	attack.Row(t, "accident", "too many open files while the state is read", "read again, then not known; the files stay where they are")
	for _, spared := range []bool{false, true} {
		dir := t.TempDir()
		s, err := OpenWithSpare(filepath.Join(dir, "state"), filepath.Join(dir, "agent.sock"), "boot")
		if err != nil {
			t.Fatal(err)
		}
		if spared {
			full := s.change
			s.change = func(string, []byte, func([]byte) error) error { return syscall.ENOSPC }
			_ = s.Save("memory", "kept")
			s.change = full
		} else if err := s.Save("memory", "kept"); err != nil {
			t.Fatal(err)
		}
		s.bound = 200 * time.Millisecond
		enough := attack.FewFiles(t, 0)
		var v string
		err = s.Load("memory", &v)
		if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrDamaged) {
			t.Errorf("spared %v, in a shortage: %q %v", spared, v, err)
		}
		s.bound = 10 * time.Second
		read := make(chan error, 1)
		go func() { read <- s.Load("memory", &v) }()
		enough()
		if err := <-read; err != nil || v != "kept" {
			t.Errorf("spared %v, after it: %q %v", spared, v, err)
		}
	}
}
