package machine

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"mainstay/reconcile/state"
)

func TestOneDamagedFileDoesNotMakeAnotherAgent(t *testing.T) {
	disk, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	who := func() string {
		t.Helper()
		id, err := Instance(disk, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	first := who()
	for _, name := range identityFiles {
		for _, content := range []string{"", "garbage"} {
			if err := os.WriteFile(filepath.Join(disk.Dir(), name+".state"), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := who(); got != first {
				t.Errorf("%s is %q: this agent is %s, and was %s", name, content, got, first)
			}
		}
		if err := os.Remove(filepath.Join(disk.Dir(), name+".state")); err != nil {
			t.Fatal(err)
		}
		if got := who(); got != first {
			t.Errorf("%s is gone: this agent is %s, and was %s", name, got, first)
		}
	}
}

// deadDisk gives and takes nothing.
type deadDisk struct{}

func (deadDisk) Load(string, any) error { return errors.New("the disk does not answer") }
func (deadDisk) Save(string, any) error { return errors.New("the disk does not answer") }

// An agent that became somebody else because a disk was slow would stop what it
// serves itself (R1).
func TestAnAgentThatCannotReadWhoItIsIsNobody(t *testing.T) {
	if id, err := Instance(deadDisk{}, slog.New(slog.DiscardHandler)); err == nil {
		t.Errorf("it became %s", id)
	}
}
