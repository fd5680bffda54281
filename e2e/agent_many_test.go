//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"mainstay/e2e/hosts"
)

const (
	manyUnits      = 30
	manyContainers = 10
)

// crowd is a node with many services, whose Docker engine may be broken.
type crowd struct {
	*site
	host       *hosts.Host
	engine     *hosts.Engine
	containers []container // by number
}

// The parts follow on each other, and each ends with everything running.
func TestANodeOfManyServices(t *testing.T) {
	c := newCrowd(t)
	for _, part := range []struct {
		name string
		play func(*testing.T, *crowd)
	}{
		{"an idle agent needs little", idles},
		{"fifty killed units are started again at once", healsUnits},
		{"fifty killed containers are started again at once", healsContainers},
		{"a bus that goes away hides nothing", outlivesTheBus},
		{"an engine that goes away hides nothing", outlivesTheEngine},
	} {
		inner := *c
		if !t.Run(part.name, func(t *testing.T) { inner.site = c.site.in(t); part.play(t, &inner) }) {
			return
		}
	}
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	c := &crowd{engine: hosts.StartEngine(t)}
	c.site = newSite(t, hosts.Spec{Name: "many", Image: hosts.Node, Engine: c.engine})
	c.host = c.nodes["many"]
	c.host.Put(t, "/etc/systemd/system/many@.service", standIn)
	c.host.Put(t, "/etc/systemd/system/"+hosts.AgentUnit+".d/engine.conf",
		"[Service]\nEnvironment=DOCKER_HOST=unix://"+hosts.EngineSocket+"\n")
	var services []hosts.Service
	for i := range manyContainers {
		services = append(services, hosts.Service{Name: fmt.Sprintf("c%d", i), Port: freePort(t), Text: "up"})
	}
	project := c.engine.NewProject(t, "crowd", services...)
	text, err := os.ReadFile(project.File)
	if err != nil {
		t.Fatal(err)
	}
	c.host.Put(t, "/srv/crowd/docker-compose.yml", string(text))
	c.commit("Many services", map[string]string{"deployment.yaml": c.document()})
	c.install("many", `{ systemd: ["many@*.service"], compose: [crowd=/srv/crowd] }`)
	timed(t, "all services are started", func() { c.awaitStatus("many", "Active") })
	for i := range manyContainers {
		ids := project.Containers(t, fmt.Sprintf("c%d", i))
		if len(ids) != 1 {
			t.Fatalf("c%d has the containers %q", i, ids)
		}
		c.containers = append(c.containers, container{c.engine.Socket(), ids[0]})
	}
	return c
}

// document lists the units first, then the containers.
func (c *crowd) document() string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: mainstay/v1\nkind: Deployment\nname: crowd\nactive: main\nagent: { poll: 5s }\n"+
		"nodes:\n  many: { role: many, side: main, address: %s }\n"+
		"roles:\n  many:\n    exclusive: true\n    services:\n", c.host.IP())
	for i := range manyUnits {
		fmt.Fprintf(&b, "      - { name: u%d, systemd: many@%d.service }\n", i, i)
	}
	for i := range manyContainers {
		fmt.Fprintf(&b, "      - { name: c%d, compose: { project: crowd, service: c%d, directory: /srv/crowd } }\n", i, i)
	}
	return b.String()
}

func manyUnit(i int) string { return fmt.Sprintf("many@%d.service", i) }

// manyGroup is where the control group of a template's instance is.
func manyGroup(i int) string { return "system-many.slice/" + manyUnit(i) }

// idles prints what the agent needs for itself. Nothing here is asserted but
// that it was measured.
func idles(t *testing.T, c *crowd) {
	const span = 20 * time.Second
	pids, err := c.host.Processes(hosts.AgentUnit)
	if err != nil || len(pids) != 1 {
		t.Fatalf("the agent's processes are %v: %v", pids, err)
	}
	before, began := processorTime(t, pids[0]), time.Now()
	over := time.NewTimer(span)
	defer over.Stop()
	<-over.C
	used, took := processorTime(t, pids[0])-before, time.Since(began)
	t.Logf("idle, %d units and %d containers, poll 5s: %.0f ms CPU a minute (%.2f %% of a core), resident %s, most %s",
		manyUnits, manyContainers, milliseconds(used)*float64(time.Minute)/float64(took), 100*float64(used)/float64(took),
		memory(t, pids[0], "VmRSS"), memory(t, pids[0], "VmHWM"))
}

// processorTime is what the threads of a process have used of the processors.
func processorTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("process %d has no threads: %v", pid, err)
	}
	var used time.Duration
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			t.Fatal(err)
		}
		ran, _, _ := strings.Cut(string(text), " ")
		nanoseconds, err := strconv.Atoi(ran)
		if err != nil {
			t.Fatal(err)
		}
		used += time.Duration(nanoseconds)
	}
	return used
}

func memory(t *testing.T, pid int, what string) string {
	t.Helper()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), what+":")
	line, _, _ := strings.Cut(after, "\n")
	return strings.TrimSpace(line)
}

