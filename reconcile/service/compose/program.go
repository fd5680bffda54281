package compose

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"mainstay/reconcile/plain"
	"mainstay/reconcile/run"
	"mainstay/reconcile/service"
)

const (
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
	full := append(slices.Clone(argv), "--project-directory", at.Directory)
	for _, f := range at.Files {
		full = append(full, "--file", f)
	}
	for _, f := range at.Environment {
		full = append(full, "--env-file", f)
	}
	result, err := run.Call{Argv: append(full, args...), Dir: at.Directory, Grace: farewell, Leave: true}.Run(ctx)
	said := plain.Quote(result.Output, 0)
	result.Output = ""
	if err == nil && result.Code != 0 {
		err = errors.New(result.Reason())
	}
	return runError(ctx, err, said)
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
		if r, err := run.Command(ctx, []string{path, "compose", "version"}); err == nil && r.Code == 0 {
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
