package main

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// inits refuses init functions: work belongs where it can be ordered, passed
// its needs and fail.
func inits(t *tree) []finding {
	return t.inspect(func(s *source, n ast.Node) []finding {
		if f, ok := n.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			return []finding{s.at(f, "no init functions")}
		}
		return nil
	})
}

// sleeps refuses waiting for time to pass, in code and in tests: wait for a
// state, or for a timer together with what may come first.
func sleeps(t *tree) []finding {
	return t.inspect(func(s *source, n ast.Node) []finding {
		if from, name := s.selected(n); from == "time" && name == "Sleep" {
			return []finding{s.at(n, "wait on a state or a channel instead of time.Sleep")}
		}
		var found []finding
		for _, stmt := range body(n) {
			if receivesTimer(s, stmt) {
				found = append(found, s.at(stmt, "a bare receive from time.After is a sleep: select on what may come first too"))
			}
		}
		return found
	})
}

// body returns the statements a node runs one after the other, which the
// communication of a select case is not.
func body(n ast.Node) []ast.Stmt {
	switch n := n.(type) {
	case *ast.BlockStmt:
		return n.List
	case *ast.CaseClause:
		return n.Body
	case *ast.CommClause:
		return n.Body
	}
	return nil
}

// receivesTimer tells whether a statement is only "<-time.After(d)".
func receivesTimer(s *source, stmt ast.Stmt) bool {
	e, ok := stmt.(*ast.ExprStmt)
	if !ok {
		return false
	}
	recv, ok := e.X.(*ast.UnaryExpr)
	if !ok || recv.Op != token.ARROW {
		return false
	}
	call, ok := recv.X.(*ast.CallExpr)
	if !ok {
		return false
	}
	from, name := s.selected(call.Fun)
	return from == "time" && name == "After"
}

// skips refuses tests that can decide not to run.
func skips(t *tree) []finding {
	calls, receivers := []string{"Skip", "Skipf", "SkipNow"}, []string{"t", "b", "f", "tb"}
	return t.inspect(func(s *source, n ast.Node) []finding {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok || !slices.Contains(calls, sel.Sel.Name) {
			return nil
		}
		if id, ok := sel.X.(*ast.Ident); ok && slices.Contains(receivers, id.Name) {
			return []finding{s.at(n, "a test that skips itself proves nothing: fail, or install what it needs")}
		}
		return nil
	})
}

// errorTexts refuses the words that say nothing in an error (style rule 6).
// Capitals and full stops are staticcheck's to find.
func errorTexts(t *tree) []finding {
	return t.inspect(func(s *source, n ast.Node) []finding {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return nil
		}
		if from, name := s.selected(call.Fun); from+"."+name != "errors.New" && from+"."+name != "fmt.Errorf" {
			return nil
		}
		if text, ok := call.Args[0].(*ast.BasicLit); ok && strings.Contains(text.Value, "failed to") {
			return []finding{s.at(n, `name the step instead of "failed to"`)}
		}
		return nil
	})
}

// unfinished refuses notes to oneself in comments.
func unfinished(t *tree) []finding {
	var found []finding
	t.eachFile(func(s *source) {
		for _, group := range s.file.Comments {
			for _, c := range group.List {
				if mark := note(c.Text); mark != "" {
					found = append(found, s.at(c, "finish it, or say what is missing where people look: %s", mark))
				}
			}
		}
	})
	return found
}

// note returns the mark of unfinished work in a comment. The marks are written
// in two halves, or this file would be the first to have one.
func note(comment string) string {
	for _, mark := range []string{"TO" + "DO", "FIX" + "ME", "XX" + "X"} {
		if strings.Contains(comment, mark) {
			return mark
		}
	}
	return ""
}
