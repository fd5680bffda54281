// Package run runs one command to its end, for tasks, probes, drivers, reloads and
// the self-fence: an argument vector, never a shell, in a process group of its own,
// within a bound, in a clean environment, with the end of its output kept for the
// reason.
//
// It knows nothing of services and nothing of what an exit code means.
package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"mainstay/reconcile/service"
)

// lateOutput is how long output may come after the command itself has ended. A
// daemon that it left behind keeps the pipe open for ever.
const lateOutput = 50 * time.Millisecond

// Call is one run of a command, which is the head of a process group of its own.
type Call struct {
	// Argv is the program and what it is given. It must not be empty.
	Argv []string
	// Dir is the folder it runs in, empty for /. The agent's own could be a checkout,
	// whose files a program would load.
	Dir string
	// Grace is how long the group may take to end by itself once the context has
	// ended: it is asked to, then killed. Zero kills at once.
	Grace time.Duration
	// Leave lets what the command left running in its group go on: a start command
	// may leave a daemon. Else it is killed. At the end of the context all of the
	// group is killed in any case.
	Leave bool
	// Tied lets the kernel kill the command when the agent dies (Linux only).
	Tied bool
}

// Result is how a command ended.
type Result struct {
	// Code is the exit code, or -1 after a signal.
	Code int
	// Signal is what ended it, such as "signal: killed", empty after an exit.
	Signal string
	// Output is the end of what was written to stdout and stderr, trimmed. It begins
	// with "… " when there was more.
	Output string
}

// Reason says how it ended, for people: "exit status 2: no such table".
func (r Result) Reason() string {
	text := fmt.Sprintf("exit status %d", r.Code)
	if r.Signal != "" {
		text = "ended by " + r.Signal
	}
	if r.Output == "" {
		return text
	}
	return text + ": " + r.Output
}

// Command runs argv for a driver and returns its result, whatever its exit code.
// When ctx ends first the command is killed and the error is service.Ended's. A
// program that is not there is service.ErrNotFound, one that may not be run
// service.ErrRefused.
//
// What the command leaves running keeps running, but writing to the command's
// output once the agent has ended kills it: a daemon should have let go of it.
func Command(ctx context.Context, argv []string) (Result, error) {
	if len(argv) == 0 {
		return Result{}, fmt.Errorf("run: %w", errEmpty)
	}
	result, err := Call{Argv: argv, Leave: true}.Run(ctx)
	if err == nil {
		return result, nil
	}
	if ended := service.Ended(ctx); ended != nil {
		err = ended
	}
	return result, fmt.Errorf("run %s: %w", argv[0], kind(err))
}

// errEmpty is the error of a call without a program.
var errEmpty = errors.New("the command is empty")

// Run runs the command to its end and returns its result, whatever its exit code.
// The error is the context's cause when that ended first, else why the command
// could not be run, in the words of os/exec.
func (c Call) Run(ctx context.Context) (Result, error) {
	if len(c.Argv) == 0 {
		return Result{}, errEmpty
	}
	if ctx.Err() != nil {
		return Result{}, context.Cause(ctx)
	}
	if c.Tied {
		// The kernel ends the command when the thread ends that made it, so that
		// thread must last as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	out, err := newOutput()
	if err != nil {
		return Result{}, err
	}
	return c.follow(ctx, out)
}

// follow starts the command, waits for its end and ends what it should not leave.
func (c Call) follow(ctx context.Context, out *output) (Result, error) {
	g := c.group(ctx, out)
	defer g.spare()
	err := g.cmd.Start()
	out.begin()
	if err != nil {
		return Result{}, err
	}
	err = g.cmd.Wait()
	late := lateOutput
	if !c.Leave || ctx.Err() != nil {
		late = max(late, c.Grace)
	}
	out.wait(late)
	if !c.Leave || ctx.Err() != nil {
		_ = g.signal(syscall.SIGKILL)
		out.wait(lateOutput)
		_ = out.read.Close()
	}
	result := Result{Output: out.tail.String()}
	var exit *exec.ExitError
	switch {
	case err != nil && ctx.Err() != nil:
		return result, context.Cause(ctx)
	case err != nil && !errors.As(err, &exit):
		return result, err
	case exit != nil && !exit.Exited():
		result.Signal = exit.String()
	}
	result.Code = g.cmd.ProcessState.ExitCode()
	return result, nil
}

func kind(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("%w: %w", service.ErrNotFound, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w", service.ErrRefused, err)
	}
	return err
}
