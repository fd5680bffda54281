package main

import (
	"bufio"
	"bytes"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const output = `goos: linux
pkg: mainstay/reconcile/plan
BenchmarkDecide-2          	  100	     21000 ns/op	    2048 B/op	      12 allocs/op
BenchmarkDecide-2          	  100	     19000 ns/op	    2048 B/op	      12 allocs/op
BenchmarkDecide-2          	  100	     18000 ns/op	    2048 B/op	      12 allocs/op
BenchmarkSim/two-nodes     	    1	 1000000 ns/op	       900.5 failovers/s
BenchmarkLogged
    noise_test.go:1: 1 2 3 4
PASS
`

func TestBudgetsAreHeldAgainstTheMedian(t *testing.T) {
	budgets, err := parseBudgets(`
		# left out
		decide     | BenchmarkDecide        | ns/op       | <= 20000 | BenchmarkSim/two-nodes ns/op
		simulation | BenchmarkSim/two-nodes | failovers/s | >= 1000  | a text
		memory     | BenchmarkMemory        | MB          | <= 25    | BenchmarkOther MB`)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	code := report(&out, budgets, read(bufio.NewScanner(strings.NewReader(output)), io.Discard))
	want := `
WHAT        BUDGET              MEDIAN             WORST              REFERENCE
decide      ≤ 20µs              19µs               21µs               Sim/two-nodes: 1ms  ok
simulation  ≥ 1000 failovers/s  900 failovers/s    900 failovers/s    a text             OVER
memory      ≤ 25 MB                                               Other: not measured    not measured

ALSO MEASURED  METRIC     MEDIAN        HIGHEST
Decide         B/op       2048 B        2048 B
Decide         allocs/op  12 allocs     12 allocs
Sim/two-nodes  ns/op      1ms           1ms
`
	if diff := cmp.Diff(squeeze(want), squeeze(out.String())); diff != "" {
		t.Errorf("tables differ (-want +got):\n%s", diff)
	}
	if code != 1 {
		t.Errorf("exit %d with a budget over and one not measured, want 1", code)
	}
}

func TestKeptBudgetsExitZero(t *testing.T) {
	budgets := []budget{{what: "decide", series: series{"BenchmarkDecide", "ns/op"}, bound: 19000}}
	measured := read(bufio.NewScanner(strings.NewReader(output)), io.Discard)
	if code := report(io.Discard, budgets, measured); code != 0 {
		t.Errorf("exit %d, want 0", code)
	}
}

func TestBudgetsOfTheTreeAreWellFormed(t *testing.T) {
	budgets, err := parseBudgets(budgetText)
	if err != nil || len(budgets) < 10 {
		t.Errorf("%d budgets, error %v", len(budgets), err)
	}
}

// A budget is held against a benchmark that is in the tree, and whose file names the
// metric: one that nothing can measure fails every run of the benchmarks.
func TestEveryBudgetIsMeasured(t *testing.T) {
	budgets, err := parseBudgets(budgetText)
	if err != nil {
		t.Fatal(err)
	}
	tree := os.DirFS("../..")
	packages, err := withBenchmarks(tree)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range budgets {
		if !measures(t, tree, packages, b.series) {
			t.Errorf("%s: no file of a package with benchmarks declares %s and reports %s", b.what, b.series.benchmark, b.series.metric)
		}
		if of, ok := strings.CutPrefix(b.reference, "Benchmark"); ok {
			name, metric, _ := strings.Cut(of, " ")
			if !measures(t, tree, packages, series{"Benchmark" + name, metric}) {
				t.Errorf("%s: nothing measures the reference %s", b.what, b.reference)
			}
		}
	}
}

// measures tells whether a test file declares the benchmark of a series, names its
// sub-benchmark and reports its metric. Every benchmark reports ns/op.
func measures(t *testing.T, tree fs.FS, packages []string, s series) bool {
	t.Helper()
	function, part, _ := strings.Cut(s.benchmark, "/")
	for _, folder := range packages {
		files, err := fs.Glob(tree, path.Join(folder, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			text, err := fs.ReadFile(tree, name)
			if err != nil {
				t.Fatal(err)
			}
			metric, _, _ := strings.Cut(s.metric, "@") // what follows is counted
			said := strings.Contains(string(text), `"`+metric) || s.metric == "ns/op"
			if strings.Contains(string(text), "func "+function+"(") && strings.Contains(string(text), `"`+part) && said {
				return true
			}
		}
	}
	return false
}

func TestBadBudgetIsNamedByLine(t *testing.T) {
	for text, want := range map[string]string{
		"\na | b | c":        "line 2: 3 fields, want what | benchmark | metric | bound | reference",
		"a | b | c | 5 | d":  `line 1: bound "5" is not <= or >= and a number`,
		"a | b | c | < 5 | ": `line 1: bound "< 5" is not <= or >= and a number`,
	} {
		if _, err := parseBudgets(text); err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
}

func TestOnlyPackagesWithBenchmarksRun(t *testing.T) {
	got, err := withBenchmarks(fstest.MapFS{
		"a/a_test.go":          {Data: []byte("package a\n\nfunc BenchmarkA(b *testing.B) {}\n")},
		"a/b_test.go":          {Data: []byte("package a\n\nfunc BenchmarkB(b *testing.B) {}\n")},
		"b/b_test.go":          {Data: []byte("package b\n\nfunc TestB(t *testing.T) {}\n")},
		"c/c.go":               {Data: []byte("package c\n\nfunc BenchmarkC() {}\n")},
		"e/e_test.go":          {Data: []byte("//go:build e2e\n\npackage e\n\nfunc BenchmarkE(b *testing.B) {}\n")},
		"d/testdata/d_test.go": {Data: []byte("package d\n\nfunc BenchmarkD(b *testing.B) {}\n")},
	})
	if diff := cmp.Diff([]string{"./a"}, got); diff != "" || err != nil {
		t.Errorf("error %v; packages (-want +got):\n%s", err, diff)
	}
}

// squeeze makes runs of spaces one, so that widths are the table writer's
// affair.
func squeeze(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSpace(text)) {
		b.WriteString(strings.Join(strings.Fields(line), " ") + "\n")
	}
	return b.String()
}
