//go:build e2e

package hosts

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

const (
	// inotifyLimit is how many inotify instances all processes of one user may
	// have. Root of every host is the same user for the kernel, a systemd has
	// several of them, and the usual 128 end at some twenty hosts: then path units
	// fail and nobody sees why.
	inotifyLimit = "/proc/sys/fs/inotify/max_user_instances"
	// inotifyRoom is enough for hundreds of hosts.
	inotifyRoom = 4096
)

// makeRoom raises what the machine would run out of first.
func makeRoom() error {
	text, err := os.ReadFile(inotifyLimit)
	if err != nil {
		return err
	}
	if now, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && now >= inotifyRoom {
		return nil
	}
	if err := os.WriteFile(inotifyLimit, []byte(strconv.Itoa(inotifyRoom)), 0o644); err != nil {
		return fmt.Errorf("raise a limit that twenty hosts exceed: %w", err)
	}
	return nil
}
