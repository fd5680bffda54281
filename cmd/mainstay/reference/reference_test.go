package reference

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mainstay/reconcile/plan/conditions"
)

// UPDATE=1 writes the file anew.
func TestTheReferenceIsWhatTheSchemasSay(t *testing.T) {
	file := filepath.Join("..", "..", "..", "examples", "REFERENCE.md")
	got, err := Markdown()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("UPDATE=1 go test ./cmd/mainstay/reference writes it anew:\n%s", diff)
	}
}

// Who is woken at night is decided in one place.
func TestTheRunbookAlarmsAtOnceOnWhatNeedsAPersonAtOnce(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "examples", "RUNBOOK.md"))
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, c := range conditions.All() {
		if c.AtOnce {
			types = append(types, c.Type)
		}
	}
	want := "| at once | `mainstay_conditions{type=~\"" + strings.Join(types, `\|`) + "\"}` |"
	if !strings.Contains(string(text), want) {
		t.Errorf("the runbook lacks %s", want)
	}
}
