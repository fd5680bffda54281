//go:build e2e

package hosts

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// debianMirror is the archive this machine's own packages come from.
func debianMirror(ctx context.Context) (string, error) {
	out, err := run(ctx, "apt-get", "indextargets",
		"--format", "$(REPO_URI) $(CODENAME) $(COMPONENT)", "Created-By: Packages")
	if err != nil {
		return "", err
	}
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", err
	}
	_, after, _ := strings.Cut(string(release), "VERSION_CODENAME=")
	codename, _, _ := strings.Cut(after, "\n")
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[1] == codename && fields[2] == "main" {
			return fields[0], nil
		}
	}
	return "", fmt.Errorf("apt knows no archive for %q", codename)
}

// lock takes an exclusive lock on a file, which is made if need be.
func lock(path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		file.Close()
		return nil, err
	}
	return func() { file.Close() }, nil
}
