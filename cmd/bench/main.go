// Command bench runs the benchmarks of the tree and holds what they measured
// against the budgets of budgets.txt.
//
// It knows the benchmarks by their names alone: one that somebody adds under a
// name of budgets.txt, reporting the metric named there, has its budget
// checked. A budget that nothing measured is said to be so. Benchmarks without
// a budget follow in a table of their own.
//
//	go run ./cmd/bench [-benchtime 1s] [-count 3] [PACKAGES]
//
// The exit status is 0 when every budget was measured and kept, 1 when not, 2
// for wrong use.
package main

import (
	"bufio"
	"bytes"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

//go:embed budgets.txt
var budgetText string

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	benchtime := flags.String("benchtime", "1s", "how long one benchmark runs, as go test takes it")
	count := flags.Int("count", 3, "how often each runs; the table shows the median and the worst")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	measured, err := measure(flags.Args(), *benchtime, *count, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "error: %v\n", err)
		return 1
	}
	budgets, err := parseBudgets(budgetText)
	if err != nil {
		fmt.Fprintf(stderr, "error: budgets.txt: %v\n", err)
		return 1
	}
	return report(stdout, budgets, measured)
}

// report prints both tables and returns the exit status.
func report(stdout io.Writer, budgets []budget, measured results) int {
	kept := writeBudgets(stdout, budgets, measured)
	writeOthers(stdout, budgets, measured)
	if !kept {
		return 1
	}
	return 0
}

// measure runs the benchmarks of the packages, one package at a time so that
// none disturbs another, and shows their progress on stderr.
func measure(packages []string, benchtime string, count int, stderr io.Writer) (results, error) {
	if len(packages) == 0 {
		var err error
		if packages, err = withBenchmarks(os.DirFS(".")); err != nil {
			return nil, fmt.Errorf("looking for benchmarks: %w", err)
		}
	}
	if len(packages) == 0 {
		return nil, fmt.Errorf("there is no benchmark below this folder")
	}
	args := []string{"test", "-run", "^$", "-bench", ".", "-benchmem", "-benchtime", benchtime,
		"-count", strconv.Itoa(count), "-p", "1", "-timeout", "60m"}
	cmd := exec.Command("go", append(args, packages...)...)
	cmd.Stderr = stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting go test: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting go test: %w", err)
	}
	measured := read(bufio.NewScanner(out), stderr)
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("running the benchmarks: %w", err)
	}
	return measured, nil
}

// needsHosts tells whether a file is built only where there are real hosts.
func needsHosts(text []byte) bool { return bytes.HasPrefix(text, []byte("//go:build e2e\n")) }

// withBenchmarks returns the packages that have a benchmark which needs no real hosts, as
// arguments for the go command.
func withBenchmarks(fsys fs.FS) ([]string, error) {
	declared := regexp.MustCompile(`(?m)^func Benchmark`)
	var found []string
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (entry.Name() == "testdata" || entry.Name()[0] == '.'):
			return fs.SkipDir
		case !strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(fsys, filepath.ToSlash(name))
		if dir := "./" + path.Dir(name); err == nil && declared.Match(text) && !needsHosts(text) && !slices.Contains(found, dir) {
			found = append(found, dir)
		}
		return err
	})
	return found, err
}
