//go:build onhost

package compose

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
	"mainstay/reconcile/service/servicetest"
	"mainstay/spec"
)

// These tests need a Docker engine and an image whose program /web runs until
// it is asked to stop. They are built as a program with -tags onhost and run by
// the e2e tests, which name the image.
const imageVariable = "MAINSTAY_TEST_IMAGE"

func realEngine(t *testing.T) *Engine {
	e := NewEngine(slog.New(slog.DiscardHandler), "")
	t.Cleanup(e.Close)
	return e
}

func docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("docker", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// definition is one service of a Compose file.
type definition map[string]any

func web(more definition, flags ...string) definition {
	d := definition{
		"image": os.Getenv(imageVariable), "network_mode": "none",
		"command": append([]string{"-listen", ":8090", "-text", "up"}, flags...),
	}
	for k, v := range more {
		d[k] = v
	}
	return d
}

// newProject writes a Compose file and removes all that came of it with the
// test.
func newProject(t *testing.T, services map[string]definition) spec.ComposeService {
	t.Helper()
	folder := t.TempDir()
	content, err := json.Marshal(map[string]any{"version": "3.7", "services": services})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "docker-compose.yml"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("driver%dx%d", os.Getpid(), time.Now().UnixNano())
	t.Cleanup(func() {
		if ids := docker(t, "ps", "--all", "--quiet", "--filter", "label="+labelProject+"="+name); ids != "" {
			docker(t, append([]string{"rm", "--force", "--volumes"}, strings.Fields(ids)...)...)
		}
	})
	return spec.ComposeService{Project: name, Service: "xuc", Directory: folder}
}

// running lists the running containers of a service.
func running(t *testing.T, s spec.ComposeService) []string {
	t.Helper()
	return strings.Fields(docker(t, "ps", "--quiet", "--filter", "label="+labelProject+"="+s.Project,
		"--filter", "label="+labelService+"="+s.Service))
}

func TestOnHostConformance(t *testing.T) {
	services := map[servicetest.Behaviour]definition{
		servicetest.Behaves:      web(nil),
		servicetest.Hangs:        web(nil, "-stubborn"),
		servicetest.FailsToStart: web(definition{"entrypoint": []string{"/nonexistent"}}),
	}
	servicetest.Run(t, servicetest.Fixture{
		New: func(t *testing.T, b servicetest.Behaviour) servicetest.Subject {
			s := newProject(t, map[string]definition{"xuc": services[b]})
			e := realEngine(t)
			return servicetest.Subject{
				Driver: e.Service(s, ""),
				Alive:  func() bool { return len(running(t, s)) > 0 },
				Crash:  func(t *testing.T) { docker(t, append([]string{"kill"}, running(t, s)...)...) },
				StartOutside: func(t *testing.T) {
					at := place{Directory: s.Directory}
					if err := e.compose(servicetest.Bounded(t), at, "--project-name", s.Project, "up", "--detach", "xuc"); err != nil {
						t.Fatal(err)
					}
				},
			}
		},
		Forces:    true,
		Outside:   true,
		Bound:     40 * time.Second,
		StopBound: 3 * time.Second,
	})
}

// patient is a context for runs of Compose.
func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestOnHostDependenciesAreStartedAndLeftRunning(t *testing.T) {
	s := newProject(t, map[string]definition{"xuc": web(definition{"depends_on": []string{"db"}}), "db": web(nil)})
	driver := realEngine(t).Service(s, "")
	if err := driver.Start(patient(t)); err != nil {
		t.Fatal(err)
	}
	db := s
	db.Service = "db"
	if len(running(t, db)) != 1 {
		t.Error("what the service depends on was not started")
	}
	if err := driver.Stop(patient(t)); err != nil {
		t.Fatal(err)
	}
	if len(running(t, s)) != 0 || len(running(t, db)) != 1 {
		t.Error("the stop did not stop this service only")
	}
}

func TestOnHostRemovedContainersComeBackWithoutADirectory(t *testing.T) {
	s := newProject(t, map[string]definition{"xuc": web(nil)})
	e := realEngine(t)
	if err := e.Service(s, "").Start(patient(t)); err != nil {
		t.Fatal(err)
	}
	s.Directory = ""
	driver := e.Service(s, "")
	woken := servicetest.Watched(t, driver)
	servicetest.Observed(t, driver)
	docker(t, append([]string{"rm", "--force"}, running(t, s)...)...)
	for seen := servicetest.Observed(t, driver); !seen.Run.Down(); seen = servicetest.Observed(t, driver) {
		servicetest.Await(t, "the wake by a removal", woken)
	}
	if err := driver.Start(patient(t)); err != nil || len(running(t, s)) != 1 {
		t.Errorf("%v", err)
	}
	unknown := realEngine(t).Service(spec.ComposeService{Project: "nobody-knows-it", Service: "x"}, "")
	servicetest.Wants(t, unknown.Start(patient(t)), service.ErrNotFound, "compose: directory")
	absent := realEngine(t).Service(spec.ComposeService{Project: s.Project, Service: "absent", Directory: filepath.Dir(s.Directory)}, "")
	servicetest.Wants(t, absent.Start(patient(t)), service.ErrNotFound)
}

func TestOnHostAContainerThatRestartsPausesAndIsUnhealthy(t *testing.T) {
	s := newProject(t, map[string]definition{
		"xuc":   web(definition{"restart": "always", "entrypoint": []string{"/web", "-check", "http://127.0.0.1:1/"}}),
		"sick":  web(definition{"healthcheck": map[string]any{"test": []string{"CMD", "/web", "-check", "http://127.0.0.1:1/"}, "interval": "1s", "retries": 1}}),
		"still": web(definition{"restart": "unless-stopped"}),
	})
	e := realEngine(t)
	sees := func(name string, is func(service.State) bool) *Service {
		t.Helper()
		s.Service = name
		driver := e.Service(s, "")
		woken := servicetest.Watched(t, driver)
		if err := driver.Start(patient(t)); err != nil {
			t.Logf("start of %s: %v", name, err)
		}
		for seen := servicetest.Observed(t, driver); !is(seen); seen = servicetest.Observed(t, driver) {
			t.Logf("%s: %+v", name, seen)
			servicetest.Await(t, "what is expected of "+name, woken)
		}
		return driver
	}
	flapping := sees("xuc", func(seen service.State) bool {
		return seen.Run == plan.Starting && seen.Holdoff && seen.Enabled == "restart: always" && strings.Contains(seen.Detail, "starts it again and again")
	})
	if err := flapping.Stop(patient(t)); err != nil || !servicetest.Observed(t, flapping).Run.Down() {
		t.Errorf("stop of a container that restarts: %v", err)
	}
	sees("sick", func(seen service.State) bool {
		return seen.Run == plan.Running && strings.HasPrefix(seen.Detail, "unhealthy") && seen.Unhealthy != ""
	})
	still := sees("still", func(seen service.State) bool { return seen.Run == plan.Running })
	docker(t, append([]string{"pause"}, running(t, s)...)...)
	if seen := servicetest.Observed(t, still); seen.Run != plan.RunUnsure {
		t.Errorf("paused: %+v", seen)
	}
	if err := still.Start(patient(t)); err != nil || servicetest.Observed(t, still).Run != plan.Running {
		t.Errorf("start of a paused container: %v", err)
	}
	docker(t, append([]string{"pause"}, running(t, s)...)...)
	if err := still.Stop(patient(t)); err != nil || !servicetest.Observed(t, still).Run.Down() {
		t.Errorf("stop of a paused container: %v", err)
	}
}

func TestOnHostAScaledService(t *testing.T) {
	s := newProject(t, map[string]definition{"xuc": web(nil)})
	e := realEngine(t)
	driver := e.Service(s, "")
	at := place{Directory: s.Directory}
	if err := e.compose(patient(t), at, "--project-name", s.Project, "up", "--detach", "--scale", "xuc=3", "xuc"); err != nil {
		t.Fatal(err)
	}
	if seen := servicetest.Observed(t, driver); seen.Run != plan.Running {
		t.Errorf("%+v", seen)
	}
	docker(t, "kill", running(t, s)[0])
	if seen := servicetest.Observed(t, driver); seen.Run != plan.RunUnsure || !strings.Contains(seen.Detail, "2 running") {
		t.Errorf("%+v", seen)
	}
	if err := driver.Stop(patient(t)); err != nil || len(running(t, s)) != 0 {
		t.Errorf("stop: %v", err)
	}
}

// R2: an order that ended well and after which nothing is found is not known to have come
// to nothing: Compose may have named what it made otherwise.
func TestOnHostWhatWasStartedAndIsNotFoundIsNotDown(t *testing.T) {
	s := newProject(t, map[string]definition{"xuc": web(definition{"deploy": definition{"replicas": 0}})})
	driver := realEngine(t).Service(s, t.TempDir())
	if err := driver.Start(patient(t)); err != nil {
		t.Fatal(err)
	}
	if ids := running(t, s); len(ids) != 0 {
		t.Fatalf("%v run: this shows nothing", ids)
	}
	if seen := servicetest.Observed(t, driver); seen.Run != plan.RunUnsure {
		t.Errorf("%+v", seen)
	}
	if err := driver.Stop(patient(t)); err == nil {
		t.Error("it is seen down, although nobody saw what the order made")
	}
}

func TestOnHostMeasureHealing(t *testing.T) {
	s := newProject(t, map[string]definition{"xuc": web(nil)})
	driver := realEngine(t).Service(s, "")
	woken := servicetest.Watched(t, driver)
	if err := driver.Start(patient(t)); err != nil {
		t.Fatal(err)
	}
	var order, whole []time.Duration
	for range 15 {
		l, all, err := driver.containers(patient(t))
		if err != nil {
			t.Fatal(err)
		}
		servicetest.Forget(woken)
		began := time.Now()
		if _, err := l.client.ContainerKill(patient(t), all[0].id, client.ContainerKillOptions{Signal: "SIGKILL"}); err != nil {
			t.Fatal(err)
		}
		for !servicetest.Observed(t, driver).Run.Down() {
			servicetest.Await(t, "the crash", woken)
		}
		order = append(order, time.Since(began))
		if err := driver.Start(patient(t)); err != nil {
			t.Fatal(err)
		}
		whole = append(whole, time.Since(began))
	}
	slices.Sort(order)
	slices.Sort(whole)
	t.Logf("killed to start order: median %v, worst %v; to running: median %v, worst %v", order[7], order[14], whole[7], whole[14])
	began := time.Now()
	const rounds = 200
	for range rounds {
		servicetest.Observed(t, driver)
	}
	t.Logf("one observation: %v", time.Since(began)/rounds)
}

// TestOnMachineAnEngineThatRestarts uses an engine of its own, which needs a
// whole machine.
func TestOnMachineAnEngineThatRestarts(t *testing.T) {
	folder := t.TempDir()
	socket := "unix://" + filepath.Join(folder, "docker.sock")
	archive := filepath.Join(folder, "image.tar")
	docker(t, "save", "--output", archive, os.Getenv(imageVariable))
	t.Setenv("DOCKER_HOST", socket)
	stop := startEngine(t, folder, socket)
	// Registered before the project's removal, so that it comes after it.
	t.Cleanup(func() { stop() })
	docker(t, "load", "--input", archive)
	s := newProject(t, map[string]definition{"xuc": web(nil)})
	driver := realEngine(t).Service(s, "")
	woken := servicetest.Watched(t, driver)
	if err := driver.Start(patient(t)); err != nil {
		t.Fatal(err)
	}
	stop()
	if seen, err := driver.Observe(servicetest.Bounded(t)); err == nil || seen.Run != plan.RunUnsure {
		t.Errorf("without an engine: %+v, %v", seen, err)
	}
	servicetest.Forget(woken)
	stop = startEngine(t, folder, socket)
	servicetest.Await(t, "the wake after the restart", woken)
	if seen := servicetest.Observed(t, driver); !seen.Run.Down() {
		t.Errorf("after the restart: %+v", seen)
	}
	if err := driver.Start(patient(t)); err != nil || servicetest.Observed(t, driver).Run != plan.Running {
		t.Errorf("start: %v", err)
	}
	if err := driver.Stop(patient(t)); err != nil {
		t.Error(err)
	}
}

func startEngine(t *testing.T, folder, socket string) (stop func()) {
	t.Helper()
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	engine := exec.Command("dockerd", "--host", socket, "--data-root", filepath.Join(folder, "data"), "--exec-root", filepath.Join(folder, "exec"),
		"--pidfile", filepath.Join(folder, "pid"), "--bridge", "none", "--iptables=false", "--ip-masq=false", "--storage-driver", "vfs")
	engine.Stdout, engine.Stderr = log, log
	if err := engine.Start(); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	bound := time.After(30 * time.Second)
	for exec.Command("docker", "info").Run() != nil {
		select {
		case <-tick.C:
		case <-bound:
			content, _ := os.ReadFile(log.Name())
			_ = engine.Process.Kill()
			t.Fatalf("the engine does not answer:\n%s", content)
		}
	}
	return func() {
		_ = engine.Process.Signal(syscall.SIGTERM)
		_ = engine.Wait()
	}
}
