package main

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"path"
	"strings"
)

// A finding is one thing that breaks one rule.
type finding struct {
	file    string
	line    int
	rule    string
	message string
}

func (f finding) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", f.file, f.line, f.rule, f.message)
}

func byPlace(a, b finding) int {
	return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line),
		cmp.Compare(a.rule, b.rule), cmp.Compare(a.message, b.message))
}

// A tree is the source of one module, read once and shared by all rules.
type tree struct {
	fsys    fs.FS
	fset    *token.FileSet
	module  string
	top     []fs.DirEntry
	ignored []string
	folders []*folder
	broken  []finding
}

// A folder holds the Go files of one directory, tests and build tags
// included.
type folder struct {
	path  string
	files []*source
}

// A source is one parsed Go file. Generated files are not kept.
type source struct {
	path   string
	folder string
	test   bool
	lines  int
	fset   *token.FileSet
	file   *ast.File
}

func (s *source) at(n ast.Node, format string, args ...any) finding {
	return finding{file: s.path, line: s.fset.Position(n.Pos()).Line, message: fmt.Sprintf(format, args...)}
}

// span is the number of lines a node covers, first and last included.
func (s *source) span(n ast.Node) int {
	return s.fset.Position(n.End()).Line - s.fset.Position(n.Pos()).Line + 1
}

// selected resolves "name.Thing" to the import path behind name. It goes by
// the file's imports alone: a local variable that shadows one is taken for it.
func (s *source) selected(n ast.Node) (importPath, name string) {
	sel, ok := n.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	base, ok := sel.X.(*ast.Ident)
	if !ok {
		return "", ""
	}
	for _, spec := range s.file.Imports {
		if localName(spec) == base.Name {
			return importPathOf(spec), sel.Sel.Name
		}
	}
	return "", ""
}

func importPathOf(spec *ast.ImportSpec) string { return strings.Trim(spec.Path.Value, "`\"") }

// localName is the name a file knows an import by: its own for it, or the last
// element of the path that is not a major version.
func localName(spec *ast.ImportSpec) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	full := importPathOf(spec)
	if base := path.Base(full); len(base) < 2 || base[0] != 'v' || strings.Trim(base[1:], "0123456789") != "" {
		return base
	}
	return path.Base(path.Dir(full))
}

// eachFile calls visit for every file of the tree.
func (t *tree) eachFile(visit func(*source)) {
	for _, dir := range t.folders {
		for _, s := range dir.files {
			visit(s)
		}
	}
}

// inspect calls visit for every node of every file and gathers what it
// returns.
func (t *tree) inspect(visit func(*source, ast.Node) []finding) []finding {
	var found []finding
	t.eachFile(func(s *source) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			if n != nil {
				found = append(found, visit(s, n)...)
			}
			return true
		})
	})
	return found
}

func (t *tree) readModule() error {
	text, err := fs.ReadFile(t.fsys, "go.mod")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "module "); ok {
			t.module = strings.TrimSpace(name)
			return nil
		}
	}
	return errors.New("it names no module")
}

func (t *tree) readTop() (err error) {
	if t.top, err = fs.ReadDir(t.fsys, "."); err != nil {
		return err
	}
	text, err := fs.ReadFile(t.fsys, ".gitignore")
	if err != nil {
		return nil // a tree without a .gitignore ignores nothing
	}
	for line := range strings.Lines(string(text)) {
		if name := strings.Trim(strings.TrimSpace(line), "/"); name != "" && name[0] != '#' {
			t.ignored = append(t.ignored, name)
		}
	}
	return nil
}

// skipped tells whether the go tool, or git, would not look into a folder.
func (t *tree) skipped(name, full string) bool {
	if full == "." {
		return false
	}
	return name == "testdata" || name == "vendor" || name[0] == '.' || name[0] == '_' ||
		(name == full && t.ignores(name))
}

func (t *tree) ignores(name string) bool {
	for _, pattern := range t.ignored {
		if ok, err := path.Match(pattern, name); ok && err == nil {
			return true
		}
	}
	return false
}

func (t *tree) visit(full string, entry fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	if entry.IsDir() {
		if t.skipped(entry.Name(), full) {
			return fs.SkipDir
		}
		return nil
	}
	if path.Ext(full) != ".go" {
		return nil
	}
	return t.add(full)
}

// add parses one file into its folder. A file that does not parse becomes a
// finding, so that the other files are still checked.
func (t *tree) add(full string) error {
	text, err := fs.ReadFile(t.fsys, full)
	if err != nil {
		return err
	}
	file, err := parser.ParseFile(t.fset, full, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.broken = append(t.broken, syntax(full, err))
		return nil
	}
	if ast.IsGenerated(file) {
		return nil
	}
	dir := t.folder(path.Dir(full))
	dir.files = append(dir.files, &source{
		path: full, folder: dir.path, test: strings.HasSuffix(full, "_test.go"),
		lines: t.fset.File(file.FileStart).LineCount(), fset: t.fset, file: file,
	})
	return nil
}

func syntax(full string, err error) finding {
	var list scanner.ErrorList
	if errors.As(err, &list) && len(list) > 0 {
		return finding{file: full, line: list[0].Pos.Line, message: list[0].Msg}
	}
	return finding{file: full, line: 1, message: err.Error()}
}

// folder returns the folder of that path. Files arrive in order, but a
// folder's files may stand on both sides of a subfolder's.
func (t *tree) folder(full string) *folder {
	for _, dir := range t.folders {
		if dir.path == full {
			return dir
		}
	}
	dir := &folder{path: full}
	t.folders = append(t.folders, dir)
	return dir
}

func unparsed(t *tree) []finding { return t.broken }
