package observer

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Containers sees which Compose services run on a Docker engine by what the
// kernel has of them, so that a look is cheap and asks nobody who may lie. Only
// the name of a container never seen before is asked of the engine.
type Containers struct {
	folder string

	mu    sync.Mutex
	names map[string]string // by container id, "project/service"
}

// NewContainers looks at the machine's engine. Nothing is seen where the engine
// keeps its containers' groups in none of the usual places.
func NewContainers() *Containers {
	c := &Containers{names: map[string]string{}}
	defer c.learnAll()
	for _, folder := range []string{"/sys/fs/cgroup/pids/docker", "/sys/fs/cgroup/docker", "/sys/fs/cgroup/system.slice"} {
		if _, err := os.Stat(folder); err == nil {
			c.folder = folder
			break
		}
	}
	return c
}

// learnAll learns the names of all containers that there are, before anybody
// looks.
func (c *Containers) learnAll() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	const format = `{{.ID}} {{.Label "com.docker.compose.project"}}/{{.Label "com.docker.compose.service"}}`
	out, err := exec.CommandContext(ctx, "docker", "ps", "--all", "--no-trunc", "--format", format).Output()
	if err != nil {
		return // each is asked for when it is seen
	}
	for line := range strings.Lines(string(out)) {
		id, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		c.names[id] = name
	}
}

// Runs reports whether a container of a project's service has a process.
func (c *Containers) Runs(project, service string) bool {
	entries, err := os.ReadDir(c.folder)
	if err != nil {
		return false
	}
	for _, e := range entries {
		id := strings.TrimSuffix(strings.TrimPrefix(e.Name(), "docker-"), ".scope")
		if len(id) != 64 || c.name(id) != project+"/"+service {
			continue
		}
		processes, err := os.ReadFile(filepath.Join(c.folder, e.Name(), "cgroup.procs"))
		if err == nil && len(processes) > 0 {
			return true
		}
	}
	return false
}

// name is a container's project and service, or nothing while that is asked for
// in the background: a look must not wait for the engine.
func (c *Containers) name(id string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	name, asked := c.names[id]
	if !asked {
		c.names[id] = ""
		go c.learn(id)
	}
	return name
}

// learn asks the engine for the name of a container. One of another engine has
// none.
func (c *Containers) learn(id string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	const format = `{{index .Config.Labels "com.docker.compose.project"}}/{{index .Config.Labels "com.docker.compose.service"}}`
	out, err := exec.CommandContext(ctx, "docker", "inspect", "--format", format, id).Output()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil && ctx.Err() != nil {
		delete(c.names, id) // asked again
		return
	}
	c.names[id] = strings.TrimSpace(string(out))
}
