//go:build e2e

package hosts

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Exec runs a command on the host as root and returns its standard output
// without the line end. A failure carries what it wrote to standard error. It
// goes to the host's namespaces directly, takes some milliseconds, and works on
// a host that is cut off; on a frozen one it works for commands that need
// nothing of the host's processes.
func (h *Host) Exec(ctx context.Context, argv ...string) (string, error) {
	return h.execInput(ctx, nil, argv...)
}

// Must is Exec with an end in the test's failure.
func (h *Host) Must(t testing.TB, argv ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandBound)
	defer cancel()
	out, err := h.Exec(ctx, argv...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (h *Host) execInput(ctx context.Context, stdin io.Reader, argv ...string) (string, error) {
	pid, err := h.process(ctx)
	if err != nil {
		return "", err
	}
	enter := []string{"nsenter", "--target", strconv.Itoa(pid), "--all", "--",
		"env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/root", "LC_ALL=C.UTF-8", "SYSTEMD_PAGER=", "SYSTEMD_COLORS=0"}
	out, err := execute(ctx, stdin, append(enter, argv...))
	if err != nil {
		err = fmt.Errorf("on %s: %s: %w", h.name, brief(argv), err)
	}
	return strings.TrimRight(out, "\n"), err
}

// Write puts a file on the host, with its folders, as one step.
func (h *Host) Write(ctx context.Context, path string, content []byte, mode os.FileMode) error {
	const place = `umask 077; mkdir -p -- "$(dirname -- "$1")" && cat >"$1.new" && chmod "$2" "$1.new" && mv -f -- "$1.new" "$1"`
	_, err := h.execInput(ctx, bytes.NewReader(content),
		"sh", "-c", place, "write", path, strconv.FormatUint(uint64(mode.Perm()), 8))
	return err
}

// Put is Write with an end in the test's failure.
func (h *Host) Put(t testing.TB, path, content string) {
	t.Helper()
	if err := h.Write(t.Context(), path, []byte(content), 0o644); err != nil {
		t.Fatalf("write %s on %s: %v", path, h.name, err)
	}
}

// Copy puts a file of the machine on the host and keeps its mode.
func (h *Host) Copy(ctx context.Context, local, remote string) error {
	info, err := os.Stat(local)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(local)
	if err != nil {
		return err
	}
	return h.Write(ctx, remote, content, info.Mode())
}

// Runs reports whether any process of a systemd unit exists, as the machine's
// kernel sees it. It asks nothing of the host, takes microseconds, and is right
// also when the host is frozen, cut off, or lies.
func (h *Host) Runs(unit string) bool {
	populated, err := cgroupFlag(filepath.Join(h.cgroup, "system.slice", unit), "populated")
	return err == nil && populated
}

// Processes are the process ids of a systemd unit, as the machine sees them.
func (h *Host) Processes(unit string) ([]int, error) {
	list, err := os.ReadFile(filepath.Join(h.cgroup, "system.slice", unit, "cgroup.procs"))
	if err != nil {
		return nil, err
	}
	var pids []int
	for field := range strings.FieldsSeq(string(list)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			return nil, fmt.Errorf("processes of %s: %w", unit, err)
		}
		pids = append(pids, pid)
	}
	return pids, nil
}
