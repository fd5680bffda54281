//go:build e2e

package hosts

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// runFolder holds what the machine keeps for its hosts while they live.
const runFolder = "/var/lib/mainstay-e2e"

// filler is the file that takes all the room.
const filler = "filler"

func (h *Host) disk() string { return filepath.Join(h.folder, "state") }

// makeDisk mounts a small file system in memory for StateFolder. It belongs to
// the machine, so that it outlives the host's reboots.
func (h *Host) makeDisk() error {
	if err := os.MkdirAll(h.disk(), 0o755); err != nil {
		return err
	}
	return syscall.Mount("tmpfs", h.disk(), "tmpfs", 0, fmt.Sprintf("size=%d,mode=0755", stateSize))
}

// FillDisk leaves no room in StateFolder: the next write there fails with
// "no space left on device".
func (h *Host) FillDisk() error {
	file, err := os.Create(filepath.Join(h.disk(), filler))
	if err != nil {
		return err
	}
	defer file.Close()
	for size := 64 << 10; size > 0; size /= 2 {
		if err := writeUntilFull(file, make([]byte, size)); err != nil {
			return fmt.Errorf("fill the disk of %s: %w", h.name, err)
		}
	}
	return nil
}

func writeUntilFull(w io.Writer, block []byte) error {
	for {
		if _, err := w.Write(block); errors.Is(err, syscall.ENOSPC) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// FreeDisk takes back what FillDisk took.
func (h *Host) FreeDisk() error { return os.Remove(filepath.Join(h.disk(), filler)) }

// unmountBelow unmounts everything mounted in a folder of the harness.
func unmountBelow(folder string) error {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	lines := slices.Collect(strings.Lines(string(mounts)))
	// What was mounted last may lie on what was mounted first.
	for _, line := range slices.Backward(lines) {
		fields := strings.Fields(line)
		if len(fields) > 1 && strings.HasPrefix(fields[1], folder+"/") {
			if err := syscall.Unmount(fields[1], syscall.MNT_DETACH); err != nil {
				return fmt.Errorf("unmount %s: %w", fields[1], err)
			}
		}
	}
	return nil
}
