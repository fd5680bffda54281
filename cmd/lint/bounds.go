package main

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
)

// The bounds of a package as a whole. They keep the loop small enough to be read at
// once, and what puts things together apart from what does one thing.
const (
	// mostNames is how many names the loop's package may export, methods included.
	mostNames = 79
	// mostKnown is how many of our own packages one may import. The command line
	// puts everything together and has no bound.
	mostKnown = 12
	// mostLines is how many lines a package may have outside the simulation, its tests
	// not counted. They are counted as "wc -l" counts them.
	mostLines = 3500

	loopFolder    = "reconcile"
	commandFolder = "cmd/mainstay"
)

// bounds holds every package against them.
func bounds(t *tree) []finding {
	var found []finding
	for _, dir := range t.folders {
		shipped := slices.DeleteFunc(slices.Clone(dir.files), func(s *source) bool { return s.test })
		if len(shipped) == 0 {
			continue
		}
		say := func(format string, args ...any) {
			f := shipped[0].at(shipped[0].file.Name, format, args...)
			found = append(found, f)
		}
		if n := exportedNames(shipped); dir.path == loopFolder && n > mostNames {
			say("%s exports %d names, at most %d: move what is not the loop", dir.path, n, mostNames)
		}
		if n := knownBy(t.module, shipped); dir.path != commandFolder && n > mostKnown {
			say("%s imports %d packages of this module, at most %d: split it by meaning", dir.path, n, mostKnown)
		}
		if n := linesOf(shipped); !below(simulation, dir.path) && n >= mostLines {
			say("%s has %d lines, fewer than %d are wanted: split it by meaning", dir.path, n, mostLines)
		}
		found = append(found, faceless(dir)...)
	}
	return found
}

// faceless finds what only a command line may know, below the loop. A test may
// have flags of its own, such as one that writes golden files.
func faceless(dir *folder) []finding {
	if !below(loopFolder, dir.path) {
		return nil
	}
	var found []finding
	for _, s := range dir.files {
		for _, spec := range s.file.Imports {
			imported := importPathOf(spec)
			if imported == "flag" && s.test {
				continue
			}
			for _, face := range []string{"flag", cobra, pflag, xTerm} {
				if below(face, imported) {
					found = append(found, s.at(spec, "%s must serve any face: not %s", dir.path, imported))
				}
			}
		}
	}
	return found
}

// knownBy counts the packages of the module that some files import.
func knownBy(module string, files []*source) int {
	known := map[string]bool{}
	for _, s := range files {
		for _, spec := range s.file.Imports {
			if p := importPathOf(spec); below(module, p) {
				known[p] = true
			}
		}
	}
	return len(known)
}

// exportedNames counts what a package exports: types, functions, values, and the
// methods of exported types.
func exportedNames(files []*source) int {
	n := 0
	for _, s := range files {
		for _, d := range s.file.Decls {
			n += exportedIn(d)
		}
	}
	return n
}

func exportedIn(d ast.Decl) int {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && (d.Recv == nil || ast.IsExported(receiver(d))) {
			return 1
		}
	case *ast.GenDecl:
		n := 0
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				n += one(spec.Name.IsExported())
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					n += one(name.IsExported())
				}
			}
		}
		return n
	}
	return 0
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// receiver is the name of the type that a method is of.
func receiver(d *ast.FuncDecl) string {
	name := ""
	ast.Inspect(d.Recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && name == "" {
			name = id.Name
		}
		return true
	})
	return name
}

// linesOf counts the lines of files.
func linesOf(files []*source) int {
	n := 0
	for _, s := range files {
		n += s.lines
	}
	return n
}

// sizes returns the largest packages, as text.
func (t *tree) sizes() string {
	type size struct {
		folder string
		lines  int
	}
	var all []size
	for _, dir := range t.folders {
		shipped := slices.DeleteFunc(slices.Clone(dir.files), func(s *source) bool { return s.test })
		if !below(simulation, dir.path) {
			all = append(all, size{dir.path, linesOf(shipped)})
		}
	}
	slices.SortFunc(all, func(a, b size) int { return b.lines - a.lines })
	var parts []string
	for _, s := range all[:min(3, len(all))] {
		parts = append(parts, fmt.Sprintf("%s %d", s.folder, s.lines))
	}
	return "largest packages outside the simulation, in lines: " + strings.Join(parts, ", ") + "\n"
}
