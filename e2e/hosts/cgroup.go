//go:build e2e

package hosts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// cgroupRoot is where this machine has its cgroup v2 tree, which may be the
// only tree or live beside version 1.
func cgroupRoot() (string, error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(mounts)) {
		fields := strings.Fields(line)
		if len(fields) > 2 && fields[2] == "cgroup2" {
			return fields[1], nil
		}
	}
	return "", errors.New("this machine mounts no cgroup v2 tree: mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified")
}

// cgroupFlag reads one flag of a cgroup's events file.
func cgroupFlag(folder, flag string) (bool, error) {
	events, err := os.ReadFile(filepath.Join(folder, "cgroup.events"))
	if err != nil {
		return false, err
	}
	for line := range strings.Lines(string(events)) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), " "); name == flag {
			return value == "1", nil
		}
	}
	return false, fmt.Errorf("%s says nothing about %s", folder, flag)
}

// removeCgroup removes an empty cgroup and all below it.
func removeCgroup(folder string) error {
	var folders []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			folders = append(folders, path)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := len(folders) - 1; i >= 0; i-- {
		if err := syscall.Rmdir(folders[i]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove cgroup %s: %w", folders[i], err)
		}
	}
	return nil
}
