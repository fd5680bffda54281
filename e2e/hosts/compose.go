//go:build e2e

package hosts

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// projectLabel is the label by which Compose marks what belongs to a project.
const projectLabel = "com.docker.compose.project"

// Service is one container of a Compose project. It answers HTTP.
type Service struct {
	Name     string
	Port     int      // where it answers
	Text     string   // what it answers
	After    []string // services that must be started before it
	Check    bool     // the engine watches its health
	Stubborn bool     // it ignores SIGTERM, so that stopping takes the engine's whole grace time
}

// Project is a Compose project on the machine's Docker engine.
type Project struct {
	Name string // for docker compose -p; unlike any other
	File string // path of its file, on the machine or on its host

	engine string // socket of its engine; empty for the machine's
}

// NewProject makes the files of a Compose project on the machine itself. Its
// containers get addresses of the network. Nothing is started; all that ever
// was is removed with the test.
func NewProject(t testing.TB, network *Network, name string, services ...Service) *Project {
	t.Helper()
	text, err := composeFile(t.Context(), "", network.name, services)
	if err != nil {
		t.Fatalf("make project %s: %v", name, err)
	}
	p := &Project{
		Name: fmt.Sprintf("%s-%d-%s", Run(), network.third, name),
		File: filepath.Join(t.TempDir(), "docker-compose.yml"),
	}
	if err := os.WriteFile(p.File, text, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := removeProject(context.Background(), p.Name); err != nil {
			t.Errorf("remove project %s: %v", name, err)
		}
	})
	return p
}

// NewProject makes the files of a Compose project on a host that has Docker.
// Its containers live in the host's network: they answer on the host's own
// address and on its loopback, are cut off with it, and freeze and die with it.
// As on a machine of its own they are not started by the engine after a boot.
func (h *Host) NewProject(t testing.TB, name string, services ...Service) *Project {
	t.Helper()
	text, err := composeFile(t.Context(), "container:"+h.container, "", services)
	if err != nil {
		t.Fatalf("make project %s: %v", name, err)
	}
	p := &Project{Name: h.container + "-" + name, File: "/srv/" + name + "/docker-compose.yml"}
	h.mu.Lock()
	h.projects = append(h.projects, p.Name)
	h.mu.Unlock()
	h.Put(t, p.File, string(text))
	return p
}

func (p *Project) socket() string {
	if p.engine == "" {
		return engineSocket
	}
	return p.engine
}

// Compose runs the machine's docker-compose program on a project whose
// file is on the machine.
func (p *Project) Compose(t testing.TB, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandBound)
	defer cancel()
	program := []string{"env", "DOCKER_HOST=unix://" + p.socket(), "docker-compose", "-p", p.Name, "-f", p.File}
	if _, err := run(ctx, append(program, args...)...); err != nil {
		t.Fatal(err)
	}
}

// Containers lists the running containers of one service by their ids.
func (p *Project) Containers(t testing.TB, service string) []string {
	t.Helper()
	ids, err := docker(t.Context(), "--host", "unix://"+p.socket(), "ps", "--quiet", "--no-trunc",
		"--filter", "label="+projectLabel+"="+p.Name,
		"--filter", "label=com.docker.compose.service="+service)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(ids)
}

// Address is the IP address of a container that has one of its own.
func Address(t testing.TB, container string) string {
	t.Helper()
	address, err := docker(t.Context(), "inspect", "--format",
		"{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// composeFile writes a project's file as JSON, which is YAML too.
func composeFile(ctx context.Context, mode, network string, services []Service) ([]byte, error) {
	image, err := webImage(ctx)
	if err != nil {
		return nil, err
	}
	all := map[string]any{}
	for _, service := range services {
		all[service.Name] = service.definition(image, mode)
	}
	file := map[string]any{"services": all}
	if network != "" {
		file["networks"] = map[string]any{"default": map[string]any{"external": true, "name": network}}
	}
	return json.MarshalIndent(file, "", "  ")
}

func (s Service) definition(image, mode string) map[string]any {
	command := []string{"-listen", fmt.Sprintf(":%d", s.Port), "-text", s.Text}
	if s.Stubborn {
		command = append(command, "-stubborn")
	}
	d := map[string]any{
		"image":   image,
		"command": command,
		"labels":  map[string]string{label: Run()},
	}
	if mode != "" {
		d["network_mode"] = mode
	}
	if len(s.After) > 0 {
		d["depends_on"] = s.After
	}
	if s.Check {
		d["healthcheck"] = map[string]any{
			"test":     []string{"CMD", "/web", "-check", fmt.Sprintf("http://127.0.0.1:%d/", s.Port)},
			"interval": "1s", "timeout": "3s", "retries": 2,
		}
	}
	return d
}

func removeProject(ctx context.Context, name string) error {
	filter := "label=" + projectLabel + "=" + name
	for _, kind := range [][2][]string{
		{{"ps", "--all", "--quiet"}, {"rm", "--force", "--volumes"}},
		{{"network", "ls", "--quiet"}, {"network", "rm"}},
	} {
		ids, err := docker(ctx, append(kind[0], "--filter", filter)...)
		if err != nil {
			return err
		}
		if ids == "" {
			continue
		}
		if _, err := docker(ctx, append(kind[1], strings.Fields(ids)...)...); err != nil {
			return err
		}
	}
	return nil
}

func (h *Host) composeProjects() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.projects)
}

// projectContainers lists the containers of the host's projects that are in a
// state.
func (h *Host) projectContainers(t testing.TB, state string) []string {
	t.Helper()
	var all []string
	for _, project := range h.composeProjects() {
		ids, err := docker(t.Context(), "ps", "--all", "--quiet",
			"--filter", "label="+projectLabel+"="+project, "--filter", state)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.Fields(ids)...)
	}
	return all
}
