//go:build linux

// Package footprint makes a program that mostly waits a small neighbour of the
// telephony beside it. It must not know what the program does.
package footprint

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// gcPercent trades a little work for a smaller agent: its live heap is a
	// few megabytes.
	gcPercent = 50
	// shrinkFirst is how long a start takes at most, shrinkEvery how often what
	// rare work left behind is given back.
	shrinkFirst = 10 * time.Second
	shrinkEvery = 10 * time.Minute
)

// Keep makes this program that mostly waits a small neighbour of the
// telephony beside it: one processor, a small heap, and no page kept resident
// that only the start needed. It returns at once; the rest ends with ctx.
func Keep(ctx context.Context, log *slog.Logger) {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
	debug.SetGCPercent(gcPercent)
	go func() {
		next := time.NewTimer(shrinkFirst)
		defer next.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-next.C:
				if err := shrink(); err != nil {
					log.Debug("give memory back", "error", err)
				}
				next.Reset(shrinkEvery)
			}
		}
	}()
}

// shrink gives unused heap back, and the pages of the program's own file that
// are mapped: the kernel maps those again that are really used, from its cache.
func shrink() error {
	debug.FreeOSMemory()
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	smaps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return err
	}
	defer smaps.Close()
	ranges, err := unwritten(smaps, self)
	if err != nil {
		return err
	}
	for _, r := range ranges {
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, r.begin, r.end-r.begin, unix.MADV_DONTNEED); errno != 0 {
			return fmt.Errorf("madvise: %w", errno)
		}
	}
	return nil
}

// mapping is a range of addresses, as of proc_pid_maps(5).
type mapping struct{ begin, end uintptr }

// unwritten returns where smaps, as of proc_pid_smaps(5), shows a file mapped
// and nothing written over it: what is there can be read from the file again.
func unwritten(smaps io.Reader, file string) ([]mapping, error) {
	var out []mapping
	var at mapping
	ours := false
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		switch {
		case len(f) >= 5 && !strings.HasSuffix(f[0], ":"):
			ours = len(f) > 5 && f[5] == file && !strings.Contains(f[1], "w")
			if _, err := fmt.Sscanf(f[0], "%x-%x", &at.begin, &at.end); err != nil {
				return nil, fmt.Errorf("%q: %w", f[0], err)
			}
		case ours && len(f) == 3 && f[0] == "Anonymous:" && f[1] == "0":
			out = append(out, at)
		}
	}
	return out, lines.Err()
}
