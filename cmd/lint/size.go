package main

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
)

// The limits of style rule 5. The shares are measured over the whole tree, on
// the code that ships; a test is as long as the behaviour it states. The upper
// bounds on a function and on its parameters hold for tests as well.
const (
	shortFunction  = 12
	mediumFunction = 45
	longFunction   = 100
	longFile       = 400
	mostParameters = 5
	shortShare     = 0.5
	mediumShare    = 0.9
	fileShare      = 0.9
)

// A length is how many lines something has and where it stands.
type length struct {
	lines int
	name  string
	where finding
	test  bool
}

// functions returns the length of every function, comment above it not
// counted. A function literal counts as part of the function around it, and by
// itself at package level.
func functions(t *tree) []length {
	var all []length
	t.eachFile(func(s *source) {
		for _, d := range s.file.Decls {
			for _, f := range outermost(d) {
				all = append(all, length{s.span(f), functionName(f), s.at(f, ""), s.test})
			}
		}
	})
	return all
}

func outermost(d ast.Decl) []ast.Node {
	var found []ast.Node
	ast.Inspect(d, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Body != nil {
				found = append(found, n)
			}
			return false
		case *ast.FuncLit:
			found = append(found, n)
			return false
		}
		return true
	})
	return found
}

func functionName(n ast.Node) string {
	if d, ok := n.(*ast.FuncDecl); ok {
		return d.Name.Name
	}
	return "function literal"
}

func lengths(t *tree) []finding {
	var found []finding
	for _, f := range functions(t) {
		if f.lines > longFunction {
			f.where.message = fmt.Sprintf("%s has %d lines, at most %d", f.name, f.lines, longFunction)
			found = append(found, f.where)
		}
	}
	return found
}

// files returns the length of every file.
func files(t *tree) []length {
	var all []length
	t.eachFile(func(s *source) {
		all = append(all, length{s.lines, s.path, finding{file: s.path, line: 1}, s.test})
	})
	return all
}

// shares holds the tree against the three shares. The finding stands where
// cutting helps most.
func shares(t *tree) []finding {
	funcs, docs := shipped(functions(t)), shipped(files(t))
	return slices.Concat(
		tooFew(funcs, shortFunction, shortShare, "functions"),
		tooFew(funcs, mediumFunction, mediumShare, "functions"),
		tooFew(docs, longFile, fileShare, "files"),
	)
}

func shipped(all []length) []length {
	return slices.DeleteFunc(all, func(l length) bool { return l.test })
}

func tooFew(all []length, limit int, want float64, what string) []finding {
	got := share(all, limit)
	if len(all) == 0 || got >= want {
		return nil
	}
	f := longest(all).where
	f.message = fmt.Sprintf("%.1f %% of %s have fewer than %d lines, want %.0f %%; this is the longest",
		100*got, what, limit, 100*want)
	return []finding{f}
}

func share(all []length, limit int) float64 {
	under := 0
	for _, l := range all {
		if l.lines < limit {
			under++
		}
	}
	return float64(under) / float64(max(len(all), 1))
}

func longest(all []length) length {
	var most length
	for _, l := range all {
		if l.lines > most.lines {
			most = l
		}
	}
	return most
}

// parameters bounds every parameter list there is, of literals, interface
// methods and function types too. A receiver does not count.
func parameters(t *tree) []finding {
	return t.inspect(func(s *source, n ast.Node) []finding {
		f, ok := n.(*ast.FuncType)
		if !ok || f.Params.NumFields() <= mostParameters {
			return nil
		}
		return []finding{s.at(f, "%d parameters, at most %d", f.Params.NumFields(), mostParameters)}
	})
}

// measure returns the shares as text, a few lines.
func measure(t *tree) string {
	var b strings.Builder
	all, docs := functions(t), files(t)
	total := len(all)
	funcs, shippedDocs := shipped(slices.Clone(all)), shipped(slices.Clone(docs))
	most, file := longest(funcs), longest(shippedDocs)
	fmt.Fprintf(&b, "packages: %d; files: %d, of which tests %d\n",
		len(t.folders), len(docs), len(docs)-len(shippedDocs))
	fmt.Fprintf(&b, "functions: %d (and %d in tests); under %d lines %.1f %%, under %d lines %.1f %%; longest %d (%s)\n",
		len(funcs), total-len(funcs), shortFunction, 100*share(funcs, shortFunction),
		mediumFunction, 100*share(funcs, mediumFunction), most.lines, most.where.file+" "+most.name)
	fmt.Fprintf(&b, "files: under %d lines %.1f %%; longest %d (%s)\n",
		longFile, 100*share(shippedDocs, longFile), file.lines, file.name)
	b.WriteString(t.sizes())
	return b.String()
}
