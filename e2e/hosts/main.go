//go:build e2e

package hosts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
)

// engineSocket is where the machine's Docker engine listens.
const engineSocket = "/var/run/docker.sock"

// Main is what TestMain of a package that makes hosts calls: it removes what
// dead runs left, has the images built, runs the tests, and makes sure that
// nothing of this run is left. It returns the exit code.
func Main(m *testing.M, images ...Image) int {
	ctx := context.Background()
	if err := ready(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		fmt.Fprintln(os.Stderr, "hint: run e2e/install.sh as root first")
		return 1
	}
	if err := makeRoom(); err != nil {
		fmt.Fprintln(os.Stderr, "warning:", err)
	}
	say := func(format string, args ...any) { fmt.Printf(format, args...) }
	if err := Sweep(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "warning: what an earlier run left stays:", err)
	}
	if err := Prepare(ctx, say, images...); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	code := m.Run()
	left, err := Leftovers(ctx, Run()+"-")
	if err != nil || len(left) > 0 {
		fmt.Fprintf(os.Stderr, "error: left behind: %q (%v)\n", left, err)
		code = 1
	}
	if err := sweepRun(ctx, Run()); err != nil {
		fmt.Fprintln(os.Stderr, "error: sweep:", err)
		code = 1
	}
	return code
}

func ready(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return errors.New("real hosts need root")
	}
	if _, err := docker(ctx, "info", "--format", "{{.ServerVersion}}"); err != nil {
		return fmt.Errorf("no Docker engine: %w", err)
	}
	_, err := cgroupRoot()
	return err
}
