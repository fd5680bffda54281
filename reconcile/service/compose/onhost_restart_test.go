//go:build onhost

package compose

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service/servicetest"
)

// ownEngine is a Docker engine of the test's own, which can be started anew without
// disturbing others.
type ownEngine struct {
	t      *testing.T
	folder string
	cmd    *exec.Cmd
}

// engineBound is how long an engine may take to start or to end.
const engineBound = 60 * time.Second

// newOwnEngine starts one, makes it the engine of this test, and gives it the test's
// image.
func newOwnEngine(t *testing.T) *ownEngine {
	t.Helper()
	image := filepath.Join(t.TempDir(), "image.tar")
	docker(t, "save", "--output", image, os.Getenv(imageVariable))
	folder, err := os.MkdirTemp("", "engine")
	if err != nil {
		t.Fatal(err)
	}
	e := &ownEngine{t: t, folder: folder}
	t.Cleanup(func() {
		e.stop()
		_ = exec.Command("sh", "-c", `grep -o " $1[^ ]*" /proc/mounts | sort -r | xargs -r umount -l`, "sh", folder).Run()
		_ = os.RemoveAll(folder)
	})
	t.Setenv("DOCKER_HOST", "unix://"+folder+"/docker.sock")
	e.start()
	docker(t, "load", "--input", image)
	return e
}

func (e *ownEngine) start() {
	e.t.Helper()
	in := func(name string) string { return filepath.Join(e.folder, name) }
	out, err := os.OpenFile(in("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		e.t.Fatal(err)
	}
	defer out.Close()
	e.cmd = exec.Command("dockerd", "--data-root", in("data"), "--exec-root", in("exec"), "--pidfile", in("pid"),
		"--host", "unix://"+in("docker.sock"), "--bridge=none", "--iptables=false", "--ip-masq=false", "--storage-driver=vfs")
	e.cmd.Stdout, e.cmd.Stderr = out, out
	if err := e.cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	e.until("the engine answers", func() bool { return exec.Command("docker", "info").Run() == nil })
}

// until asks now and then: another program's state has no events here.
func (e *ownEngine) until(what string, is func() bool) {
	e.t.Helper()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	bound := time.After(engineBound)
	for !is() {
		select {
		case <-again.C:
		case <-bound:
			log, _ := os.ReadFile(filepath.Join(e.folder, "log"))
			e.t.Fatalf("never: %s\n%s", what, log[max(0, len(log)-3000):])
		}
	}
}

func (e *ownEngine) stop() {
	if e.cmd == nil {
		return
	}
	_ = e.cmd.Process.Signal(syscall.SIGTERM)
	late := time.AfterFunc(engineBound, func() { _ = e.cmd.Process.Kill() })
	defer late.Stop()
	_ = e.cmd.Wait()
	e.cmd = nil
}

// R2: what was seen down stays down when the engine starts anew.
func TestOnMachineAStoppedContainerStaysDownWhenTheEngineRestarts(t *testing.T) {
	own := newOwnEngine(t)
	s := newProject(t, map[string]definition{"xuc": web(definition{"restart": "always"})})
	unit := realEngine(t).Service(s, t.TempDir())
	if err := unit.Start(patient(t)); err != nil {
		t.Fatal(err)
	}
	if seen := servicetest.Observed(t, unit); seen.Run != plan.Running || seen.Enabled != "restart: always" {
		t.Errorf("%+v", seen)
	}
	if err := unit.Stop(patient(t)); err != nil {
		t.Fatal(err)
	}
	// What was stopped in another way comes back: the engine has had its chance then.
	other := docker(t, "run", "--detach", "--restart", "always", "--network", "none", os.Getenv(imageVariable), "-listen", ":8090", "-text", "up")
	docker(t, "stop", other)
	own.stop()
	own.start()
	own.until("the engine started what it restarts", func() bool {
		return strings.Contains(docker(t, "inspect", "--format", "{{.State.Status}}", other), "running")
	})
	if ids := running(t, s); len(ids) > 0 {
		t.Errorf("the engine started %v again", ids)
	}
	docker(t, "rm", "--force", other)
	if err := unit.Start(patient(t)); err != nil {
		t.Fatal(err)
	}
	if seen := servicetest.Observed(t, unit); seen.Run != plan.Running || seen.Enabled != "restart: always" {
		t.Errorf("after the next start: %+v", seen)
	}
	docker(t, "kill", running(t, s)[0])
}
