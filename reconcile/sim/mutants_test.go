package sim

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	mutantsAll  = flag.Bool("mutants.all", false, "build and run every mutant, not only check that each still applies")
	mutantsOnly = flag.String("mutants.only", "", "of these, only the ones whose name contains this")
	mutantsTurn = flag.Int("mutants.turn", -1, "of these, only each third one, from the first for a multiple of three")
)

// mutant is a break of the rules on purpose: one edit of the shipping code.
type mutant struct {
	name, rule, file string
	old, new         string
	// tests may catch it, in this order: a package and a pattern of names.
	tests []string
}

// TestMutants breaks each rule on purpose and sees that a trace, an invariant of
// the search or a story catches it. Without -mutants.all it only checks that
// every break still fits the code.
func TestMutants(t *testing.T) {
	all := mutants(t)
	if len(all) < 15 {
		t.Fatalf("%d mutants", len(all))
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if _, err := m.broken(root); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
	all = slices.DeleteFunc(all, func(m mutant) bool { return !strings.Contains(m.name, *mutantsOnly) })
	if *mutantsTurn >= 0 {
		all = everyThird(all, *mutantsTurn%3)
	}
	if !*mutantsAll || t.Failed() {
		return
	}
	caught := catchAll(t, root, all)
	survived := len(all) - caught
	if survived > 0 {
		t.Errorf("%d mutants survive", survived)
	}
	fmt.Printf("mutants by rule: %s\n", byRule(all))
	fmt.Printf("mutants: %d caught, %d survived\n", caught, survived)
}

func everyThird(all []mutant, first int) (third []mutant) {
	for i := first; i < len(all); i += 3 {
		third = append(third, all[i])
	}
	return third
}

// Each rule is broken in at least two ways.
func TestEveryRuleIsBrokenInTwoWays(t *testing.T) {
	counts := countByRule(mutants(t))
	for n := range 13 {
		if rule := fmt.Sprintf("R%d", n+1); counts[rule] < 2 {
			t.Errorf("%s has %d breaks", rule, counts[rule])
		}
	}
}

func countByRule(all []mutant) map[string]int {
	counts := map[string]int{}
	for _, m := range all {
		for _, rule := range strings.Fields(m.rule) {
			counts[rule]++
		}
	}
	return counts
}

func byRule(all []mutant) string {
	counts := countByRule(all)
	var out []string
	for _, rule := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, fmt.Sprintf("%s %d", rule, counts[rule]))
	}
	return strings.Join(out, ", ")
}

// mutants reads testdata/mutants.txt: blocks of "== name", "rule", "file", lines
// that go ("-") and lines that come ("+").
func mutants(t *testing.T) []mutant {
	f, err := os.Open("testdata/mutants.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []mutant
	for s := bufio.NewScanner(f); s.Scan(); {
		line := s.Text()
		if name, ok := strings.CutPrefix(line, "== "); ok {
			all = append(all, mutant{name: name, tests: []string{
				"./reconcile/sim/explore TestTraces", "./reconcile/sim/explore TestSpaces", "./reconcile/plan TestStories"}})
			continue
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := &all[len(all)-1]
		switch rest := line[1:]; {
		case line[0] == '-':
			m.old += rest + "\n"
		case line[0] == '+':
			m.new += rest + "\n"
		case strings.HasPrefix(line, "rule "):
			m.rule = line[len("rule "):]
		case strings.HasPrefix(line, "file "):
			m.file = line[len("file "):]
		case strings.HasPrefix(line, "test "):
			m.tests = []string{line[len("test "):]}
		default:
			t.Fatalf("mutants.txt: %q", line)
		}
	}
	return all
}

// broken is the file with the break in it.
func (m mutant) broken(root string) (string, error) {
	b, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(b), m.old); n != 1 || m.old == "" {
		return "", fmt.Errorf("%s has the text to break %d times", m.file, n)
	}
	return strings.Replace(string(b), m.old, m.new, 1), nil
}

func catchAll(t *testing.T, root string, all []mutant) int {
	var (
		mu     sync.Mutex
		caught int
		group  sync.WaitGroup
		free   = make(chan struct{}, 2)
	)
	for _, m := range all {
		free <- struct{}{}
		group.Go(func() {
			defer func() { <-free }()
			by, err := m.catch(t.TempDir(), root)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				t.Errorf("%s: %v", m.name, err)
			case by == "":
				by = "SURVIVED"
			default:
				caught++
			}
			fmt.Printf("%-52s %-9s %s\n", m.name, m.rule, by)
		})
	}
	group.Wait()
	return caught
}

