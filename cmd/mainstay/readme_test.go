package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The table of dependencies is the whole of them, and nothing that went is in it.
func TestTheReadmeSaysWhyEveryDependencyIsThere(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	direct, _, _ := strings.Cut(string(text), "\n)")
	var want []string
	for _, m := range regexp.MustCompile(`(?m)^\t(\S+) v`).FindAllStringSubmatch(direct, -1) {
		want = append(want, m[1])
	}
	_, table, _ := strings.Cut(readme(t), "## Dependencies")
	var said []string
	for _, m := range regexp.MustCompile(`(?m)^\| ([^|]+) \|`).FindAllStringSubmatch(table, -1) {
		for name := range strings.SplitSeq(several(m[1]), ", ") {
			said = append(said, name)
		}
	}
	for _, module := range want {
		if !slices.ContainsFunc(said, func(s string) bool { return names(s, module) }) {
			t.Errorf("the README does not say why %s is there", module)
		}
	}
	for _, s := range said {
		if s != "module" && s != "---" && !slices.ContainsFunc(want, func(module string) bool { return names(s, module) }) {
			t.Errorf("the README speaks of %s, which go.mod does not name", s)
		}
	}
}

// several writes golang.org/x/{a,b} as two.
func several(cell string) string {
	before, rest, ok := strings.Cut(cell, "{")
	inner, _, end := strings.Cut(rest, "}")
	if !ok || !end {
		return cell
	}
	var out []string
	for part := range strings.SplitSeq(inner, ",") {
		out = append(out, before+part)
	}
	return strings.Join(out, ", ")
}

func names(said, module string) bool {
	return said == module || strings.HasSuffix(module, "/"+said)
}

var (
	commandCell = regexp.MustCompile("(?m)^\\| `mainstay ([^|]+) \\|")
	makeTarget  = regexp.MustCompile("`make ([a-z0-9]+)|(?m:^make ([a-z0-9]+))")
)

func TestEveryCommandAndTargetOfTheReadmeIsThere(t *testing.T) {
	text := readme(t)
	var said, have []string
	for _, m := range commandCell.FindAllStringSubmatch(text, -1) {
		for name := range strings.SplitSeq(m[1], "`, `") {
			said = append(said, strings.Trim(strings.Fields(name)[0], "`,"))
		}
	}
	for _, c := range (&app{}).command().Commands() {
		if !c.Hidden {
			have = append(have, c.Name())
		}
	}
	have = append(have, "completion") // cobra adds it when it runs
	slices.Sort(said)
	slices.Sort(have)
	if diff := cmp.Diff(have, said); diff != "" {
		t.Errorf("commands and the README's table of them: %s", diff)
	}
	makefile, err := os.ReadFile(filepath.Join("..", "..", "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range makeTarget.FindAllStringSubmatch(text, -1) {
		if target := m[1] + m[2]; !strings.Contains("\n"+string(makefile), "\n"+target+":") {
			t.Errorf("there is no make %s", target)
		}
	}
}

// Tables are as wide as they are; everything else fits a screen.
func TestTheLinesOfTheReadmeAreReadable(t *testing.T) {
	for l := range strings.Lines(readme(t)) {
		if n := utf8.RuneCountInString(strings.TrimRight(l, "\n")); n > 100 && !strings.Contains(l, "|") {
			t.Errorf("%d characters: %s", n, l)
		}
	}
}

var folderName = regexp.MustCompile("`((?:cmd|reconcile|spec|schema|e2e|examples)(?:/[a-z0-9]+)*)(?:/…)?`")

// The maps of the README and of the notes for those who carry on name folders that
// exist, and the README every folder of the agent.
func TestTheMapsOfFoldersAreTrue(t *testing.T) {
	root := filepath.Join("..", "..")
	text := readme(t)
	notes, err := os.ReadFile(filepath.Join(root, ".github", "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, m := range folderName.FindAllStringSubmatch(text+string(notes), -1) {
		if info, err := os.Stat(filepath.Join(root, m[1])); err != nil || !info.IsDir() {
			t.Errorf("there is no folder %s", m[1])
		}
	}
	for _, m := range folderName.FindAllStringSubmatch(text, -1) {
		named[m[1]] = true
	}
	folders, err := os.ReadDir(filepath.Join(root, "reconcile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		if f.IsDir() && !named["reconcile/"+f.Name()] {
			t.Errorf("the README does not say what reconcile/%s is", f.Name())
		}
	}
}
