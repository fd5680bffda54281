package process

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"mainstay/reconcile/service"
)

// inherited is what a service gets of the agent's own environment; the rest
// (sockets and watchdog of the service manager, tokens) is not its business.
func inherited() []string {
	return []string{"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR"}
}

// Start starts the process, or adopts it if it runs. What is left of an earlier
// run is ended first, by force if need be.
func (d *Driver) Start(ctx context.Context) error {
	done, err := d.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	g, err := d.find(ctx, true)
	if err != nil {
		return fmt.Errorf("look for the process: %w", err)
	}
	if g.main != nil && (g.record == nil || !g.record.Stopping) {
		d.adopt(g)
		return nil
	}
	if len(g.all) > 0 {
		if err := d.endLastRun(ctx, g.record); err != nil {
			return err
		}
	}
	return d.launch(ctx)
}

// endOfLastRun bounds what a start gives to the processes of an earlier run: they
// were asked to end before, or lost their main process.
const endOfLastRun = 10 * time.Second

func (d *Driver) endLastRun(ctx context.Context, r *record) error {
	bounded, cancel := context.WithTimeout(ctx, endOfLastRun)
	defer cancel()
	if err := d.end(bounded, r); err != nil {
		return fmt.Errorf("end what is left of the last run: %w", err)
	}
	return nil
}

// adopt records a process that was found without a record.
func (d *Driver) adopt(g group) {
	if g.record.names(*g.main) {
		return
	}
	d.log.Info("process adopted", "pid", g.main.pid)
	d.saveRecord(record{PID: g.main.pid, Start: g.main.start, At: time.Now()})
}

// launch forks. The order matters to an agent that is killed on the way: the
// lock is held by the child from the fork on, the marker is there from the exec
// on, and the record follows.
func (d *Driver) launch(ctx context.Context) error {
	d.starting.Store(true)
	defer d.starting.Store(false)
	lock, err := d.takeLock()
	if errors.Is(err, unix.EAGAIN) {
		return fmt.Errorf("%w: %w", service.ErrRefused, d.hidden())
	}
	if err != nil {
		d.log.Warn("started without a lock", "error", err)
	} else {
		defer lock.Close()
	}
	if err := service.Ended(ctx); err != nil {
		return d.unlocked(lock, err)
	}
	d.saveRecord(record{At: time.Now()})
	d.at("recorded that it starts")
	cmd := d.command(lock)
	err = cmd.Start()
	closeOutput(cmd)
	if err != nil {
		d.mu.Lock()
		d.removeRecord()
		d.mu.Unlock()
		return d.unlocked(lock, startError(err))
	}
	d.at("forked")
	p, err := readProc(cmd.Process.Pid)
	if err != nil {
		p = proc{pid: cmd.Process.Pid}
	}
	d.saveRecord(record{PID: p.pid, Start: p.start, At: time.Now()})
	d.at("recorded")
	reaped := make(chan struct{})
	d.mu.Lock()
	d.reaped = reaped
	d.mu.Unlock()
	go d.reap(cmd, p, reaped)
	d.changed()
	return nil
}

// unlocked gives up a lock that no child inherited.
func (d *Driver) unlocked(lock *os.File, err error) error {
	if lock != nil {
		_ = unix.FcntlFlock(lock.Fd(), unix.F_OFD_SETLK, wholeFile(unix.F_UNLCK))
	}
	return err
}

// command is the child: its own session, nothing to read, a file to write to.
func (d *Driver) command(lock *os.File) *exec.Cmd {
	cmd := exec.Command(d.run.Command[0], d.run.Command[1:]...)
	cmd.Dir = cmp.Or(d.run.Directory, "/") // the agent's own could be a checkout
	cmd.Env = d.environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if out := d.openLog(); out != nil {
		cmd.Stdout, cmd.Stderr = out, out
	}
	if lock != nil {
		cmd.ExtraFiles = []*os.File{lock}
	}
	return cmd
}

func closeOutput(cmd *exec.Cmd) {
	if out, ok := cmd.Stdout.(*os.File); ok {
		_ = out.Close()
	}
}

func (d *Driver) environment() []string {
	env := []string{d.marker, d.home}
	for _, name := range inherited() {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.run.Environment)) {
		if name != MarkerVariable && name != FolderVariable {
			env = append(env, name+"="+d.run.Environment[name])
		}
	}
	return env
}

func startError(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("start: %w: %w", service.ErrNotFound, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("start: %w: %w", service.ErrRefused, err)
	}
	return fmt.Errorf("start: %w: %w", service.ErrFailed, err)
}

// reap waits for a child of this agent, so that it leaves no zombie, and keeps
// how it ended.
func (d *Driver) reap(cmd *exec.Cmd, p proc, reaped chan<- struct{}) {
	if handle, err := openPidfd(p); err == nil {
		_ = handle.wait(context.Background())
		handle.close()
	}
	err := cmd.Wait()
	exit := "exit status 0"
	if err != nil {
		exit = err.Error()
	}
	d.mu.Lock()
	if r, unread := d.readRecord(); unread == nil && r != nil && r.names(p) && r.Boot == d.boot {
		r.Exit, r.OK, r.At = exit, err == nil, time.Now()
		d.writeRecord(*r)
	}
	d.mu.Unlock()
	close(reaped)
	d.changed()
}

// saveRecord writes the record of this service and this boot.
func (d *Driver) saveRecord(r record) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r.Marker, r.Boot = d.marker[len(MarkerVariable)+1:], d.boot
	d.writeRecord(r)
}
