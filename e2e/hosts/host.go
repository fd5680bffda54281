//go:build e2e

package hosts

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// StateFolder is the folder of every host that has a small disk of its own: a
// test can fill it, and it survives a reboot.
const StateFolder = "/var/lib/mainstay"

// stateSize is how much fits into StateFolder, in bytes.
const stateSize = 16 << 20

// bootBound is the longest a host may take from power on to a settled systemd.
const bootBound = 4 * time.Minute

// booting lets a few hosts boot at a time: many at once take no less work, and none
// of them would settle within bootBound.
var booting = sync.OnceValue(func() chan struct{} { return make(chan struct{}, 4) })

// Spec says which host to make.
type Spec struct {
	Name    string   // host name, and its name for the other hosts of the network
	Image   Image    // what it is made from
	Network *Network // what it is connected to
	Aliases []string // further names for the other hosts
	Docker  bool     // gives it the machine's Docker engine, for Compose projects
	Engine  *Engine  // gives it this one, at EngineSocket
	// Addresses lets it change its own addresses, as a machine of its own can.
	Addresses bool
}

// Host is a machine with its own systemd. Its methods may be used by several
// goroutines.
type Host struct {
	name      string
	container string
	spec      Spec
	number    int
	folder    string // what the machine keeps for it
	cgroup    string

	mu       sync.Mutex
	pid      int    // first process, as the machine sees it
	since    uint64 // when that process started
	link     *slowLink
	projects []string
}

// Start makes one host and returns when its systemd has settled.
func Start(t testing.TB, spec Spec) *Host {
	t.Helper()
	return StartAll(t, spec)[0]
}

// StartAll makes hosts, all at the same time, and returns in the same order
// when every systemd has settled. They are removed with the test; when it
// failed, what systemd knows of them is logged first.
func StartAll(t testing.TB, specs ...Spec) []*Host {
	t.Helper()
	made := make([]*Host, len(specs))
	results := make(chan error, len(specs))
	for i, spec := range specs {
		made[i] = newHost(spec)
		t.Cleanup(func() { made[i].finish(t) })
		go func() { results <- made[i].create(t.Context()) }()
	}
	var problems []error
	for range specs {
		problems = append(problems, <-results)
	}
	if err := errors.Join(problems...); err != nil {
		t.Fatalf("start hosts: %v", err)
	}
	return made
}

func newHost(spec Spec) *Host {
	number := spec.Network.take()
	container := fmt.Sprintf("%s-%d-%d-%s", Run(), spec.Network.third, number, spec.Name)
	return &Host{
		name: spec.Name, container: container, spec: spec, number: number,
		folder: filepath.Join(runFolder, container),
	}
}

// Name is the host's name.
func (h *Host) Name() string { return h.name }

// IP is the host's address, which it keeps for life.
func (h *Host) IP() string { return h.spec.Network.address(h.number) }

// Container is the host's name in the Docker engine.
func (h *Host) Container() string { return h.container }

func (h *Host) create(ctx context.Context) error {
	image, err := ensure(ctx, h.spec.Image)
	if err != nil {
		return err
	}
	tree, err := cgroupRoot()
	if err != nil {
		return err
	}
	h.cgroup = filepath.Join(tree, h.container)
	if err := h.makeDisk(); err != nil {
		return fmt.Errorf("make the disk of %s: %w", h.name, err)
	}
	turn := booting()
	turn <- struct{}{}
	defer func() { <-turn }()
	args := append([]string{"run", "--detach"}, h.flags(tree)...)
	if _, err := docker(ctx, append(args, image)...); err != nil {
		return err
	}
	return h.settle(ctx)
}

