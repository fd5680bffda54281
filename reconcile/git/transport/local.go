package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/git/packet"
	"mainstay/reconcile/run"
)

// graceful is how long a git process gets to end by itself.
const graceful = time.Second

// localDialer runs the git program on a folder of this machine. Only git's own
// ref transaction compares and swaps between processes.
type localDialer struct{ endpoint }

func (d localDialer) Shown() string { return d.endpoint.shown }

func (localDialer) Forget() {}

// pipeLink is a service at the other end of two pipes.
type pipeLink struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *os.File
	in     *bufio.Reader
	stderr run.Tail
	stop   func() bool
	ended  chan struct{}
}

func (d localDialer) Dial(ctx context.Context, service string) (Link, error) {
	git, err := exec.LookPath("git")
	if err != nil {
		return nil, &failure.Error{Kind: failure.ErrUnreachable, Err: err, Advice: "a repository on this machine needs the git program"}
	}
	if _, err := os.Stat(d.path); err != nil {
		return nil, missing(err)
	}
	args := []string{strings.TrimPrefix(service, "git-"), d.path}
	if service == UploadPack {
		args = append([]string{"-c", "uploadpack.allowFilter=true"}, args...)
	}
	l := &pipeLink{cmd: exec.Command(git, args...), ended: make(chan struct{})}
	l.cmd.Env = localEnv(run.Environment())
	l.cmd.Stderr = &l.stderr
	if err := l.start(ctx); err != nil {
		return nil, err
	}
	return l, nil
}

// missing says why a folder cannot be had, without naming it: the place of the
// error does.
func missing(err error) *failure.Error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	e := &failure.Error{Kind: failure.ErrUnreachable, Err: err, Setting: failure.AddressWrong, Advice: "correct the address in the agent file"}
	if errors.Is(err, fs.ErrNotExist) {
		e.Err = errors.New("no such folder")
		e.Setting, e.Advice = "", "correct the address, or mount what should be there"
	}
	return e
}

func (l *pipeLink) start(ctx context.Context) error {
	stdout, child, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start git: %w", err)
	}
	l.stdout = stdout
	l.cmd.Stdout = child
	l.cmd.WaitDelay = graceful
	if l.stdin, err = l.cmd.StdinPipe(); err == nil {
		err = l.cmd.Start()
	}
	_ = child.Close()
	if err != nil {
		_ = stdout.Close()
		return fmt.Errorf("start git: %w", err)
	}
	l.in = NewMeter(stdout)
	l.stop = context.AfterFunc(ctx, func() {
		_ = l.cmd.Process.Kill()
		_ = stdout.SetReadDeadline(time.Now())
	})
	go func() {
		_ = l.cmd.Wait()
		close(l.ended)
	}()
	return nil
}

// localEnv leaves out what would point git at another repository.
func localEnv(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		return strings.HasPrefix(v, "GIT_") && !strings.HasPrefix(v, "GIT_CONFIG") && !strings.HasPrefix(v, "GIT_EXEC_PATH")
	})
}

func (l *pipeLink) Refs() *bufio.Reader { return l.in }

func (l *pipeLink) Send(_ context.Context, request []byte) (*bufio.Reader, error) {
	if _, err := l.stdin.Write(request); err != nil {
		return nil, err
	}
	// A process that has ended took its end of the pipe along; what it said
	// before tells more.
	_ = l.stdin.Close()
	return l.in, nil
}

func (l *pipeLink) Explain(err error) *failure.Error {
	var e *failure.Error
	if errors.As(err, &e) {
		return e
	}
	l.Close()
	if said := packet.OneLine(l.stderr.String()); said != "" {
		err = fmt.Errorf("git says: %s", said)
	}
	return &failure.Error{Kind: failure.ErrUnreachable, Err: failure.Scrub(err)}
}

// close takes leave the way git does and lets the process end: a receive-pack
// may still be running the hooks of a push. It does not wait longer than a
// moment; the context ends the process in any case.
func (l *pipeLink) Close() {
	_, _ = io.WriteString(l.stdin, packet.Flush)
	_ = l.stdin.Close()
	defer func() { _ = l.stdout.Close() }()
	timer := time.NewTimer(graceful)
	defer timer.Stop()
	select {
	case <-l.ended:
		l.stop()
	case <-timer.C:
		_ = l.cmd.Process.Kill()
	}
}
