//go:build e2e

package e2e

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"mainstay/e2e/hosts"
)

// healsInPlace kills Asterisk and a container on the serving side, a few times
// each: more would take minutes, because of the back-off that a service which
// keeps dying is given.
func healsInPlace(t *testing.T, s *site) {
	const times = 3
	xivo := s.nodes["xivo-main"]
	seq := s.status("xivo-main").Seq
	var ordered, begun, answers []time.Duration
	for i := range times {
		s.awaitCalm("xivo-main", i)
		killed := killUnit(t, xivo, "asterisk.service")
		eventually(t, "Asterisk runs again", func() bool { return startedAt(t, xivo, "asterisk.service").After(killed) })
		eventually(t, "Asterisk answers again", func() bool { return strings.HasPrefix(sipOptions(t, xivo.IP()), "SIP/2.0 ") })
		answers = append(answers, time.Since(killed))
		begun = append(begun, startedAt(t, xivo, "asterisk.service").Sub(killed))
		if starts := s.starts("xivo-main", 0, killed); len(starts) > 0 {
			ordered = append(ordered, starts[0].Sub(killed))
		}
	}
	figures(t, "Asterisk killed -> the agent orders its start", ordered)
	figures(t, "Asterisk killed -> systemd starts it", begun)
	figures(t, "Asterisk killed -> SIP is answered", answers)
	if r := s.awaitStatus("xivo-main", "Active"); r.Seq != seq {
		t.Errorf("healing a crash went from claim %d to %d (R3: it needs none)", seq, r.Seq)
	}
	xivo.Must(t, "systemctl", "kill", "-s", "KILL", "asterisk")
	eventually(t, "Asterisk is seen dead", func() bool { return s.status("xivo-main").Status != "Active" })
	s.awaitStatus("xivo-main", "Active")

	healsAContainer(t, s)
}

func healsAContainer(t *testing.T, s *site) {
	const times = 3
	project := s.projects["cc-main"]
	var ordered, begun []time.Duration
	for i := range times {
		s.awaitCalm("cc-main", i)
		xuc := container{"/var/run/docker.sock", project.Containers(t, "xuc")[0]}
		killed := xuc.kill(t)
		eventually(t, "xuc runs again", func() bool { return xuc.startedAt(t).After(killed) })
		begun = append(begun, xuc.startedAt(t).Sub(killed))
		if starts := s.starts("cc-main", 0, killed); len(starts) > 0 {
			ordered = append(ordered, starts[0].Sub(killed))
		}
	}
	figures(t, "container killed -> the agent orders its start", ordered)
	figures(t, "container killed -> the engine starts it", begun)
	s.awaitStatus("cc-main", "Active")
}

// awaitCalm waits until a node is Active, and has been since its newest start
// for longer than the back-off after this many deaths and the start before them.
func (s *site) awaitCalm(node string, deaths int) {
	s.t.Helper()
	s.awaitStatus(node, "Active")
	starts := s.starts(node, 0, time.Time{})
	newest := starts[len(starts)-1]
	eventually(s.t, "the back-off has passed", func() bool { return time.Since(newest) > time.Second<<deaths })
	s.awaitStatus(node, "Active")
}

// killUnit kills all processes of a unit, as systemctl kill does but without the
// time that program takes, and returns the moment.
func killUnit(t *testing.T, host *hosts.Host, unit string) time.Time {
	t.Helper()
	pids, err := host.Processes(unit)
	if err != nil || len(pids) == 0 {
		t.Fatalf("%s has no processes on %s: %v", unit, host.Name(), err)
	}
	moment := time.Now()
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	return moment
}

// startedAt is when systemd last began a unit's main process. It is zero while
// there is none, and while systemd does not answer.
func startedAt(t *testing.T, host *hosts.Host, unit string) time.Time {
	t.Helper()
	text, err := host.Exec(t.Context(), "systemctl", "show", "--value", "--timestamp=us+utc", "--property=ExecMainStartTimestamp", unit)
	if err != nil || text == "" {
		return time.Time{}
	}
	at, err := time.Parse("Mon 2006-01-02 15:04:05.999999 MST", text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// container is one container on an engine that listens at a socket.
type container struct{ socket, id string }

// kill kills the container's first process and returns the moment.
func (c container) kill(t *testing.T) time.Time {
	t.Helper()
	pid := c.pid(t)
	moment := time.Now()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	return moment
}

// pid is the container's first process, as the machine sees it.
func (c container) pid(t *testing.T) int {
	t.Helper()
	pid, err := strconv.Atoi(c.inspect(t, "{{.State.Pid}}"))
	if err != nil || pid == 0 {
		t.Fatalf("container %s has no process: %v", c.id, err)
	}
	return pid
}

// startedAt is when the engine last started the container.
func (c container) startedAt(t *testing.T) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, c.inspect(t, "{{.State.StartedAt}}"))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func (c container) inspect(t *testing.T, format string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "docker", "--host", "unix://"+c.socket, "inspect", "--format", format, c.id).Output()
	if err != nil {
		t.Fatalf("inspect container %s: %v", c.id, err)
	}
	return strings.TrimSpace(string(out))
}
