package main

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
	"unicode"
)

// packageDocs wants exactly one doc comment in every package, starting
// "Package x", or "Command x" for a program.
func packageDocs(t *tree) []finding {
	var found []finding
	for _, dir := range t.folders {
		found = append(found, packageDoc(dir)...)
	}
	return found
}

func packageDoc(dir *folder) []finding {
	files := described(dir)
	var doc *source
	var found []finding
	for _, s := range files {
		if s.file.Doc == nil {
			continue
		}
		if doc != nil {
			found = append(found, s.at(s.file.Doc, "package %s is described in %s already", s.file.Name.Name, doc.path))
			continue
		}
		doc = s
		if want := opening(s); !strings.HasPrefix(s.file.Doc.Text(), want) {
			found = append(found, s.at(s.file.Doc, "the package comment must start %q", want))
		}
	}
	if doc == nil {
		found = append(found, files[0].at(files[0].file.Name, "package %s has no doc comment", files[0].file.Name.Name))
	}
	return found
}

// described returns the files that may carry the package comment: those that
// ship, or the tests of a folder that holds nothing else.
func described(dir *folder) []*source {
	var shipped []*source
	for _, s := range dir.files {
		if !s.test {
			shipped = append(shipped, s)
		}
	}
	if len(shipped) == 0 {
		return dir.files
	}
	return shipped
}

func opening(s *source) string {
	if name := s.file.Name.Name; name != "main" {
		return "Package " + strings.TrimSuffix(name, "_test") + " "
	}
	return "Command " + path.Base(s.folder) + " "
}

// exportedDocs wants a doc comment on every exported function, method, type,
// constant and variable, and on the methods of exported interfaces. Constants
// and variables may share the comment of their group. Fields may go without
// where their name and type say it all. Tests are exempt.
func exportedDocs(t *tree) []finding {
	var found []finding
	t.eachFile(func(s *source) {
		if s.test {
			return
		}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				found = append(found, functionDoc(s, d)...)
			case *ast.GenDecl:
				found = append(found, groupDoc(s, d)...)
			}
		}
	})
	return found
}

func functionDoc(s *source, d *ast.FuncDecl) []finding {
	if !d.Name.IsExported() || (d.Recv != nil && !exportedReceiver(d.Recv)) {
		return nil
	}
	return namedDoc(s, d.Name, d.Doc)
}

// namedDoc wants a comment that starts with the name it describes, an article
// before it allowed.
func namedDoc(s *source, name *ast.Ident, doc *ast.CommentGroup) []finding {
	if doc == nil {
		return []finding{s.at(name, "%s has no doc comment", name.Name)}
	}
	words := append(strings.Fields(doc.Text()), "", "")
	if words[0] == "A" || words[0] == "An" || words[0] == "The" {
		words = words[1:]
	}
	if strings.TrimSuffix(strings.TrimRight(words[0], ".,:;"), "'s") == name.Name {
		return nil
	}
	return []finding{s.at(name, "the comment of %s must start with its name", name.Name)}
}

func exportedReceiver(recv *ast.FieldList) bool {
	e := recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}

func groupDoc(s *source, d *ast.GenDecl) []finding {
	var found []finding
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			found = append(found, typeDoc(s, d, spec)...)
		case *ast.ValueSpec:
			found = append(found, valueDoc(s, d, spec)...)
		}
	}
	return found
}

func typeDoc(s *source, d *ast.GenDecl, spec *ast.TypeSpec) []finding {
	if !spec.Name.IsExported() {
		return nil
	}
	doc := spec.Doc
	if doc == nil && d.Lparen == token.NoPos {
		doc = d.Doc
	}
	found := namedDoc(s, spec.Name, doc)
	if iface, ok := spec.Type.(*ast.InterfaceType); ok {
		found = append(found, methodDocs(s, spec.Name.Name, doc.Text(), iface)...)
	}
	return found
}

// methodDocs wants a comment on every method of an interface, or its name in
// the interface's own comment.
func methodDocs(s *source, name, doc string, iface *ast.InterfaceType) []finding {
	named := strings.FieldsFunc(doc, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	var found []finding
	for _, m := range iface.Methods.List {
		if len(m.Names) > 0 && m.Names[0].IsExported() && m.Doc == nil && m.Comment == nil &&
			!slices.Contains(named, m.Names[0].Name) {
			found = append(found, s.at(m, "method %s.%s has no doc comment", name, m.Names[0].Name))
		}
	}
	return found
}

func valueDoc(s *source, d *ast.GenDecl, spec *ast.ValueSpec) []finding {
	if d.Doc != nil || spec.Doc != nil || spec.Comment != nil {
		return nil
	}
	var found []finding
	for _, name := range spec.Names {
		if name.IsExported() {
			found = append(found, s.at(name, "%s has no doc comment", name.Name))
		}
	}
	return found
}
