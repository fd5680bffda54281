package spec

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mainstay/schema"
)

var update = flag.Bool("update", false, "rewrite the expected outputs")

// loadFixture loads a document, or an agent's file by its name.
func loadFixture(tree fs.FS, name string) []schema.Problem {
	if strings.HasPrefix(name, "agent-") {
		_, problems := LoadAgentFS(tree, name)
		return problems
	}
	_, problems := loadFS(tree, name)
	return problems
}

func badFixtures(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for i, name := range names {
		names[i] = filepath.Base(name)
	}
	return names
}

func TestBadFilesGetEveryProblemWithItsPlace(t *testing.T) {
	tree := os.DirFS("testdata/bad")
	for _, name := range badFixtures(t) {
		t.Run(name, func(t *testing.T) {
			got := printed(loadFixture(tree, name))
			golden := filepath.Join("testdata/bad", strings.TrimSuffix(name, ".yaml")+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEveryRuleHasAFixtureThatBreaksIt(t *testing.T) {
	tree := os.DirFS("testdata/bad")
	broken := make(map[string]bool)
	for _, name := range badFixtures(t) {
		kind, rule := "document ", strings.TrimSuffix(name, ".yaml")
		if after, ok := strings.CutPrefix(rule, "agent-"); ok {
			kind, rule = "agent ", after
		}
		for _, p := range loadFixture(tree, name) {
			if strings.HasPrefix(rule, string(p.Rule)) {
				broken[kind+string(p.Rule)] = true
			}
		}
	}
	for _, rule := range slices.Concat(shapeRules(), documentRules()) {
		if rule != schema.RuleSize && !broken["document "+string(rule)] {
			t.Errorf("no fixture testdata/bad/%s.yaml that breaks this rule", rule)
		}
	}
	for _, rule := range agentRules() {
		if !broken["agent "+string(rule)] {
			t.Errorf("no fixture testdata/bad/agent-%s.yaml that breaks this rule", rule)
		}
	}
}