// flags are those of docker run. --privileged would do for most of them, but
// some machines cannot grant it.
func (h *Host) flags(tree string) []string {
	flags := []string{
		"--name", h.container, "--hostname", h.name, "--label", label + "=" + Run(),
		"--network", h.spec.Network.name, "--ip", h.IP(),
		"--network-alias", h.name,
		"--cap-add", "SYS_ADMIN", "--cap-add", "SYS_BOOT",
		"--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
		"--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec",
		"--cgroupns", "host", "--volume", tree + ":/sys/fs/cgroup:rw",
		"--volume", h.disk() + ":" + StateFolder,
		"--env", "container=docker", "--env", "NODE_CGROUP=" + h.container,
		// Without one of its own, systemd takes the machine's for its identity.
		"--env", "container_uuid=" + randomUUID(),
		// A host that reboots itself comes back; one that was killed does not.
		"--restart", "on-failure", "--stop-signal", "SIGRTMIN+3",
	}
	for _, alias := range h.spec.Aliases {
		flags = append(flags, "--network-alias", alias)
	}
	if h.spec.Addresses {
		flags = append(flags, "--cap-add", "NET_ADMIN")
	}
	if h.spec.Docker {
		flags = append(flags, "--volume", engineSocket+":/run/docker.sock")
	}
	if h.spec.Engine != nil {
		flags = append(flags, "--volume", h.spec.Engine.folder+":"+filepath.Dir(EngineSocket))
	}
	return flags
}

// settle waits until systemd has nothing left to do, and fails if it is not
// content with the result.
func (h *Host) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, bootBound)
	defer cancel()
	err := until(ctx, h.name+" has settled", func() (bool, error) {
		state, err := h.Exec(ctx, "systemctl", "is-system-running")
		if state == "degraded" {
			failed, _ := h.Exec(ctx, "systemctl", "--failed", "--plain", "--no-legend")
			return true, fmt.Errorf("failed units: %s", failed)
		}
		return state == "running", err
	})
	return err
}

// process is the first process of the host, as the machine sees it. It is
// asked for again when that process is gone, because a host may reboot by
// itself.
func (h *Host) process(ctx context.Context) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.pid != 0 && startTime(h.pid) == h.since {
		return h.pid, nil
	}
	h.pid = 0
	out, err := docker(ctx, "inspect", "--format", "{{.State.Pid}}", h.container)
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(out)
	if err != nil {
		return 0, err
	}
	if pid == 0 {
		return 0, fmt.Errorf("%s: %w", h.name, ErrDown)
	}
	h.pid, h.since = pid, startTime(pid)
	return pid, nil
}

// ErrDown is what a host that has no power answers.
var ErrDown = errors.New("the host is down")

// finish ends a host's life.
func (h *Host) finish(t testing.TB) {
	ctx, cancel := context.WithTimeout(context.Background(), commandBound)
	defer cancel()
	if t.Failed() {
		t.Logf("%s at the end:\n%s", h.name, h.lastWords(ctx))
	}
	if err := h.remove(ctx); err != nil {
		t.Errorf("remove host %s: %v", h.name, err)
	}
}

// lastWords is what a person needs to see of a host whose test failed.
func (h *Host) lastWords(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if h.cgroup != "" {
		h.thaw(ctx)
	}
	failed, err := h.Exec(ctx, "systemctl", "--failed", "--plain", "--no-legend")
	if err != nil {
		console, _ := docker(ctx, "logs", "--tail", "20", h.container)
		return err.Error() + "\n" + console
	}
	journal, _ := h.Exec(ctx, "journalctl", "--boot", "--no-pager", "--lines=60", "--output=short-precise")
	return failed + "\n" + journal
}

func (h *Host) remove(ctx context.Context) error {
	h.forgetSlowLink()
	var problems []error
	if _, err := docker(ctx, "rm", "--force", "--volumes", h.container); err != nil {
		problems = append(problems, err)
	}
	// Only now nobody is left on the host who might start a container again.
	for _, project := range h.composeProjects() {
		problems = append(problems, removeProject(ctx, project))
	}
	if h.cgroup != "" {
		problems = append(problems, emptyCgroup(ctx, h.cgroup))
	}
	return errors.Join(append(problems, removeFolder(h.folder))...)
}

// randomUUID is a random UUID of version 4.
func randomUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func removeFolder(folder string) error {
	if err := unmountBelow(folder); err != nil {
		return err
	}
	return os.RemoveAll(folder)
}
