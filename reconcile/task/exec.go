package task

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"mainstay/reconcile/run"
)

const (
	// outputSize is how much of a command's output is kept, in bytes: its end.
	outputSize = 4 << 10
	// killGrace is Exec's Grace when nobody says otherwise.
	killGrace = 2 * time.Second
)

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
	if len(argv) == 0 {
		return "", errors.New("the command is empty")
	}
	// The kernel sends the parent-death signal when the thread ends that made
	// the process, so that thread must last as long.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out := &tail{}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = run.Environment()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = ownGroup()
	cmd.Cancel = func() error { return signalGroup(cmd, syscall.SIGTERM) }
	cmd.WaitDelay = cmp.Or(e.Grace, killGrace)
	err := cmd.Run()
	if cmd.Process != nil {
		_ = signalGroup(cmd, syscall.SIGKILL)
	}
	if errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		err = nil // it ended well and left something running, which is gone now
	}
	return out.String(), ended(ctx, err)
}

func signalGroup(cmd *exec.Cmd, s syscall.Signal) error {
	err := syscall.Kill(-cmd.Process.Pid, s)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// ended says in words how a command ended.
func ended(ctx context.Context, err error) error {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &exit) && exit.Exited():
		return fmt.Errorf("exit code %d", exit.ExitCode())
	case errors.As(err, &exit):
		return fmt.Errorf("ended by %s", exit)
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("there is no such program on this machine: %w", err)
	}
	return fmt.Errorf("cannot be run: %w", err)
}

// tail keeps the last bytes written to it.
type tail struct {
	mu   sync.Mutex
	kept []byte
	cut  bool
}

// Write never fails, so that a talkative command is not stopped by its output.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(b)
	if n > outputSize {
		b, t.cut = b[n-outputSize:], true
	}
	if over := len(t.kept) + len(b) - outputSize; over > 0 {
		t.kept, t.cut = append(t.kept[:0], t.kept[over:]...), true
	}
	t.kept = append(t.kept, b...)
	return n, nil
}

// String returns what was kept as text.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.TrimSpace(strings.ToValidUTF8(string(t.kept), "?"))
	if t.cut {
		text = "… " + text
	}
	return text
}
