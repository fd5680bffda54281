package plan

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// TestEveryRuleIsToldInFull: what go doc prints of a rule is what explain --rule
// prints, and no rule is without its text.
func TestEveryRuleIsToldInFull(t *testing.T) {
	for _, r := range Rules() {
		text := r.Text()
		name := strings.SplitN(text, ",", 2)[0]
		if want := map[Rule]string{RFollow: "RFollow", RService: "RService"}[r]; name != string(r) && name != want {
			t.Errorf("the text of %s begins with %q", r, name)
		}
		if len(text) < 80 || strings.Contains(text, "//") {
			t.Errorf("the text of %s: %q", r, text)
		}
	}
	if text := Rule("R99").Text(); text != "" {
		t.Errorf("a rule that there is not: %q", text)
	}
}

// TestGoDocPrintsOneRule: go doc mainstay/reconcile/plan.R4 prints a declaration with
// its comment, so each rule has a declaration of its own.
func TestGoDocPrintsOneRule(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "rules.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	printed := map[string]string{}
	for _, d := range file.Decls {
		if g, is := d.(*ast.GenDecl); is && g.Tok == token.CONST && len(g.Specs) == 1 {
			if value := g.Specs[0].(*ast.ValueSpec); len(value.Values) == 1 {
				printed[strings.Trim(value.Values[0].(*ast.BasicLit).Value, `"`)] = g.Doc.Text()
			}
		}
	}
	for _, r := range Rules() {
		if printed[string(r)] != r.Text() {
			t.Errorf("go doc of %s prints %q", r, printed[string(r)])
		}
	}
}
