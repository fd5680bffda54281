package host

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mainstay/reconcile/machine"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/state"
	"mainstay/spec"
)

// Two agents on one state folder would undo what the other one decided, so the
// second does nothing, whatever its socket, and also for a single pass.
func TestSecondAgentOfAStateFolderDoesNothing(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	state := t.TempDir()
	first, second := agentOn(t, ctx, state, "first"), agentOn(t, ctx, state, "second")
	running, end := context.WithCancel(ctx)
	done := make(chan error, 1)
	release, err := first.alone()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.Once(ctx); !errors.Is(err, ErrStateInUse) {
		t.Errorf("a single pass beside a running agent: %v", err)
	}
	if err := second.Run(ctx); !errors.Is(err, ErrStateInUse) {
		t.Errorf("an agent beside a running one: %v", err)
	}
	release()
	go func() { done <- second.Run(running) }()
	end()
	select {
	case err := <-done:
		if errors.Is(err, ErrStateInUse) {
			t.Errorf("after the end of the first: %v", err)
		}
	case <-ctx.Done():
		t.Error("the agent did not end")
	}
}

// R1: an agent is who it was before, though a full disk refused to keep that: what is
// kept beside the socket counts.
func TestAnAgentIsWhoItWasBeforeTheDiskWasFull(t *testing.T) {
	f := agentFile(t, t.TempDir(), "agent.sock")
	before := agentOf(t, t.Context(), f)
	boot, err := machine.BootID()
	if err != nil {
		t.Fatal(err)
	}
	kept := state.Beside(f.Socket, boot)
	if err := os.Mkdir(kept, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"instance", "instance-copy"} {
		if err := os.Rename(state.File(f.State, name), state.File(kept, name)); err != nil {
			t.Fatal(err)
		}
	}
	if after := agentOf(t, t.Context(), f); before.instance != after.instance {
		t.Errorf("it was %s and is %s", before.instance, after.instance)
	}
}

func agentFile(t *testing.T, state, socket string) *spec.AgentFile {
	t.Helper()
	f := &spec.AgentFile{Node: "xivo-main", State: state, Socket: filepath.Join(t.TempDir(), socket), Listen: "off"}
	f.Repository = spec.Repository{URL: t.TempDir(), Branch: "main", Path: "deployment.yaml"}
	return f
}

func agentOn(t *testing.T, ctx context.Context, state, socket string) *Node {
	t.Helper()
	return agentOf(t, ctx, agentFile(t, state, socket))
}

func agentOf(t *testing.T, ctx context.Context, f *spec.AgentFile) *Node {
	t.Helper()
	n, err := New(ctx, Config{File: f, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Section 7: an agent that never read a document says why, to whoever looks.
func TestSinglePassWithoutADocumentSaysWhy(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := agentOn(t, ctx, t.TempDir(), "s").Once(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if r.Status != plan.Unknown || !strings.Contains(r.Reason, "cannot reach git at") {
		t.Errorf("%s: %s", r.Status, r.Reason)
	}
}
