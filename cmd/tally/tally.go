package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// An event is one line of "go test -json"; see "go doc test2json". Build
// events name an ImportPath instead of a Package.
type event struct {
	Action     string
	Package    string
	Test       string
	Output     string
	ImportPath string
}

// A name is a test of a package, or the package itself when test is empty.
type name struct{ pkg, test string }

// A tally counts results and holds back what running tests print until it is
// known whether anybody needs to read it.
type tally struct {
	out                     io.Writer
	passed, failed, skipped int
	held                    map[name][]string
	failedIn                map[string]int
}

func newTally(out io.Writer) *tally {
	return &tally{out: out, held: map[name][]string{}, failedIn: map[string]int{}}
}

// line takes one line. One that is no event is passed on as it is.
func (t *tally) line(text string) {
	var e event
	if !strings.HasPrefix(text, "{") || json.Unmarshal([]byte(text), &e) != nil || e.Action == "" {
		fmt.Fprint(t.out, text)
		return
	}
	switch id := (name{e.Package, e.Test}); {
	case e.Action == "build-output":
		fmt.Fprint(t.out, e.Output)
	case e.Action == "output":
		t.output(id, e.Output)
	case e.Test == "":
		t.packageEnd(e)
	default:
		t.testEnd(id, e.Action)
	}
}

// output shows what a package says for itself at once, and keeps what a test
// says.
func (t *tally) output(id name, text string) {
	if id.test != "" {
		t.held[id] = append(t.held[id], text)
		return
	}
	if text != "PASS\n" {
		fmt.Fprint(t.out, text)
	}
}

func (t *tally) testEnd(id name, action string) {
	switch action {
	case "pass":
		t.passed++
	case "fail":
		t.failed++
		t.failedIn[id.pkg]++
		t.show(id)
	case "skip":
		t.skipped++
		t.show(id)
	default:
		return
	}
	delete(t.held, id)
}

// packageEnd counts a package that failed for no test's sake, and shows what
// the tests that never ended had said.
func (t *tally) packageEnd(e event) {
	if e.Action != "fail" {
		return
	}
	for id := range t.held {
		if id.pkg == e.Package {
			t.show(id)
			delete(t.held, id)
		}
	}
	if t.failedIn[e.Package] == 0 {
		t.failed++
	}
}

func (t *tally) show(id name) {
	for _, text := range t.held[id] {
		if !strings.HasPrefix(text, "=== ") {
			fmt.Fprint(t.out, text)
		}
	}
}

// close prints the closing line and returns the exit status.
func (t *tally) close() int {
	if t.skipped > 0 {
		fmt.Fprintf(t.out, "%d tests skipped themselves: install what they need\n", t.skipped)
	}
	if t.passed+t.failed+t.skipped == 0 {
		fmt.Fprintln(t.out, "no test ran")
	}
	fmt.Fprintf(t.out, "%d passed, %d failed", t.passed, t.failed)
	if t.skipped > 0 {
		fmt.Fprintf(t.out, ", %d skipped", t.skipped)
	}
	fmt.Fprintln(t.out)
	if t.passed == 0 || t.failed > 0 || t.skipped > 0 {
		return 1
	}
	return 0
}
