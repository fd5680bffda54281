package monitoring

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mainstay/reconcile/plan/conditions"
)

const folder = "../../../examples/monitoring"

// What lies in examples/monitoring is what the registry says. UPDATE=1 writes it again.
func TestTheFilesAreOfTheRegistry(t *testing.T) {
	for name, want := range map[string]string{"mainstay.rules.yaml": Rules(), "mainstay.rules.test.yaml": Tests(), "dashboard.json": Dashboard()} {
		file := filepath.Join(folder, name)
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s (UPDATE=1 writes it again):\n%s", name, diff)
		}
	}
}

func TestEveryConditionHasARule(t *testing.T) {
	for _, c := range conditions.All() {
		if !strings.Contains(Rules(), "alert: Mainstay"+c.Type+"\n") {
			t.Errorf("%s has no rule", c.Type)
		}
	}
}

var metric = regexp.MustCompile(`\bmainstay_[a-z_]+`)

// A rule or a panel of a metric that nobody exports is one that never fires and is always
// empty.
func TestOnlyMetricsThatAreExportedAreAskedFor(t *testing.T) {
	exported := map[string]bool{}
	sources, err := filepath.Glob("../../../reconcile/metrics/*.go")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no sources: %v", err)
	}
	for _, file := range append(sources, "../../../reconcile/console/metrics.go") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?:put|counters|seconds)\("([a-z_]+)"|Name: "([a-z_]+)"|"mainstay_([a-z_]+)"`).FindAllStringSubmatch(string(text), -1) {
			exported["mainstay_"+m[1]+m[2]+m[3]] = true
		}
	}
	for _, file := range []string{"mainstay.rules.yaml", "dashboard.json"} {
		text, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range metric.FindAllString(string(text), -1) {
			base := name
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				base = strings.TrimSuffix(base, suffix)
			}
			if !exported[name] && !exported[base] {
				t.Errorf("%s asks for %s, which nobody exports", file, name)
			}
		}
	}
}
