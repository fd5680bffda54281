package main

import (
	"errors"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// state refuses package-level variables that are, or could become, mutable.
// What stays is written once, where it is declared, from nothing that does
// work: sentinel errors, compiled patterns, embedded files, sync.OnceValue,
// interface assertions, and tables that no statement of the package, tests
// included, ever writes to.
func state(t *tree) []finding {
	var found []finding
	for _, dir := range t.folders {
		written := mutations(dir)
		for _, s := range dir.files {
			if s.test {
				continue
			}
			for _, d := range s.file.Decls {
				if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
					found = append(found, variables(s, g, written)...)
				}
			}
		}
	}
	return found
}

func variables(s *source, g *ast.GenDecl, written map[string]bool) []finding {
	var found []finding
	for _, spec := range g.Specs {
		v := spec.(*ast.ValueSpec)
		for i, name := range v.Names {
			if why := mutable(s, g, v, i); name.Name != "_" && why != "" {
				found = append(found, s.at(name, "%s: %s", name.Name, why))
			} else if written[name.Name] {
				found = append(found, s.at(name, "%s: written to after its declaration", name.Name))
			}
		}
	}
	return found
}

// mutable says why the i-th name of a declaration counts as mutable state, or
// nothing when it does not.
func mutable(s *source, g *ast.GenDecl, v *ast.ValueSpec, i int) string {
	if i >= len(v.Values) {
		if embedded(s, g, v) {
			return ""
		}
		return "without a value it waits to be written"
	}
	switch value := v.Values[i].(type) {
	case *ast.BasicLit:
		return "make it a constant"
	case *ast.Ident:
		if value.Name == "true" || value.Name == "false" {
			return "make it a constant"
		}
	case *ast.UnaryExpr:
		return "a pointer invites writing; return a new value from a function"
	}
	return working(s, v.Values[i])
}

func embedded(s *source, g *ast.GenDecl, v *ast.ValueSpec) bool {
	if from, name := s.selected(v.Type); from == "embed" && name == "FS" {
		return true
	}
	for _, doc := range []*ast.CommentGroup{g.Doc, v.Doc} {
		if doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool {
			return strings.HasPrefix(c.Text, "//go:embed ")
		}) {
			return true
		}
	}
	return false
}

// working looks for work done at start-up and for types that exist to change.
// The bodies of function literals run later and are not looked into.
func working(s *source, value ast.Expr) (why string) {
	ast.Inspect(value, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			if !constructor(s, n.Fun) {
				why = "the result of a call: make it in main and pass it on"
			}
		case *ast.SelectorExpr:
			if from, _ := s.selected(n); strings.HasPrefix(from, "sync") && !once(s, n) {
				why = "package " + from + " guards mutable state"
			}
		}
		return why == ""
	})
	return why
}

// constructor tells calls whose result nobody can change, and conversions to
// a slice, from all others.
func constructor(s *source, fun ast.Expr) bool {
	if _, ok := fun.(*ast.ArrayType); ok {
		return true
	}
	if x, ok := fun.(*ast.IndexExpr); ok {
		fun = x.X
	}
	from, name := s.selected(fun)
	pure := []string{"errors.New", "fmt.Errorf", "regexp.MustCompile", "strings.NewReplacer", "time.Unix", "time.Date",
		"text/template.Must", "text/template.New", "html/template.Must", "html/template.New"}
	return slices.Contains(pure, from+"."+name) || once(s, fun) || chained(s, fun)
}

// once tells sync.OnceValue and its kin, which compute a constant late.
func once(s *source, fun ast.Node) bool {
	from, name := s.selected(fun)
	return from == "sync" && strings.HasPrefix(name, "Once") && name != "Once"
}

// chained tells a method called on a constructor's result, as in
// template.New("x").Funcs(f).Parse(text).
func chained(s *source, fun ast.Expr) bool {
	sel, ok := fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	call, ok := sel.X.(*ast.CallExpr)
	return ok && constructor(s, call.Fun)
}

// mutations returns the package-level variables of a folder that a statement
// writes to, by name.
func mutations(dir *folder) map[string]bool {
	written := map[string]bool{}
	for _, group := range packages(dir) {
		scope, uses := resolve(group)
		for _, s := range group {
			ast.Inspect(s.file, func(n ast.Node) bool {
				for _, target := range targets(n) {
					id := root(target)
					if v, ok := uses[id].(*types.Var); ok && id != nil && v.Parent() == scope {
						written[id.Name] = true
					}
				}
				return true
			})
		}
	}
	return written
}

// packages groups a folder's files by package name: the package with its own
// tests, and its tests from outside.
func packages(dir *folder) map[string][]*source {
	groups := map[string][]*source{}
	for _, s := range dir.files {
		groups[s.file.Name.Name] = append(groups[s.file.Name.Name], s)
	}
	return groups
}

// resolve finds out what every name of a package stands for. Nothing is
// imported, so types from elsewhere stay unknown; names and scopes do not.
func resolve(group []*source) (*types.Scope, map[*ast.Ident]types.Object) {
	files := make([]*ast.File, len(group))
	for i, s := range group {
		files[i] = s.file
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: nothing{}, Error: func(error) {}}
	pkg, _ := config.Check(group[0].file.Name.Name, group[0].fset, files, info)
	return pkg.Scope(), info.Uses
}

// nothing is an importer that finds no package.
type nothing struct{}

func (nothing) Import(string) (*types.Package, error) { return nil, errors.New("not looked for") }

// targets returns what a node writes to.
func targets(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return n.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			return []ast.Expr{n.Key, n.Value}
		}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			return []ast.Expr{n.X}
		}
	case *ast.CallExpr:
		if id, ok := n.Fun.(*ast.Ident); ok && slices.Contains([]string{"delete", "clear", "copy"}, id.Name) {
			return n.Args[:1]
		}
	}
	return nil
}

// root returns the variable an expression such as a.b[c] begins with, or nil.
func root(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.IndexExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		default:
			return nil
		}
	}
}
