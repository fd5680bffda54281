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
		if at := s.orderedAfter("xivo-main", 0, killed); !at.IsZero() {
			ordered = append(ordered, at.Sub(killed))
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
		id := project.Containers(t, "xuc")[0]
		killed := killContainer(t, id)
		eventually(t, "xuc runs again", func() bool { return containerStarted(t, id).After(killed) })
		begun = append(begun, containerStarted(t, id).Sub(killed))
		if at := s.orderedAfter("cc-main", 0, killed); !at.IsZero() {
			ordered = append(ordered, at.Sub(killed))
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
	var newest time.Time
	for _, p := range s.passes(node) {
		for _, step := range p.Decision.Steps {
			if step.Do == "start" {
				newest = p.At
			}
		}
	}
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

// startedAt is when systemd last began a unit's main process.
func startedAt(t *testing.T, host *hosts.Host, unit string) time.Time {
	t.Helper()
	text := host.Must(t, "systemctl", "show", "--value", "--timestamp=us+utc", "--property=ExecMainStartTimestamp", unit)
	at, err := time.Parse("Mon 2006-01-02 15:04:05.999999 MST", text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// killContainer kills the first process of a container and returns the moment.
func killContainer(t *testing.T, id string) time.Time {
	t.Helper()
	pid, err := strconv.Atoi(inspect(t, id, "{{.State.Pid}}"))
	if err != nil || pid == 0 {
		t.Fatalf("container %s has no process: %v", id, err)
	}
	moment := time.Now()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	return moment
}

// containerStarted is when the engine last started a container.
func containerStarted(t *testing.T, id string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, inspect(t, id, "{{.State.StartedAt}}"))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func inspect(t *testing.T, id, format string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "docker", "inspect", "--format", format, id).Output()
	if err != nil {
		t.Fatalf("inspect container %s: %v", id, err)
	}
	return strings.TrimSpace(string(out))
}
