package run

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// group is a command and everything it started that did not leave its process group.
type group struct {
	cmd *exec.Cmd
	// kill is the end of the grace, nil before the context has ended.
	kill *time.Timer
}

// group is the command, not yet started.
func (c Call) group(ctx context.Context, out *output) *group {
	g := &group{cmd: exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)}
	g.cmd.Dir, g.cmd.Env = cmp.Or(c.Dir, "/"), Environment()
	g.cmd.Stdout, g.cmd.Stderr = out.write, out.write
	g.cmd.SysProcAttr = attributes(c.Tied)
	g.cmd.Cancel = func() error {
		if c.Grace <= 0 {
			return g.signal(syscall.SIGKILL)
		}
		g.kill = time.AfterFunc(c.Grace, func() { _ = g.signal(syscall.SIGKILL) })
		return g.signal(syscall.SIGTERM)
	}
	return g
}

// spare forgets the kill at the end of the grace: nobody is left, or the kernel may
// give the group's number to somebody else.
func (g *group) spare() {
	if g.kill != nil {
		g.kill.Stop()
	}
}

// signal sends a signal to the whole group.
func (g *group) signal(s syscall.Signal) error {
	err := syscall.Kill(-g.cmd.Process.Pid, s)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}
