package file

import (
	"os"
	"slices"
	"testing"

	"mainstay/e2e/attack"
)

// crashed lets an agent begin that ends by c.
func (s *stage) crashed(c *attack.Crash) {
	f := s.file()
	f.change = c.Change
	_ = f.Apply(s.t.Context(), []byte(newContent))
}

// wholeThenDone holds what a crash left against what may be there, and lets the
// next agent finish.
func (s *stage) wholeThenDone(c *attack.Crash, may ...string) {
	s.t.Helper()
	if got := s.read("upstream.conf"); !slices.Contains(may, got) {
		s.t.Errorf("crash %d of write %d leaves %q", c.Instant, c.At, got)
	}
	if err := s.apply(newContent); err != nil {
		s.t.Errorf("crash %d of write %d: the next agent: %v", c.Instant, c.At, err)
	}
	if got := s.read("upstream.conf"); got != newContent {
		s.t.Errorf("crash %d of write %d: the next agent leaves %q", c.Instant, c.At, got)
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
		s.crashed(&attack.Crash{At: 7, Instant: attack.CrashAfter})
	}
	return s
}

// At each write to the disk the machine ends before it, in the middle of it, or
// after it. The file is whole at any time, and the next agent finishes.
func TestACrashAtAnyWriteLeavesAWholeFileAndTheNextAgentConverges(t *testing.T) {
	attack.Row(t, "accident", "the power goes before, in the middle of and after every write of a file", "the file is whole, and the next agent converges")
	converged := 0
	for _, k := range []crashes{{candidate: true}, {}, {absent: true}, {plain: true}, {noLinks: true}, {candidate: true, twice: true}} {
		for _, instant := range []int{attack.CrashBefore, attack.CrashTorn, attack.CrashAfter} {
			for at := 1; ; at++ {
				s := k.stage(t)
				c := &attack.Crash{At: at, Instant: instant}
				if k.noLinks {
					c.Never = "link the old file"
				}
				s.crashed(c)
				if !c.Gone {
					break // the agent was done before that write
				}
				if instant != attack.CrashTorn || c.Tore {
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
