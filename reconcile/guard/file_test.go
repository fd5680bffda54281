package guard

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mainstay/reconcile/plan"
)

func TestTheGuardReadsWhatTheAgentSaid(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "run", "agent.sock")
	f := Beside(socket, "boot")
	if k, err := f.Read(); !errors.Is(err, fs.ErrNotExist) || !k.None() {
		t.Fatalf("nothing was said: got %+v, %v", k, err)
	}
	want := plan.Watch{Boot: "boot", Claim: "c", Began: 3, Until: 9 * time.Second, StopTime: time.Second}
	if err := f.Tell(want); err != nil {
		t.Fatal(err)
	}
	if k, err := f.Read(); err != nil || k.Watch != want || k.Agent != os.Getpid() || f.Recall() != want {
		t.Errorf("got %+v, %v", k, err)
	}
	if k, err := Beside(socket, "another").Read(); err != nil || !k.None() {
		t.Errorf("of another boot: got %+v, %v", k, err)
	}
	if err := os.WriteFile(socket+".lease", []byte(`{"kept":{"boot":"boot"},"sum":"x"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read(); err == nil || !f.Recall().None() {
		t.Errorf("damaged: got %v", err)
	}
	if err := errors.Join(f.Tell(plan.Watch{}), f.Tell(plan.Watch{})); err != nil {
		t.Error(err)
	}
	if k, err := f.Read(); err != nil || !k.None() {
		t.Errorf("given up: got %+v, %v", k, err)
	}
}

func TestOneGuardWatchesANode(t *testing.T) {
	f := Beside(filepath.Join(t.TempDir(), "agent.sock"), "boot")
	if f.Guarded() {
		t.Error("nobody watches yet")
	}
	release, err := f.Lock()
	if err != nil || !f.Guarded() {
		t.Fatalf("got %v", err)
	}
	if _, err := f.Lock(); !errors.Is(err, ErrInUse) {
		t.Errorf("a second guard: got %v", err)
	}
	release()
	if f.Guarded() {
		t.Error("the guard has ended")
	}
}
