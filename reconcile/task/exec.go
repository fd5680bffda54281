package task

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"mainstay/reconcile/run"
)

// killGrace is Exec's Grace when nobody says otherwise.
const killGrace = 2 * time.Second

// Runner runs the command of a job or a check.
type Runner interface {
	// Run runs argv until it ends. When ctx ends first it ends the command with
	// all its children and says why in the error. The output is bounded.
	Run(ctx context.Context, argv []string) (output string, err error)
}

// Exec runs commands as processes of this machine, each in a process group of
// its own and without a shell.
type Exec struct {
	// Grace is how long a command may take to end by itself once it is asked to,
	// zero for two seconds.
	Grace time.Duration
}

// Run is Runner's. The group is asked to end, and killed a moment later; what a
// command leaves behind in its group is killed too. Should the agent die, so
// does the command.
func (e Exec) Run(ctx context.Context, argv []string) (string, error) {
	result, err := run.Call{Argv: argv, Grace: cmp.Or(e.Grace, killGrace), Tied: true}.Run(ctx)
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, os.ErrNotExist):
		err = fmt.Errorf("there is no such program on this machine: %w", err)
	case err != nil && ctx.Err() == nil:
		err = fmt.Errorf("cannot be run: %w", err)
	case result.Signal != "":
		err = fmt.Errorf("ended by %s", result.Signal)
	case result.Code != 0:
		err = fmt.Errorf("exit code %d", result.Code)
	}
	return result.Output, err
}
