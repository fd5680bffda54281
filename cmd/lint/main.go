// Command lint checks what the compiler does not: which folder may import
// which, that everything is documented, that functions, files and parameter
// lists stay within their limits, that no package keeps mutable state, and
// that the top level holds only what belongs there.
//
// It reads source text and nothing else: it builds nothing, runs nothing and
// imports no package of the module it checks. Every build tag is checked in
// one go. A finding is one line, "file:line: rule: message"; the measured
// shares follow. The exit status is 1 when there are findings and 2 when the
// tree cannot be read.
//
//	go run ./cmd/lint [-only rule[,rule]] [DIR]
package main

import (
	"flag"
	"fmt"
	"go/token"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("lint", flag.ContinueOnError)
	flags.SetOutput(stderr)
	only := flags.String("only", "", "comma-separated rules to report; all when empty")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	root := "."
	if flags.NArg() > 0 {
		root = flags.Arg(0)
	}
	tree, err := load(os.DirFS(root))
	if err != nil {
		fmt.Fprintf(stderr, "error: %v\n", err)
		return 2
	}
	found := pick(check(tree), *only)
	for _, f := range found {
		fmt.Fprintln(stdout, f)
	}
	fmt.Fprint(stdout, measure(tree))
	if len(found) > 0 {
		fmt.Fprintf(stderr, "error: %d findings\n", len(found))
		return 1
	}
	return 0
}

// pick keeps the findings of the named rules, or all of them for no name.
func pick(found []finding, only string) []finding {
	if only == "" {
		return found
	}
	names := strings.Split(only, ",")
	return slices.DeleteFunc(found, func(f finding) bool { return !slices.Contains(names, f.rule) })
}

// A rule looks at a whole tree and returns what breaks it.
type rule struct {
	name  string
	check func(*tree) []finding
}

// rules returns every rule there is. Each has a fixture in testdata that it
// must find fault with.
func rules() []rule {
	return []rule{
		{"parse", unparsed},
		{"layout", topLevel},
		{"imports", imports},
		{"pure", pure},
		{"bounds", bounds},
		{"pkgdoc", packageDocs},
		{"doc", exportedDocs},
		{"length", lengths},
		{"share", shares},
		{"params", parameters},
		{"init", inits},
		{"state", state},
		{"sleep", sleeps},
		{"skip", skips},
		{"errors", errorTexts},
		{"unfinished", unfinished},
	}
}

// check runs every rule and returns the findings by file and line.
func check(t *tree) []finding {
	var all []finding
	for _, r := range rules() {
		for _, f := range r.check(t) {
			f.rule = r.name
			all = append(all, f)
		}
	}
	slices.SortStableFunc(all, byPlace)
	return all
}

// load reads the tree below fsys, which is the root of a module.
func load(fsys fs.FS) (*tree, error) {
	t := &tree{fsys: fsys, fset: token.NewFileSet()}
	if err := t.readModule(); err != nil {
		return nil, fmt.Errorf("reading go.mod: %w", err)
	}
	if err := t.readTop(); err != nil {
		return nil, fmt.Errorf("reading the top level: %w", err)
	}
	if err := fs.WalkDir(fsys, ".", t.visit); err != nil {
		return nil, fmt.Errorf("reading the tree: %w", err)
	}
	return t, nil
}
