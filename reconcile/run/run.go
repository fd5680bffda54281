// Package run runs one command to its end: an argument vector, never a shell,
// within a bound, with the end of its output kept for the reason.
//
// It knows nothing of services and nothing of what an exit code means.
package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"mainstay/reconcile/service"
)

// MaxOutput is how many bytes of output are kept: the last ones.
const MaxOutput = 4 << 10

// lateOutput is how long output may come after the command itself has ended. A
// daemon that it left behind keeps the pipe open for ever.
const lateOutput = 50 * time.Millisecond

// Result is how a command ended.
type Result struct {
	// Code is the exit code, or -1 after a signal.
	Code int
	// Output is the end of what was written to stdout and stderr, trimmed.
	Output string
}

// Reason says how it ended, for people: "exit status 2: no such table".
func (r Result) Reason() string {
	text := fmt.Sprintf("exit status %d", r.Code)
	if r.Code < 0 {
		text = "ended by a signal"
	}
	if r.Output == "" {
		return text
	}
	return text + ": " + r.Output
}

// Command runs argv and returns its result, whatever its exit code. When ctx ends
// first the command is killed with its whole process group and the error is
// service.Ended's. A program that is not there is service.ErrNotFound, one that
// may not be run service.ErrRefused.
//
// What the command leaves running keeps running, but writing to the command's
// output once the agent has ended kills it: a daemon should have let go of it.
func Command(ctx context.Context, argv []string) (Result, error) {
	if len(argv) == 0 {
		return Result{}, errors.New("run: the command is empty")
	}
	if err := service.Ended(ctx); err != nil {
		return Result{}, fmt.Errorf("run %s: %w", argv[0], err)
	}
	out, err := newOutput()
	if err != nil {
		return Result{}, fmt.Errorf("run %s: %w", argv[0], err)
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = Environment()
	cmd.Stdout, cmd.Stderr = out.write, out.write
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err = cmd.Start()
	out.begin()
	if err == nil {
		err = cmd.Wait()
	}
	result := Result{Output: out.end()}
	if ended := service.Ended(ctx); err != nil && ended != nil {
		return result, fmt.Errorf("run %s: %w", argv[0], ended)
	}
	var exit *exec.ExitError
	if err == nil || errors.As(err, &exit) {
		result.Code = cmd.ProcessState.ExitCode()
		return result, nil
	}
	return result, fmt.Errorf("run %s: %w", argv[0], kind(err))
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

// output drains a pipe for as long as anyone writes to it and keeps the end.
type output struct {
	read, write *os.File
	done        chan struct{}
	mu          sync.Mutex
	tail        []byte
}

func newOutput() (*output, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &output{read: read, write: write, done: make(chan struct{})}, nil
}

// begin is called once the child has its own copy of the pipe, or there is none.
func (o *output) begin() {
	_ = o.write.Close()
	go func() {
		defer close(o.done)
		defer o.read.Close()
		_, _ = io.Copy(writer{o}, o.read)
	}()
}

// end returns what came so far.
func (o *output) end() string {
	late := time.NewTimer(lateOutput)
	defer late.Stop()
	select {
	case <-o.done:
	case <-late.C:
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.TrimSpace(strings.ToValidUTF8(string(o.tail), "?"))
}

type writer struct{ *output }

// Write keeps the last MaxOutput bytes.
func (w writer) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tail = append(w.tail, b...)
	if over := len(w.tail) - MaxOutput; over > 0 {
		w.tail = append(w.tail[:0], w.tail[over:]...)
	}
	return len(b), nil
}