func healsUnits(t *testing.T, c *crowd) {
	const kills = 50
	var ordered, begun []time.Duration
	for n := range kills {
		i := n % manyUnits
		c.awaitBackOff(i, n/manyUnits)
		killed := killUnit(t, c.host, manyGroup(i))
		begun = append(begun, c.awaitStarted(i, killed))
		ordered = append(ordered, c.ordered(i, killed).Sub(killed))
	}
	figures(t, "unit killed -> the agent orders its start", ordered)
	figures(t, "unit killed -> systemd starts it", begun)
	c.awaitStatus("many", "Active")
}

func healsContainers(t *testing.T, c *crowd) {
	const kills, rounds = 50, 3
	var ordered, begun []time.Duration
	for n := range kills {
		i, round := n%manyContainers, n/manyContainers
		if i == 0 && round == rounds {
			c.forgetDeaths()
		}
		c.awaitBackOff(manyUnits+i, round%rounds)
		one := c.containers[i]
		killed := one.kill(t)
		eventually(t, "the container runs again", func() bool { return one.startedAt(t).After(killed) })
		ordered = append(ordered, c.ordered(manyUnits+i, killed).Sub(killed))
		begun = append(begun, one.startedAt(t).Sub(killed))
	}
	figures(t, "container killed -> the agent orders its start", ordered)
	figures(t, "container killed -> the engine starts it", begun)
	c.awaitStatus("many", "Active")
}

// awaitStarted waits until a unit that was killed is started, and returns how
// long that took.
func (c *crowd) awaitStarted(i int, killed time.Time) time.Duration {
	c.t.Helper()
	var at time.Time
	eventually(c.t, manyUnit(i)+" is started again", func() bool {
		at = startedAt(c.t, c.host, manyUnit(i))
		return at.After(killed)
	})
	return at.Sub(killed)
}

// ordered is when the agent first ordered the start of a service after a moment.
func (c *crowd) ordered(index int, moment time.Time) time.Time {
	c.t.Helper()
	starts := c.starts("many", index, moment)
	if len(starts) == 0 {
		c.t.Fatalf("no start of service %d is explained", index)
	}
	return starts[0]
}

// awaitBackOff waits until a service that died so often before would be started
// at once.
func (c *crowd) awaitBackOff(index, deaths int) {
	c.t.Helper()
	c.awaits("many", "Active, and its back-off over", func(r report) bool {
		starts := c.starts("many", index, time.Time{})
		return r.Status == "Active" && (len(starts) == 0 || time.Since(starts[len(starts)-1]) > time.Second<<deaths)
	})
}

// forgetDeaths takes the agent's memory away, and with it the back-off of services
// that died often. It finds everything running and goes on (R5).
func (c *crowd) forgetDeaths() {
	c.t.Helper()
	c.host.Must(c.t, "systemctl", "stop", hosts.AgentUnit)
	c.host.Must(c.t, "rm", hosts.StateFolder+"/memory.state")
	c.host.Must(c.t, "systemctl", "start", hosts.AgentUnit)
	c.awaitStatus("many", "Active")
}

// outlivesTheBus kills units while the message bus is away, and while systemd
// is another process than before.
func outlivesTheBus(t *testing.T, c *crowd) {
	c.host.Must(t, "systemctl", "kill", "--signal=SIGKILL", "dbus.service")
	killed := killUnit(t, c.host, manyGroup(0))
	t.Logf("%-44s %7.2f s", "bus killed, unit started again after", c.awaitStarted(0, killed).Seconds())
	c.host.Must(t, "systemctl", "restart", "dbus.service")
	killed = killUnit(t, c.host, manyGroup(1))
	t.Logf("%-44s %7.2f s", "bus restarted, unit started again after", c.awaitStarted(1, killed).Seconds())
	killed = killUnit(t, c.host, manyGroup(2))
	c.host.Must(t, "systemctl", "daemon-reexec")
	t.Logf("%-44s %7.2f s", "systemd reexecuted, unit started again after", c.awaitStarted(2, killed).Seconds())
	c.awaitStatus("many", "Active")
}

// outlivesTheEngine restarts the engine, which ends its containers, and then
// kills it, and a container while it is away.
func outlivesTheEngine(t *testing.T, c *crowd) {
	timed(t, "stop the engine and start it again", func() { c.engine.Stop(t); c.engine.Start(t) })
	timed(t, "all containers run again", func() {
		c.awaitRunning(manyContainers)
		c.awaitStatus("many", "Active")
	})
	victim := c.containers[0].pid(t)
	c.engine.Kill(t)
	if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	c.engine.Start(t)
	timed(t, "the one killed meanwhile runs again", func() {
		c.awaitRunning(manyContainers)
		c.awaitStatus("many", "Active")
	})
}

// awaitRunning waits until so many containers run.
func (c *crowd) awaitRunning(n int) {
	c.t.Helper()
	c.awaits("many", fmt.Sprintf("running %d containers", n), func(report) bool {
		ids, err := c.engine.Docker(c.t.Context(), "ps", "--quiet")
		return err == nil && len(strings.Fields(ids)) == n
	})
}
