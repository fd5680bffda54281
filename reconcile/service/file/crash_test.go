package file

import (
	"errors"
	"os"
	"slices"
	"testing"

	"mainstay/e2e/attack"
)

var errCrashed = errors.New("the power is gone")

// The instants of a crash at one write.
const (
	before = iota
	torn
	after
)

// crash ends everything at the n-th write: from then on nothing reaches the disk.
type crash struct {
	at, instant int
	seen        int
	gone, tore  bool
	noLinks     bool // the file system has no hard links
}

func (c *crash) write(point string, data []byte, do func([]byte) error) error {
	if c.gone {
		return errCrashed
	}
	if c.noLinks && point == "link the old file" {
		return errCrashed
	}
	c.seen++
	if c.seen != c.at {
		return do(data)
	}
	c.gone = true
	switch {
	case c.instant == before:
		return errCrashed
	case c.instant == torn && len(data) > 1:
		c.tore = true
		return errors.Join(do(data[:len(data)/2]), errCrashed)
	}
	return errors.Join(do(data), errCrashed)
}

// crashed lets an agent begin that ends by c.
func (s *stage) crashed(c *crash) {
	f := s.file()
	f.change = c.write
	_ = f.Apply(s.t.Context(), []byte(newContent))
}

// wholeThenDone holds what a crash left against what may be there, and lets the
// next agent finish.
func (s *stage) wholeThenDone(c *crash, may ...string) {
	s.t.Helper()
	if got := s.read("upstream.conf"); !slices.Contains(may, got) {
		s.t.Errorf("crash %d of write %d leaves %q", c.instant, c.at, got)
	}
	if err := s.apply(newContent); err != nil {
		s.t.Errorf("crash %d of write %d: the next agent: %v", c.instant, c.at, err)
	}
	if got := s.read("upstream.conf"); got != newContent {
		s.t.Errorf("crash %d of write %d: the next agent leaves %q", c.instant, c.at, got)
	}
	s.same(newContent, true)
	s.nothingLeft()
}

// crashes is what a test of crashes begins from.
type crashes struct {
	candidate, absent, plain, noLinks, twice bool
}

func (k crashes) stage(t *testing.T) *stage {
	s := newStage(t)
	s.spec = specIn(s.folder, k.candidate)
	if k.plain {
		s.spec.Check, s.spec.Reload = nil, nil
	}
	if k.absent {
		check(t, os.Remove(s.spec.Path))
	}
	if k.twice {
		s.crashed(&crash{at: 7, instant: after})
	}
	return s
}

// At each write to the disk the machine ends before it, in the middle of it, or
// after it. The file is whole at any time, and the next agent finishes.
func TestACrashAtAnyWriteLeavesAWholeFileAndTheNextAgentConverges(t *testing.T) {
	attack.Row(t, "accident", "the power goes before, in the middle of and after every write of a file", "the file is whole, and the next agent converges")
	converged := 0
	for _, k := range []crashes{{candidate: true}, {}, {absent: true}, {plain: true}, {noLinks: true}, {candidate: true, twice: true}} {
		for _, instant := range []int{before, torn, after} {
			for at := 1; ; at++ {
				s := k.stage(t)
				c := &crash{at: at, instant: instant, noLinks: k.noLinks}
				s.crashed(c)
				if !c.gone {
					break // the agent was done before that write
				}
				if instant != torn || c.tore {
					s.wholeThenDone(c, oldContent, newContent, map[bool]string{true: "", false: oldContent}[k.absent])
					converged++
				}
			}
		}
	}
	t.Logf("crashes: %d, each converged", converged)
	if converged < 80 {
		t.Errorf("only %d crashes were tried", converged)
	}
}