// catch builds the tests with the break in place and runs them until one fails.
func (m mutant) catch(dir, root string) (by string, err error) {
	overlay, err := m.overlay(dir, root)
	if err != nil {
		return "", err
	}
	for _, run := range m.tests {
		pkg, test, _ := strings.Cut(run, " ")
		out, failed, err := runBroken(root, overlay, filepath.Join(dir, filepath.Base(pkg)+".test"), pkg, test)
		if err != nil {
			return "", err
		}
		if failed {
			return why(test, out), nil
		}
	}
	return "", nil
}

func (m mutant) overlay(dir, root string) (string, error) {
	text, err := m.broken(root)
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "broken.go")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return "", err
	}
	b, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(root, m.file): file}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, b, 0o600)
}

// runBroken builds a package's tests once and runs those of one name.
func runBroken(root, overlay, binary, pkg, test string) (out string, failed bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	if _, err := os.Stat(binary); err != nil {
		build := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay", overlay, "-o", binary, pkg)
		build.Dir = root
		if b, err := build.CombinedOutput(); err != nil {
			return "", false, fmt.Errorf("build %s: %w\n%s", pkg, err, b)
		}
	}
	if err := named(ctx, binary, test); err != nil {
		return "", false, fmt.Errorf("%s: %w", pkg, err)
	}
	run := exec.CommandContext(ctx, binary, "-test.run", "^"+test+"$", "-test.timeout", "90s", "-test.failfast")
	run.Dir = filepath.Join(root, pkg)
	b, err := run.CombinedOutput()
	return string(b), err != nil, nil
}

// named refuses a pattern that names no test: it would let every mutant survive, or
// pass for one that was caught. What is named behind a slash is known to a run only.
func named(ctx context.Context, binary, test string) error {
	test, _, _ = strings.Cut(test, "/")
	b, err := exec.CommandContext(ctx, binary, "-test.list", "^"+test+"$").CombinedOutput()
	if err != nil {
		return fmt.Errorf("list the tests named %s: %w", test, err)
	}
	if strings.TrimSpace(string(b)) == "" {
		return fmt.Errorf("no test is named %s", test)
	}
	return nil
}

// why is the first failing test and what it says last of it.
func why(test, out string) string {
	name, said := test, ""
	for _, line := range strings.Split(out, "\n") {
		line = strings.TrimSpace(line)
		switch rest, ok := strings.CutPrefix(line, "--- FAIL: "); {
		case ok && strings.Contains(rest, "/"):
			name, _, _ = strings.Cut(rest, " (")
		case strings.HasPrefix(line, "panic: ") && said == "":
			said = line
		case said == "" && strings.Contains(line, "_test.go:"):
			_, said, _ = strings.Cut(line, ": ")
			said, _, _ = strings.Cut(said, "; possible are")
		}
		for _, i := range invariants {
			if strings.HasPrefix(line, i) {
				return name + ": " + line
			}
		}
	}
	return name + ": " + said
}

// invariants are what a search can find broken, by the words it says it in.
var invariants = []string{
	"never two active", "no start without a claim push won for it", "nothing starts on a claim that went back",
	"CC never active", "a paused node is touched", "the shared node never points", "a guarantee is true", "released is verified",
	"one's own side is never seized from", "hold never presumes", "nobody presumes", "the last serving side never stops",
	"seq only grows", "everything converges", "a wait is D",
}
