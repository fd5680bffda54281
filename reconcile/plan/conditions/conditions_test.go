package conditions

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestEveryConditionIsExplained(t *testing.T) {
	all := All()
	if !slices.IsSortedFunc(all, func(a, b Type) int { return strings.Compare(a.Type, b.Type) }) {
		t.Error("they are not in order")
	}
	for _, c := range all {
		if c.Meaning == "" || c.Do == "" || !strings.HasSuffix(c.Meaning, ".") || c.Passing && (c.Blocks || c.AtOnce) {
			t.Errorf("%+v", c)
		}
	}
	source, err := os.ReadFile("../condition.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(regexp.MustCompile(`(?m)^\tCond\w+ +=`).FindAll(source, -1)); n != len(all) {
		t.Errorf("%d constants and %d explanations", n, len(all))
	}
}

// A type that is written by hand is one that no reader of the registry knows of.
func TestConditionsAreNamedByTheirConstants(t *testing.T) {
	byHand := regexp.MustCompile(`(Condition\{Type: |\{Type: |[wW]arn(ing)?\(|\.Type == )"`)
	for _, root := range []string{"../..", "../../../cmd/mainstay"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "doctor") {
				return err
			}
			source, err := os.ReadFile(path)
			for i, line := range strings.Split(string(source), "\n") {
				if byHand.MatchString(line) && !strings.Contains(line, "log.Warn") && !strings.Contains(line, "Log.Warn") {
					t.Errorf("%s:%d: %s", path, i+1, strings.TrimSpace(line))
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
