package reference

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
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
