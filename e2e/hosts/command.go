//go:build e2e

package hosts

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// commandBound is the longest any single command of the harness may take, but
// for building an image.
const commandBound = 3 * time.Minute

// run executes a command to its end and returns its standard output. When ctx
// ends first, the command's whole process group is killed.
func run(ctx context.Context, argv ...string) (string, error) {
	return runInput(ctx, nil, argv...)
}

// runInput is run with something to read on standard input.
func runInput(ctx context.Context, stdin io.Reader, argv ...string) (string, error) {
	out, err := execute(ctx, stdin, argv)
	if err != nil {
		return out, fmt.Errorf("%s: %w", brief(argv), err)
	}
	return out, nil
}

// execute does the work of run. Its error does not say which command it was.
func execute(ctx context.Context, stdin io.Reader, argv []string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return stdout.String(), fmt.Errorf("%w: %s", err, tail(stderr.String()))
	}
	return stdout.String(), nil
}

// brief is enough of a command to know which it was.
func brief(argv []string) string {
	const limit = 160
	text := strings.Join(argv, " ")
	if len(text) > limit {
		return text[:limit] + "…"
	}
	return text
}

// tail keeps the end of what a command complained, which is where the reason
// is.
func tail(text string) string {
	const limit = 2000
	text = strings.TrimSpace(text)
	if len(text) > limit {
		return "…" + text[len(text)-limit:]
	}
	return text
}

func docker(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandBound)
	defer cancel()
	out, err := run(ctx, append([]string{"docker"}, args...)...)
	return strings.TrimSpace(out), err
}

// until asks is again and again, at most half a second apart, until it says yes or ctx ends. An error
// that comes with a yes is returned, one that comes with a no is only reported
// when time is over.
func until(ctx context.Context, what string, is func() (bool, error)) error {
	pause := 10 * time.Millisecond
	for {
		ok, err := is()
		if ok {
			return err
		}
		// Asking is a process or three: a machine full of hosts has better to do.
		pause = min(2*pause, 500*time.Millisecond)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("wait until %s: %w (last answer: %v)", what, ctx.Err(), err)
		}
	}
}
