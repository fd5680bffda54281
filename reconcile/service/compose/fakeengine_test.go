package compose

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	api "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"mainstay/reconcile/service"
	"mainstay/spec"
)

// fakeEngine answers the part of the Engine API that the driver uses, as an
// engine of version 20.10 does.
type fakeEngine struct {
	address string

	mu         sync.Mutex
	server     *httptest.Server
	containers []*fakeContainer
	streams    map[chan string]struct{}
	requests   map[string]int
	fail       map[string]string // the error of requests whose path ends so
	made       int
}

// fakeContainer is guarded by its engine.
type fakeContainer struct {
	api.InspectResponse
	labels map[string]string
	hangs  bool
}

const project, directory = "xivocc", "/srv/xivocc"

func newFakeEngine(t *testing.T) (*fakeEngine, *Engine) {
	f := &fakeEngine{address: "127.0.0.1:0", streams: map[chan string]struct{}{}, requests: map[string]int{}, fail: map[string]string{}}
	f.goUp(t)
	t.Cleanup(f.goDown)
	e := newEngine(slog.New(slog.DiscardHandler), "", client.WithHost("tcp://"+f.address))
	e.compose = f.up
	t.Cleanup(e.Close)
	return f, e
}

func (f *fakeEngine) goUp(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", f.address)
	if err != nil {
		t.Fatal(err)
	}
	f.address = l.Addr().String()
	server := httptest.NewUnstartedServer(http.HandlerFunc(f.serve))
	server.Listener.Close()
	server.Listener = l
	server.Start()
	f.mu.Lock()
	f.server = server
	f.mu.Unlock()
}

// goDown ends the engine and its streams; containers live on.
func (f *fakeEngine) goDown() {
	f.mu.Lock()
	server := f.server
	f.mu.Unlock()
	server.CloseClientConnections()
	server.Close()
}

func (f *fakeEngine) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Api-Version", "1.41")
	w.Header().Set("Content-Type", "application/json")
	path := strings.TrimPrefix(r.URL.Path, "/v1.41")
	last := path[strings.LastIndexByte(path, '/')+1:]
	f.mu.Lock()
	f.requests[last]++
	failure := f.fail[last]
	f.mu.Unlock()
	if failure != "" {
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, `{"message":%q}`, failure)
		return
	}
	switch {
	case path == "/_ping":
	case path == "/events":
		f.stream(w, r)
	case path == "/containers/json":
		f.list(w, r)
	default:
		f.container(w, r, strings.Split(path, "/"))
	}
}

