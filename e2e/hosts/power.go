//go:build e2e

package hosts

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// Freeze stops every process of the host, and of its Compose projects, in the
// middle of what it does. Connections stay open and nobody answers.
func (h *Host) Freeze(t testing.TB) {
	t.Helper()
	err := h.setFrozen(t.Context(), true)
	for _, id := range h.projectContainers(t, "status=running") {
		if _, err := docker(t.Context(), "pause", id); err != nil {
			t.Errorf("freeze a container of %s: %v", h.name, err)
		}
	}
	if err != nil {
		t.Fatalf("freeze %s: %v", h.name, err)
	}
}

// Thaw lets a frozen host go on where it was.
func (h *Host) Thaw(t testing.TB) {
	t.Helper()
	for _, id := range h.projectContainers(t, "status=paused") {
		if _, err := docker(t.Context(), "unpause", id); err != nil {
			t.Errorf("thaw a container of %s: %v", h.name, err)
		}
	}
	if err := h.thaw(t.Context()); err != nil {
		t.Fatalf("thaw %s: %v", h.name, err)
	}
}

func (h *Host) thaw(ctx context.Context) error { return h.setFrozen(ctx, false) }

func (h *Host) setFrozen(ctx context.Context, frozen bool) error {
	value := strconv.Itoa(map[bool]int{false: 0, true: 1}[frozen])
	if err := os.WriteFile(filepath.Join(h.cgroup, "cgroup.freeze"), []byte(value), 0); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, commandBound)
	defer cancel()
	return until(ctx, "the kernel has seen to it", func() (bool, error) {
		is, err := cgroupFlag(h.cgroup, "frozen")
		return is == frozen, err
	})
}

// Kill takes the host's power away: every process of it and of its Compose
// projects ends at once, without a word. Its disk stays.
func (h *Host) Kill(t testing.TB) {
	t.Helper()
	if _, err := docker(t.Context(), "kill", h.container); err != nil {
		t.Fatalf("kill %s: %v", h.name, err)
	}
	for _, id := range h.projectContainers(t, "status=running") {
		if _, err := docker(t.Context(), "kill", id); err != nil {
			t.Errorf("kill a container of %s: %v", h.name, err)
		}
	}
	if err := h.waitEmpty(t.Context()); err != nil {
		t.Fatalf("kill %s: %v", h.name, err)
	}
}

// Shutdown asks systemd to stop everything in order and to power off, and
// returns when that is done.
func (h *Host) Shutdown(t testing.TB) {
	t.Helper()
	if _, err := docker(t.Context(), "stop", "--time", "45", h.container); err != nil {
		t.Fatalf("shut %s down: %v", h.name, err)
	}
	if err := h.waitEmpty(t.Context()); err != nil {
		t.Fatalf("shut %s down: %v", h.name, err)
	}
}

func (h *Host) waitEmpty(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, commandBound)
	defer cancel()
	return until(ctx, "no process is left", func() (bool, error) {
		populated, err := cgroupFlag(h.cgroup, "populated")
		return !populated, err
	})
}

// Boot switches on a host that was killed or shut down and returns when its
// systemd has settled. Address, disk and everything that Cut and Block forbid
// are as they were; a link made slow by Netem is fast again.
func (h *Host) Boot(t testing.TB) {
	t.Helper()
	h.PowerOn(t)
	if err := h.settle(t.Context()); err != nil {
		t.Fatalf("boot %s: %v", h.name, err)
	}
}

// PowerOn is Boot without waiting.
func (h *Host) PowerOn(t testing.TB) {
	t.Helper()
	h.forgetSlowLink()
	// A host that was frozen when it was killed would start frozen.
	if err := h.thaw(t.Context()); err != nil {
		t.Fatalf("boot %s: %v", h.name, err)
	}
	if _, err := docker(t.Context(), "start", h.container); err != nil {
		t.Fatalf("boot %s: %v", h.name, err)
	}
}

// Up reports whether the host has power.
func (h *Host) Up() bool {
	populated, err := cgroupFlag(h.cgroup, "populated")
	return err == nil && populated
}
