package machine

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// shelf is a node's files under test, and what they should hold.
type shelf struct {
	*Files
	t     *testing.T
	path  string
	woken chan struct{}
}

func newShelf(t *testing.T, want spec.File) *shelf {
	t.Helper()
	folder := t.TempDir()
	s := &shelf{t: t, path: filepath.Join(folder, "upstream.conf"), woken: make(chan struct{}, 1)}
	wake := func() {
		select {
		case s.woken <- struct{}{}:
		default:
		}
	}
	file := &spec.AgentFile{Allow: spec.Allow{Paths: []string{folder + "/"}, Commands: [][]string{{"true"}}}}
	s.Files = &Files{parts: NewParts(t.Context(), file, slog.New(slog.DiscardHandler), wake), every: 10 * time.Millisecond}
	want.Path = s.path
	s.wants(want)
	return s
}

func (s *shelf) wants(want spec.File) {
	s.t.Helper()
	render := func(_ string, side spec.Side) ([]byte, error) { return []byte("points at " + side + "\n"), nil }
	if err := s.Configure(&spec.Wanted{Files: []spec.File{want}}, render); err != nil {
		s.t.Fatal(err)
	}
}

// until waits for a state of the one file.
func (s *shelf) until(what string, good func(plan.FileState) bool) {
	s.t.Helper()
	bound := time.After(refusedBound)
	for {
		if good(s.States(spec.Main)[0]) {
			return
		}
		select {
		case <-s.woken:
		case <-bound:
			s.t.Fatalf("never %s: %+v", what, s.States(spec.Main)[0])
		}
	}
}

func same(f plan.FileState) bool    { return f.Same && !f.Busy }
func drifted(f plan.FileState) bool { return !f.Same && !f.Busy }

func TestDriftOnDiskIsNoticedAndMended(t *testing.T) {
	s := newShelf(t, spec.File{Reload: &spec.Action{Command: []string{"true"}}})
	s.until("seen missing", drifted)
	s.Render(0, spec.Main)
	s.until("rendered", same)
	for what, drift := range map[string]func() error{
		"another content": func() error { return os.WriteFile(s.path, []byte("points at Mars\n"), 0o644) },
		"no file":         func() error { return os.Remove(s.path) },
	} {
		if err := drift(); err != nil {
			t.Fatal(err)
		}
		s.until("noticed: "+what, drifted)
		s.Render(0, spec.Main)
		s.until("mended", same)
		if got, err := os.ReadFile(s.path); err != nil || string(got) != "points at main\n" {
			t.Errorf("after %s it holds %q, %v", what, got, err)
		}
	}
}

func TestADocumentWaitsForTheOneBeforeItToLetGoOfAFile(t *testing.T) {
	s := newShelf(t, spec.File{})
	s.until("seen missing", drifted)
	held := make(chan struct{})
	s.files[0].done = held // as if it were in the middle of replacing the file
	s.wants(spec.File{Path: s.path})
	s.Render(0, spec.Main)
	for end := time.After(50 * time.Millisecond); end != nil; {
		select {
		case <-s.woken:
		case <-end:
			end = nil
		}
	}
	if f := s.States(spec.Main)[0]; !f.Busy {
		t.Errorf("it was not waited for: %+v", f)
	}
	close(held)
	s.until("rendered", same)
}
