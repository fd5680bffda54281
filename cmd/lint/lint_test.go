package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// Every fixture is a small module and the very findings it gives.
func TestFixturesGiveExactlyTheirFindings(t *testing.T) {
	fixtures, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(fixtures) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, name := range fixtures {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			module, want := fixture(t, name)
			if diff := cmp.Diff(want, findings(t, module)); diff != "" {
				t.Errorf("findings differ (-want +got):\n%s", diff)
			}
		})
	}
}

// A rule without a fixture that breaks it may have stopped working.
func TestEveryRuleHasAFixtureItFires(t *testing.T) {
	for _, r := range rules() {
		_, want := fixture(t, "testdata/"+r.name+".txtar")
		if !strings.Contains(want, ": "+r.name+": ") {
			t.Errorf("the fixture of rule %s expects no finding of it", r.name)
		}
	}
}

func TestTableNamesEveryFolderOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range table() {
		if seen[r.folder] {
			t.Errorf("two rows for %s", r.folder)
		}
		if r.why == "" || len(r.why) > 100 {
			t.Errorf("the row of %s gives no reason in half a line: %q", r.folder, r.why)
		}
		seen[r.folder] = true
	}
}

// What a row allows and nobody imports is a rule that nobody keeps: the table says what
// is, not what once was.
func TestTheTableAllowsOnlyWhatIsImported(t *testing.T) {
	tree, err := load(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	rows := table()
	used := map[string][]string{}
	tree.eachFile(func(s *source) {
		if r := rowOf(rows, s.folder); r != nil {
			for _, spec := range s.file.Imports {
				used[r.folder] = append(used[r.folder], strings.TrimPrefix(importPathOf(spec), tree.module+"/"))
			}
		}
	})
	for _, r := range rows {
		for _, allowed := range slices.Concat(r.internal, r.modules) {
			if slices.Contains([]string{"spec", "reconcile/plan", "reconcile/run"}, allowed) {
				continue // known to all of the agent, or to all drivers
			}
			is := func(path string) bool { return covers(allowed, path) || below(allowed, path) }
			if !slices.ContainsFunc(used[r.folder], is) {
				t.Errorf("%s may import %s, and does not", r.folder, allowed)
			}
		}
	}
}

func TestRowOfTheNearestFolderDecides(t *testing.T) {
	for folder, want := range map[string]string{
		"reconcile":                       "reconcile",
		"reconcile/service":               "reconcile/service",
		"reconcile/service/fake":          "reconcile/service/...",
		"reconcile/service/compose":       "reconcile/service/compose/...",
		"reconcile/service/compose/inner": "reconcile/service/compose/...",
		"reconcile/new":                   "",
		"reconcile/planner":               "",
	} {
		got := ""
		if r := rowOf(table(), folder); r != nil {
			got = r.folder
		}
		if got != want {
			t.Errorf("row of %s is %q, want %q", folder, got, want)
		}
	}
}

func TestOneFileInTenMayBeLong(t *testing.T) {
	long, short := strings.Repeat("\n", longFile), "\n"
	module := fstest.MapFS{"go.mod": text("module mainstay\n")}
	for i := range 10 {
		module[fmt.Sprintf("spec/f%d.go", i)] = text("package spec\n" + short)
	}
	module["spec/f0.go"] = text("// Package spec is.\npackage spec\n" + long)
	if got := findings(t, module); got != "" {
		t.Errorf("one long file of ten: %s", got)
	}
	module["spec/f1.go"] = text("package spec\n" + long)
	want := "spec/f0.go:1: share: 80.0 % of files have fewer than 400 lines, want 90 %; this is the longest\n"
	if diff := cmp.Diff(want, findings(t, module)); diff != "" {
		t.Errorf("two long files of ten (-want +got):\n%s", diff)
	}
}

func TestALargePackageIsFound(t *testing.T) {
	for _, c := range []struct {
		folder, body string
		found        bool
	}{
		{"spec", strings.Repeat("var _ = 0\n", mostLines), true},
		{"spec", strings.Repeat("// Why.\n\n", mostLines/4), false},
		{simulation, strings.Repeat("var _ = 0\n", mostLines), false},
	} {
		module := fstest.MapFS{"go.mod": text("module mainstay\n"), c.folder + "/a.go": text("// Package a is.\npackage a\n\n" + c.body)}
		if got := findings(t, module); strings.Contains(got, "bounds: ") != c.found {
			t.Errorf("%s: %s", c.folder, got)
		}
	}
}

func TestRunExitsByWhatItFound(t *testing.T) {
	for _, c := range []struct {
		name    string
		files   map[string]string
		args    []string
		code    int
		out     string
		problem string
	}{
		{"clean", map[string]string{"go.mod": "module m\n"}, nil, 0, "packages: 0", ""},
		{"findings", map[string]string{"go.mod": "module m\n", "x.md": ""}, nil, 1, "x.md:1: layout: ", "error: 1 findings"},
		{"other rules only", map[string]string{"go.mod": "module m\n", "x.md": ""}, []string{"-only", "doc,init"}, 0, "packages: 0", ""},
		{"no module", nil, nil, 2, "", "error: reading go.mod: "},
		{"usage", nil, []string{"-unknown"}, 2, "", "flag provided but not defined"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, content := range c.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var stdout, stderr bytes.Buffer
			code := run(append(c.args, dir), &stdout, &stderr)
			if code != c.code || !strings.Contains(stdout.String(), c.out) || !strings.Contains(stderr.String(), c.problem) {
				t.Errorf("exit %d, stdout %q, stderr %q", code, &stdout, &stderr)
			}
		})
	}
}

func text(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }

// fixture reads a text archive, a file after each "-- name --" line, into a
// module and the findings it expects.
func fixture(t *testing.T, name string) (fs.FS, string) {
	t.Helper()
	archive, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	module, files := fstest.MapFS{}, regexp.MustCompile(`(?m)^-- (\S+) --\n`)
	starts := files.FindAllSubmatchIndex(archive, -1)
	for i, at := range starts {
		end := len(archive)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		module[string(archive[at[2]:at[3]])] = &fstest.MapFile{Data: archive[at[1]:end]}
	}
	want := module["want"]
	delete(module, "want")
	return module, strings.TrimLeft(string(want.Data), "\n")
}

func findings(t *testing.T, module fs.FS) string {
	t.Helper()
	tree, err := load(module)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range check(tree) {
		fmt.Fprintln(&b, f)
	}
	return b.String()
}
