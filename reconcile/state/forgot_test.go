package state

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// What was set aside tells, until something is saved in its place, that there was something.
func TestWhatWasForgottenIsKnownUntilItIsSavedAnew(t *testing.T) {
	root := t.TempDir()
	s, err := OpenWithSpare(filepath.Join(root, "state"), filepath.Join(root, "agent.sock"), "boot")
	if err != nil {
		t.Fatal(err)
	}
	forgot := func(when string, want bool) {
		t.Helper()
		if got, err := s.Forgot("memory"); err != nil || got != want {
			t.Errorf("%s: %v, %v", when, got, err)
		}
	}
	forgot("nothing was ever saved", false)
	damaged(t, s)
	forgot("it is there", false) // whoever loads it is told
	var v string
	if err := s.Load("memory", &v); !errors.Is(err, ErrDamaged) {
		t.Fatal(err)
	}
	forgot("it was set aside", true)
	full := s.change
	s.change = func(string, []byte, func([]byte) error) error { return errors.New("the disk is full") }
	_ = s.Save("memory", "new")
	forgot("it is saved in the spare folder", false)
	s.change = full
	if err := s.Save("memory", "new"); err != nil {
		t.Fatal(err)
	}
	forgot("it is saved anew", false)
	if err := os.Remove(File(s.dir, "memory")); err != nil {
		t.Fatal(err)
	}
	forgot("somebody removed it since", true)
	if _, err := s.Forgot(""); err == nil {
		t.Error("a value without a name")
	}
}
