package probe

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"mainstay/reconcile/run"
	"mainstay/spec"
)

// stuckAfter is how long a killed process may take to die.
const stuckAfter = time.Second

// ExitError is how a command that ended by itself says no.
type ExitError struct {
	// Code is its exit code, never 0.
	Code int
	// Output is what it wrote, printable and in one line of at most a few KiB;
	// empty when it wrote nothing.
	Output string
}

// Error says both.
func (e *ExitError) Error() string {
	text := fmt.Sprintf("exit code %d", e.Code)
	if e.Output != "" {
		text += ": " + e.Output
	}
	return text
}

// newCommand asks a program: exit code 0 is an answer. There is no shell. One
// run is under way at a time; another caller waits for its turn.
func newCommand(p spec.Probe) (Func, error) {
	if p.Command[0] == "" {
		return nil, errors.New("command: the program's name is empty")
	}
	turn := make(chan struct{}, 1)
	name := printable([]byte(strings.Join(p.Command, " ")), 200)
	return func(ctx context.Context) error {
		if err := runCommand(ctx, p, turn); err != nil {
			return fmt.Errorf("command %q: %w", name, err)
		}
		return nil
	}, nil
}

// runCommand returns in time even when the kernel does not let a killed process
// die, as with a hung network file system. Such a process keeps its turn, so
// that no second one joins it.
func runCommand(ctx context.Context, p spec.Probe, turn chan struct{}) error {
	if when := ended(ctx, p.Timeout); when != "" {
		return fmt.Errorf("no answer %s", when)
	}
	select {
	case turn <- struct{}{}:
	case <-ctx.Done():
		return errors.New("the run before has not ended yet")
	}
	done := make(chan error, 1)
	go func() {
		defer func() { <-turn }()
		done <- runOnce(ctx, p)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	stuck := time.NewTimer(stuckAfter)
	defer stuck.Stop()
	select {
	case err := <-done:
		return err
	case <-stuck.C:
		return fmt.Errorf("no answer %s, and the process does not die although it was killed", ended(ctx, p.Timeout))
	}
}

func runOnce(ctx context.Context, p spec.Probe) error {
	result, err := run.Call{Argv: p.Command}.Run(ctx)
	output := oneLine(result.Output)
	said := ""
	if output != "" {
		said = ": " + output
	}
	when := ended(ctx, p.Timeout)
	switch {
	case err != nil && when != "":
		return fmt.Errorf("no answer %s, killed%s", when, said)
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("there is no such program on this machine: %w", err)
	case err != nil:
		return fmt.Errorf("cannot be run: %w", err)
	case result.Signal != "":
		return fmt.Errorf("ended by %s%s", result.Signal, said)
	case result.Code != 0:
		return judge(verdictOfExit(result.Code), &ExitError{Code: result.Code, Output: output})
	}
	return nil
}

// verdictOfExit is what a program says by its exit code: 0 that the target
// answers, 1 that it does not. Any other code means that it could not ask.
func verdictOfExit(code int) Verdict {
	switch code {
	case 0:
		return Answered
	case 1:
		return Silent
	}
	return Unasked
}
