package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTally(t *testing.T) {
	for _, c := range []struct {
		name, in, out string
		code          int
	}{
		{
			"passing tests are silent, their package and other lines are not", `
			installing
			{"Action":"start","Package":"m/a"}
			{"Action":"run","Package":"m/a","Test":"TestA"}
			{"Action":"output","Package":"m/a","Test":"TestA","Output":"    a_test.go:1: noise\n"}
			{"Action":"pass","Package":"m/a","Test":"TestA/sub"}
			{"Action":"pass","Package":"m/a","Test":"TestA"}
			{"Action":"output","Package":"m/a","Output":"PASS\n"}
			{"Action":"output","Package":"m/a","Output":"ok  m/a\t0.1s\n"}
			{"Action":"pass","Package":"m/a"}
			{"no": "event"}`, `
			installing
			ok  m/a	0.1s
			{"no": "event"}
			2 passed, 0 failed`, 0,
		},
		{
			"a failing test is shown and counted", `
			{"Action":"output","Package":"m/a","Test":"TestA","Output":"=== RUN   TestA\n"}
			{"Action":"output","Package":"m/a","Test":"TestA","Output":"    a_test.go:1: wrong\n"}
			{"Action":"fail","Package":"m/a","Test":"TestA"}
			{"Action":"pass","Package":"m/a","Test":"TestB"}
			{"Action":"fail","Package":"m/a"}`, `
			a_test.go:1: wrong
			1 passed, 1 failed`, 1,
		},
		{
			"a skip counts against the run", `
			{"Action":"output","Package":"m/a","Test":"TestA","Output":"    a_test.go:1: no root\n"}
			{"Action":"skip","Package":"m/a","Test":"TestA"}
			{"Action":"pass","Package":"m/a","Test":"TestB"}
			{"Action":"pass","Package":"m/a"}`, `
			a_test.go:1: no root
			1 tests skipped themselves: install what they need
			1 passed, 0 failed, 1 skipped`, 1,
		},
		{
			"a package without tests is no skip, and nothing else ran", `
			{"Action":"output","Package":"m/a","Output":"?   m/a [no test files]\n"}
			{"Action":"skip","Package":"m/a"}`, `
			?   m/a [no test files]
			no test ran
			0 passed, 0 failed`, 1,
		},
		{
			"a package that does not build is a failure", `
			{"ImportPath":"m/a","Action":"build-output","Output":"a.go:1: broken\n"}
			{"ImportPath":"m/a","Action":"build-fail"}
			{"Action":"fail","Package":"m/a","FailedBuild":"m/a"}
			{"Action":"pass","Package":"m/b","Test":"TestB"}`, `
			a.go:1: broken
			1 passed, 1 failed`, 1,
		},
		{
			"a test that never ended is shown, and its package is a failure", `
			{"Action":"run","Package":"m/a","Test":"TestA"}
			{"Action":"output","Package":"m/a","Test":"TestA","Output":"panic: oh\n"}
			{"Action":"fail","Package":"m/a"}`, `
			panic: oh
			0 passed, 1 failed`, 1,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(strings.NewReader(flat(c.in)), &stdout, &stderr)
			if diff := cmp.Diff(flat(c.out), flat(stdout.String())); diff != "" {
				t.Errorf("output differs (-want +got):\n%s", diff)
			}
			if code != c.code || stderr.Len() > 0 {
				t.Errorf("exit %d, want %d; stderr %q", code, c.code, &stderr)
			}
		})
	}
}

// flat takes indentation and the first empty line off.
func flat(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSpace(text) + "\n") {
		b.WriteString(strings.TrimLeft(line, "\t "))
	}
	return b.String()
}
