package console

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"mainstay/reconcile/console/words"
	"mainstay/reconcile/forecast"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/conditions"
	"mainstay/spec"
)

// literal is a string that is written out, in one part or several.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		a, ok := literal(e.X)
		b, also := literal(e.Y)
		return a + b, ok && also
	}
	return "", false
}

// forms are the sentences that the forecast is made of, as its source has them.
func forms(t *testing.T) []string {
	t.Helper()
	var out []string
	files, err := filepath.Glob("../forecast/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			name := ""
			switch f := call.Fun.(type) {
			case *ast.SelectorExpr:
				name = f.Sel.Name
			case *ast.Ident:
				name = f.Name
			}
			at := map[string]int{"say": 0, "set": 2}
			if i, is := at[name]; is && len(call.Args) > i {
				if form, ok := literal(call.Args[i]); ok && regexp.MustCompile(`(?:%.|[^%a-zA-Z])*[a-zA-Z]`).MatchString(regexp.MustCompile(`%.`).ReplaceAllString(form, "")) {
					out = append(out, form)
				}
			}
			return true
		})
	}
	if len(out) < 50 {
		t.Fatalf("%d sentences of the forecast", len(out))
	}
	return out
}

// Every sentence of a forecast, and every meaning of a condition with what to do, is
// there in every language, with the same things in it in the same order; and nothing is
// there that nobody says.
func TestNoSentenceIsMissing(t *testing.T) {
	said := forms(t)
	for _, c := range conditions.All() {
		said = append(said, c.Meaning)
		if c.Do != "" {
			said = append(said, c.Do)
		}
	}
	languages, err := words.Load()
	if err != nil {
		t.Fatal(err)
	}
	verb := regexp.MustCompile(`%[a-z]`)
	for _, l := range languages.All()[1:] {
		for _, form := range said {
			told, ok := l.Sentences[form]
			if !ok || strings.TrimSpace(told) == "" {
				t.Errorf("%s lacks %q", l.Tag, form)
				continue
			}
			if !slices.Equal(verb.FindAllString(form, -1), verb.FindAllString(told, -1)) {
				t.Errorf("%s: %q fills in other things than %q", l.Tag, told, form)
			}
		}
		kinds := regexp.MustCompile(`^(side|run|status|verb):`)
		proof := []string{"the claim is free and %s reports that it is down", "the claim is free and the lease of %s was seized",
			"there is no claim yet and the document names no node of this role on %s"}
		for form := range l.Sentences {
			if !kinds.MatchString(form) && !slices.Contains(said, form) && !slices.Contains(proof, form) {
				t.Errorf("%s has %q, which nobody says", l.Tag, form)
			}
		}
	}
}

// A forecast is told in French from beginning to end, and in English word for word as
// the command line tells it.
func TestAForecastIsToldInTheLanguageOfThePage(t *testing.T) {
	doc, problems := spec.Load("paris.yaml", []byte(noted), func(string) ([]byte, error) { return []byte("x {{ .serving }}"), nil })
	if doc == nil {
		t.Fatal(problems)
	}
	over := *doc
	over.Active = spec.Standby
	doc.Nodes["xivo-standby"] = spec.Node{Role: "xivo", Side: spec.Standby}
	d := calm("paris")
	d.Spec = doc
	d.Nodes[1].Report.Checks = []plan.CheckReport{{Name: "disk", Output: "full"}}
	f := forecast.Of(forecast.Input{From: doc, To: &over, Now: &d, Coordinated: true})
	languages, err := words.Load()
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, h := range f.Handovers {
		texts = append(append(texts, h.Why), h.Waits...)
	}
	for _, s := range f.Steps {
		texts = append(texts, s.Text)
		if s.After != "" {
			texts = append(texts, s.After)
		}
	}
	texts = append(append(texts, f.Notes...), f.People...)
	if len(texts) < 8 || len(f.Objections) == 0 {
		t.Fatalf("%+v", f)
	}
	french, english := &page{Language: languages.Named("fr")}, &page{Language: languages.Named("en")}
	for _, text := range texts {
		if got := french.Told(f, text); got.Foreign || got.Text == text {
			t.Errorf("%q stays in English: %+v", text, got)
		}
		if got := english.Told(f, text); got.Foreign || got.Text != text {
			t.Errorf("%q becomes %+v", text, got)
		}
	}
	for _, o := range f.Objections {
		if got := french.Objection(f, o); got.Foreign || got.Text == o.String() {
			t.Errorf("%q stays in English", o)
		}
		if got := english.Objection(f, o); got.Text != o.String() {
			t.Errorf("%q becomes %q", o, got.Text)
		}
	}
}
