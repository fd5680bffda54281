package explore

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTraces plays the schedules that broke an earlier draft of the rules, and
// those that broke this one while it was searched. Each names its rule.
func TestTraces(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 14 {
		t.Fatalf("%d traces: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := Play(string(script)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSpaces takes a first look at every space: no invariant breaks near the
// beginning, and the search itself works. The whole search is TestExplore.
func TestSpaces(t *testing.T) {
	for _, c := range Configs() {
		t.Run(c.Name, func(t *testing.T) {
			r, err := Run(c, 3000)
			if err != nil {
				t.Fatal(err)
			}
			if r.Violations > 0 {
				t.Errorf("%s", r.Trace)
			}
			if r.States < 2000 && !r.Exhausted {
				t.Errorf("only %d states", r.States)
			}
		})
	}
}
