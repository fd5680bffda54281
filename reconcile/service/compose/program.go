package compose

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"mainstay/reconcile/run"
	"mainstay/reconcile/service"
)

const (
	// maxOutput is how much of what Compose says is kept, from its end.
	maxOutput = 4 << 10
	// farewell is how long an interrupted Compose may tidy up.
	farewell = time.Second
	// findBound bounds the search for the program.
	findBound = 10 * time.Second
)

// program is the Compose program of this machine: Docker's plugin, or the older
// program of its own. It is looked for once and again after it could not be
// found.
type program struct {
	mu   sync.Mutex
	argv []string
}

// run runs Compose in a project's place.
func (p *program) run(ctx context.Context, at place, args ...string) error {
	argv, err := p.find(ctx)
	if err != nil {
		return err
	}
	if _, err := os.Stat(at.Directory); err != nil {
		return fmt.Errorf("%w: the project's directory: %w", service.ErrNotFound, err)
	}
	full := append([]string{}, argv[1:]...)
	full = append(full, "--project-directory", at.Directory)
	for _, f := range at.Files {
		full = append(full, "--file", f)
	}
	for _, f := range at.Environment {
		full = append(full, "--env-file", f)
	}
	output := &tail{limit: maxOutput}
	cmd := exec.CommandContext(ctx, argv[0], append(full, args...)...)
	cmd.Dir, cmd.Env = at.Directory, run.Environment()
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return signalGroup(cmd, syscall.SIGTERM) }
	cmd.WaitDelay = farewell
	err = cmd.Run()
	if ctx.Err() != nil && cmd.Process != nil {
		_ = signalGroup(cmd, syscall.SIGKILL)
	}
	return runError(ctx, err, output.text())
}

func signalGroup(cmd *exec.Cmd, s syscall.Signal) error {
	err := syscall.Kill(-cmd.Process.Pid, s)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

func (p *program) find(ctx context.Context) ([]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.argv != nil {
		return p.argv, nil
	}
	ctx, cancel := context.WithTimeout(ctx, findBound)
	defer cancel()
	if path, err := exec.LookPath("docker"); err == nil {
		asks := exec.CommandContext(ctx, path, "compose", "version")
		asks.Env = run.Environment()
		if asks.Run() == nil {
			p.argv = []string{path, "compose"}
			return p.argv, nil
		}
	}
	if err := service.Ended(ctx); err != nil {
		return nil, fmt.Errorf("look for docker compose: %w", err)
	}
	path, err := exec.LookPath("docker-compose")
	if err != nil {
		return nil, fmt.Errorf("%w: neither docker's compose plugin nor docker-compose is installed", service.ErrNotFound)
	}
	p.argv = []string{path}
	return p.argv, nil
}

// runError says what a failed run means. Compose has no exit codes for that.
func runError(ctx context.Context, err error, said string) error {
	if err == nil {
		return nil
	}
	if ended := service.Ended(ctx); ended != nil {
		return fmt.Errorf("%w: compose was interrupted: %s", ended, said)
	}
	kind := service.ErrFailed
	lower := strings.ToLower(said)
	for _, k := range kinds() {
		if strings.Contains(lower, k.says) {
			kind = k.kind
			break
		}
	}
	return fmt.Errorf("%w: compose: %w: %s", kind, err, said)
}

type kindOfError struct {
	says string
	kind error
}

// kinds are the words by which both programs' errors are told apart.
func kinds() []kindOfError {
	return []kindOfError{
		{"cannot connect to the docker daemon", service.ErrUnavailable},
		{"couldn't connect to docker daemon", service.ErrUnavailable},
		{"permission denied while trying to connect", service.ErrUnavailable},
		{"no such service", service.ErrNotFound},
		{"no configuration file provided", service.ErrNotFound},
		{"can't find a suitable configuration file", service.ErrNotFound},
		{"no such file or directory", service.ErrNotFound},
	}
}

// tail keeps the last bytes written to it: that is where programs say why they
// give up.
type tail struct {
	kept  []byte
	limit int
}

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - t.limit; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

// text is what was kept, its lines separated by " | ".
func (t *tail) text() string {
	var lines []string
	for line := range strings.Lines(string(t.kept)) {
		if line = strings.Join(strings.Fields(strings.ToValidUTF8(line, "?")), " "); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, " | ")
}
