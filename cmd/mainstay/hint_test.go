package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"mainstay/reconcile/git/failure"
)

func TestEverySettingHasWordsForAMachineWithoutAnAgentsFile(t *testing.T) {
	for _, s := range everySetting(t) {
		hint := (&locator{}).hintOf(&failure.Error{Kind: failure.ErrAuth, Setting: s, Value: "VALUE", Advice: "in the agent file"})
		if hint == "" || strings.Contains(hint, "agent file") {
			t.Errorf("%s: %q", s, hint)
		}
	}
	e := &failure.Error{Kind: failure.ErrAuth, Setting: failure.KeyMissing, Advice: "set sshKey in the agent file"}
	if hint := (&locator{config: "agent.yaml"}).hintOf(e); hint != e.Advice {
		t.Errorf("with --config: %q", hint)
	}
}

// everySetting is every constant of that type that package failure declares.
func everySetting(t *testing.T) (all []failure.Setting) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../reconcile/git/failure/setting.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if value, is := n.(*ast.BasicLit); is && value.Kind == token.STRING {
			text, _ := strconv.Unquote(value.Value)
			all = append(all, failure.Setting(text))
		}
		return true
	})
	if len(all) < 10 {
		t.Fatalf("found %q only", all)
	}
	return all
}
