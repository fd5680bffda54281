//go:build e2e

package hosts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// engineMark follows the run in the name of an engine's folder.
const engineMark = "-engine"

// Engine is a Docker engine of a test's own, apart from the machine's, so that
// it can be stopped and restarted under whoever watches it. Its containers have
// no network of their own: they share the machine's.
type Engine struct {
	folder  string
	command *exec.Cmd
	log     *os.File
}

// StartEngine makes an engine that answers when StartEngine returns. It and all
// its containers are gone after the test.
func StartEngine(t testing.TB) *Engine {
	t.Helper()
	if err := os.MkdirAll(runFolder, 0o755); err != nil {
		t.Fatal(err)
	}
	// The name is short because paths of sockets are bounded.
	folder, err := os.MkdirTemp(runFolder, Run()+engineMark)
	if err != nil {
		t.Fatal(err)
	}
	e := &Engine{folder: folder}
	t.Cleanup(func() { e.remove(t) })
	e.Start(t)
	return e
}

// EngineSocket is where a host has the engine of its Spec. It is in a folder of
// its own, so that the host sees the socket of an engine that was restarted.
const EngineSocket = "/run/engine/docker.sock"

// Socket is the path of the engine's socket: DOCKER_HOST is unix:// and this.
func (e *Engine) Socket() string { return filepath.Join(e.folder, "docker.sock") }

func (e *Engine) pidFile() string { return filepath.Join(e.folder, "pid") }

// Start starts an engine that was stopped.
func (e *Engine) Start(t testing.TB) {
	t.Helper()
	if err := e.start(t.Context()); err != nil {
		t.Fatalf("start an engine: %v", err)
	}
}

func (e *Engine) start(ctx context.Context) error {
	// An engine that was killed took its containerd with it, but the note of
	// that one's process id may fit a process of today.
	if err := os.RemoveAll(filepath.Join(e.folder, "exec/containerd/containerd.pid")); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(e.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	e.log = log
	e.command = exec.Command("dockerd", "--host", "unix://"+e.Socket(),
		"--data-root", filepath.Join(e.folder, "data"), "--exec-root", filepath.Join(e.folder, "exec"),
		"--pidfile", e.pidFile(),
		"--bridge", "none", "--iptables=false", "--ip-masq=false")
	e.command.Stdout, e.command.Stderr = log, log
	if err := e.command.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, commandBound)
	defer cancel()
	return until(ctx, "the engine answers", func() (bool, error) {
		_, err := e.Docker(ctx, "info", "--format", "{{.ID}}")
		return err == nil, err
	})
}

// Stop ends the engine as a service manager would, and its containers with it.
func (e *Engine) Stop(t testing.TB) {
	t.Helper()
	if err := e.end(syscall.SIGTERM); err != nil {
		t.Fatalf("stop an engine: %v", err)
	}
}

// Kill ends the engine without a word. Its containers run on.
func (e *Engine) Kill(t testing.TB) {
	t.Helper()
	if err := e.end(syscall.SIGKILL); err != nil {
		t.Fatalf("kill an engine: %v", err)
	}
}

func (e *Engine) end(signal syscall.Signal) error {
	if e.command == nil {
		return nil
	}
	if err := e.command.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	// An engine that does not end within its time ends all the same.
	giveUp := time.AfterFunc(commandBound, func() { e.command.Process.Kill() })
	defer giveUp.Stop()
	e.command.Wait()
	e.command = nil
	return e.log.Close()
}

// Docker runs the docker program against this engine.
func (e *Engine) Docker(ctx context.Context, args ...string) (string, error) {
	return docker(ctx, append([]string{"--host", "unix://" + e.Socket()}, args...)...)
}

// NewProject makes the files of a Compose project for this engine. Its
// containers answer on the machine's loopback, so ports must be unlike.
func (e *Engine) NewProject(t testing.TB, name string, services ...Service) *Project {
	t.Helper()
	text, err := composeFile(t.Context(), "host", "", services)
	if err != nil {
		t.Fatalf("make project %s: %v", name, err)
	}
	if err := e.load(t.Context()); err != nil {
		t.Fatalf("load the image of project %s: %v", name, err)
	}
	p := &Project{Name: name, File: filepath.Join(t.TempDir(), "docker-compose.yml"), engine: e.Socket()}
	if err := os.WriteFile(p.File, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// load brings the image of Compose services into this engine.
func (e *Engine) load(ctx context.Context) error {
	name, err := webImage(ctx)
	if err != nil {
		return err
	}
	archive := filepath.Join(e.folder, "web.tar")
	defer os.Remove(archive)
	if _, err := docker(ctx, "save", "--output", archive, name); err != nil {
		return err
	}
	_, err = e.Docker(ctx, "load", "--input", archive)
	return err
}

func (e *Engine) remove(t testing.TB) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*commandBound)
	defer cancel()
	if err := e.clear(ctx); err != nil {
		t.Errorf("remove an engine: %v", err)
	}
}

// clear removes the containers first: those of an engine that was killed are
// still running.
func (e *Engine) clear(ctx context.Context) error {
	if e.command == nil {
		if err := e.start(ctx); err != nil {
			return err
		}
	}
	ids, err := e.Docker(ctx, "ps", "--all", "--quiet")
	if err != nil {
		return err
	}
	if fields := strings.Fields(ids); len(fields) > 0 {
		if _, err := e.Docker(ctx, append([]string{"rm", "--force", "--volumes"}, fields...)...); err != nil {
			return err
		}
	}
	if err := e.end(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop it: %w", err)
	}
	return removeFolder(e.folder)
}

// sweepEngine removes an engine that a dead run left in a folder.
func sweepEngine(ctx context.Context, folder string) error {
	e := &Engine{folder: folder}
	if err := e.endOrphan(ctx); err != nil {
		return err
	}
	return e.clear(ctx)
}

// endOrphan ends an engine that lost the process which started it.
func (e *Engine) endOrphan(ctx context.Context) error {
	text, err := os.ReadFile(e.pidFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	pid, convert := strconv.Atoi(strings.TrimSpace(string(text)))
	if err := errors.Join(err, convert); err != nil {
		return err
	}
	mine := func() bool {
		command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		return err == nil && strings.Contains(string(command), e.folder)
	}
	if !mine() {
		return os.Remove(e.pidFile())
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return err
	}
	if err := until(ctx, "the orphaned engine is gone", func() (bool, error) { return !mine(), nil }); err != nil {
		return err
	}
	return os.Remove(e.pidFile())
}
