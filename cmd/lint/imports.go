package main

import (
	"go/ast"
	"slices"
	"strings"
)

// simulation may be imported by tests and by itself: nothing that ships may
// depend on it.
const simulation = "reconcile/sim"

// imports holds every import against the table.
func imports(t *tree) []finding {
	var found []finding
	rows := table()
	for _, dir := range t.folders {
		r := rowOf(rows, dir.path)
		if r == nil {
			found = append(found, dir.files[0].at(dir.files[0].file.Name,
				"folder %s has no row in the import table (cmd/lint/table.go)", dir.path))
			continue
		}
		for _, s := range dir.files {
			for _, spec := range s.file.Imports {
				if why := refused(t.module, s, r, importPathOf(spec)); why != "" {
					found = append(found, s.at(spec, "%s", why))
				}
			}
		}
	}
	return found
}

// refused says why a file may not import a path, or nothing when it may.
func refused(module string, s *source, r *row, imported string) string {
	if imported == "C" {
		return "cgo is not used here: the program is one static file"
	}
	if !below(module, imported) {
		if !standard(imported) && !mayUse(s, r, imported) {
			return s.folder + " may not import the module of " + imported
		}
		return ""
	}
	target := strings.TrimPrefix(strings.TrimPrefix(imported, module), "/")
	if below(simulation, target) && !s.test && !below(simulation, s.folder) {
		return simulation + " is imported by tests only"
	}
	if !mayKnow(s, r, target) {
		return s.folder + " may not import " + target
	}
	return ""
}

// standard tells the standard library from other modules by the dot of a host
// name.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

func mayUse(s *source, r *row, imported string) bool {
	known := func(prefix string) bool { return below(prefix, imported) }
	if slices.ContainsFunc(r.modules, known) {
		return true
	}
	if !s.test || r.strict {
		return false
	}
	return slices.ContainsFunc(table(), func(other row) bool { return slices.ContainsFunc(other.modules, known) })
}

func mayKnow(s *source, r *row, target string) bool {
	if below(s.folder, target) || (s.test && !r.strict) {
		return true
	}
	return slices.ContainsFunc(r.internal, func(pattern string) bool { return covers(pattern, target) })
}

// decisions is the folder that may do no I/O, read no clock and draw no random
// number.
const decisions = "reconcile/plan"

// pure checks the standard library imports of the decision. Its tests are
// free.
func pure(t *tree) []finding {
	return t.inspect(func(s *source, n ast.Node) []finding {
		if s.test || !below(decisions, s.folder) {
			return nil
		}
		if spec, ok := n.(*ast.ImportSpec); ok {
			return impureImport(t.module, s, spec)
		}
		return impureUse(s, n)
	})
}

func impureImport(module string, s *source, spec *ast.ImportSpec) []finding {
	imported := importPathOf(spec)
	if below(module, imported) || !standard(imported) || slices.Contains(pureLibrary(), imported) {
		return nil
	}
	return []finding{s.at(spec, "a decision may not import %s", imported)}
}

func impureUse(s *source, n ast.Node) []finding {
	switch from, name := s.selected(n); {
	case from == "time" && !slices.Contains(timeless(), name):
		return []finding{s.at(n, "a decision has no clock: not time.%s", name)}
	case from == "fmt" && (strings.HasPrefix(name, "Print") || strings.Contains(name, "Scan")):
		return []finding{s.at(n, "a decision does no I/O, as fmt.%s does", name)}
	}
	return nil
}

// pureLibrary is the standard library without I/O, clocks, randomness and
// contexts.
func pureLibrary() []string {
	return []string{"bytes", "cmp", "embed", "encoding", "encoding/hex", "encoding/json", "errors", "fmt", "hash/fnv",
		"iter", "maps", "math", "math/bits", "slices", "sort", "strconv", "strings", "time", "unicode", "unicode/utf8"}
}

// timeless are the names of package time that read no clock: durations, and
// the type of a time that claims and reports carry for people to read.
func timeless() []string {
	return []string{"Duration", "ParseDuration", "Nanosecond", "Microsecond", "Millisecond", "Second", "Minute", "Hour", "Time"}
}