func (f *fakeEngine) stream(w http.ResponseWriter, r *http.Request) {
	events := make(chan string, 100)
	f.mu.Lock()
	f.streams[events] = struct{}{}
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.streams, events)
		f.mu.Unlock()
	}()
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	for {
		select {
		case e := <-events:
			fmt.Fprintln(w, e)
			w.(http.Flusher).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

// event tells the streams; it is called with the lock held.
func (f *fakeEngine) event(c *fakeContainer, action string) {
	attributes, _ := json.Marshal(c.labels)
	for s := range f.streams {
		s <- fmt.Sprintf(`{"Type":"container","Action":%q,"Actor":{"ID":%q,"Attributes":%s}}`, action, c.ID, attributes)
	}
}

func (f *fakeEngine) list(w http.ResponseWriter, r *http.Request) {
	var filters map[string]map[string]bool
	_ = json.Unmarshal([]byte(r.URL.Query().Get("filters")), &filters)
	f.mu.Lock()
	defer f.mu.Unlock()
	all := []api.Summary{}
	for _, c := range f.containers {
		fits := true
		for want := range filters["label"] {
			name, value, _ := strings.Cut(want, "=")
			fits = fits && c.labels[name] == value
		}
		if fits {
			all = append(all, api.Summary{ID: c.ID, State: c.State.Status, Labels: c.labels})
		}
	}
	_ = json.NewEncoder(w).Encode(all)
}

// container answers /containers/ID/VERB.
func (f *fakeEngine) container(w http.ResponseWriter, r *http.Request, path []string) {
	f.mu.Lock()
	i := slices.IndexFunc(f.containers, func(c *fakeContainer) bool { return c.ID == path[2] })
	if i < 0 {
		f.mu.Unlock()
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"message":"No such container"}`)
		return
	}
	c := f.containers[i]
	defer f.mu.Unlock()
	switch path[3] {
	case "json":
		_ = json.NewEncoder(w).Encode(c.InspectResponse)
	case "unpause":
		f.enter(c, api.StateRunning, 0, "unpause")
	case "restart":
		f.enter(c, api.StateRunning, 0, "start")
	case "kill":
		f.enter(c, api.StateExited, exitKilled, "die")
	case "stop":
		if c.State.Running || c.State.Status == api.StateRestarting {
			f.stop(c, r.Context())
		}
	case "update":
		var change api.UpdateConfig
		_ = json.NewDecoder(r.Body).Decode(&change)
		c.HostConfig.RestartPolicy = change.RestartPolicy
		f.event(c, "update")
		fmt.Fprint(w, "{}")
	}
}

// stop answers when the container is down; it is called with the lock held.
func (f *fakeEngine) stop(c *fakeContainer, ctx context.Context) {
	if !c.hangs {
		f.enter(c, api.StateExited, exitTerminated, "die")
		return
	}
	f.mu.Unlock()
	<-ctx.Done()
	f.mu.Lock()
}

// enter is called with the lock held.
func (f *fakeEngine) enter(c *fakeContainer, state api.ContainerState, exit int, action string) {
	c.State.Status, c.State.ExitCode = state, exit
	c.State.Running = state == api.StateRunning
	c.State.Pid = 0
	c.State.FinishedAt = time.Now().Format(time.RFC3339Nano)
	if c.State.Running {
		c.State.StartedAt = c.State.FinishedAt
		f.made++
		c.State.Pid = 1000 + f.made
	}
	f.event(c, action)
}

// change is enter for tests.
func (f *fakeEngine) change(c *fakeContainer, state api.ContainerState, exit int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.enter(c, state, exit, "start")
}

// restart is the engine started anew: it starts what its policies say.
func (f *fakeEngine) restart(t *testing.T) {
	t.Helper()
	f.goDown()
	f.mu.Lock()
	for _, c := range f.containers {
		if c.HostConfig.RestartPolicy.IsAlways() {
			f.enter(c, api.StateRunning, 0, "start")
		}
	}
	f.mu.Unlock()
	f.goUp(t)
}

// add makes a container of a service, not started.
func (f *fakeEngine) add(name string) *fakeContainer {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.made++
	c := &fakeContainer{labels: map[string]string{
		labelProject: project, labelService: name, labelOneOff: "False", labelDirectory: directory, labelFiles: "docker-compose.yml",
	}}
	c.ID, c.Name = fmt.Sprintf("id%d", f.made), fmt.Sprintf("/%s_%s_%d", project, name, f.made)
	c.State, c.HostConfig = &api.State{Status: api.StateCreated}, &api.HostConfig{}
	f.containers = append(f.containers, c)
	f.event(c, "create")
	return c
}

// up is what Compose does: it makes a container if there is none, and starts
// those that the engine does not count as started.
func (f *fakeEngine) up(ctx context.Context, at place, args ...string) error {
	if err := service.Ended(ctx); err != nil {
		return err
	}
	name := args[len(args)-1]
	found := f.of(name)
	if len(found) == 0 {
		found = append(found, f.add(name))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests["up in "+at.Directory]++
	for _, c := range found {
		if c.State.Status != api.StateRunning && c.State.Status != api.StateRestarting {
			f.enter(c, api.StateRunning, 0, "start")
		}
		if c.State.Error != "" {
			f.enter(c, api.StateExited, 127, "die")
		}
	}
	return nil
}

func (f *fakeEngine) of(name string) []*fakeContainer {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []*fakeContainer
	for _, c := range f.containers {
		if c.labels[labelService] == name {
			found = append(found, c)
		}
	}
	return found
}

func (f *fakeEngine) count(request string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests[request]
}

// alive tells whether any container of a service runs.
func (f *fakeEngine) alive(name string) bool {
	found := f.of(name)
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(found, func(c *fakeContainer) bool { return c.State.Running })
}

func xuc(e *Engine) *Service {
	return e.Service(spec.ComposeService{Project: project, Service: "xuc"}, "")
}
