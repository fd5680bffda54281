package demo

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mainstay/e2e/gitserver"
)

// benchSwitches is how many changes of side a benchmark takes the median of.
const benchSwitches = 20

// benchPolled is the same where each takes as long as a poll.
const benchPolled = 14

// BenchmarkSwitchNotified measures a planned switch of the whole demo with
// notifications: from the push until the new side is Active and the old one was
// seen stopped, the services' own stop and start included.
func BenchmarkSwitchNotified(b *testing.B) { benchSwitch(b, benchSwitches, true) }

// BenchmarkSwitchPolled measures the same with default polling and nobody told.
func BenchmarkSwitchPolled(b *testing.B) { benchSwitch(b, benchPolled, false) }

func benchSwitch(b *testing.B, count int, notify bool) {
	for b.Loop() {
		handed, err := switches(b, count, notify)
		if err != nil {
			b.Fatal(err)
		}
		// The first comes while the agents are new, and the side that takes over listens
		// for two polls before it says that it is ready (R3).
		b.ReportMetric(handed[0].Seconds(), "s/first")
		handed = handed[1:]
		slices.Sort(handed)
		b.ReportMetric(handed[len(handed)/2].Seconds(), "s/switch")
		b.ReportMetric(handed[len(handed)-1].Seconds(), "s/worst")
	}
}

// switches plays the demo and returns how long each handover took.
func switches(b *testing.B, count int, notify bool) ([]time.Duration, error) {
	p, err := newLayout(Options{Poll: 5 * time.Second, Notify: notify})
	if err != nil {
		return nil, err
	}
	p.Self = program
	s := &story{layout: p, board: newBoard(Options{Out: io.Discard}), options: Options{Switches: count, Within: time.Minute, Notify: notify, Poll: 5 * time.Second}}
	defer func() { _ = s.clean(false) }()
	if err := s.play(b.Context()); err != nil {
		return nil, err
	}
	var handed []time.Duration
	for _, sw := range s.switches {
		handed = append(handed, sw.Handed)
	}
	return handed, nil
}

// healRounds is how often BenchmarkHeal kills each of two services.
const healRounds = 10

// BenchmarkHeal measures from the kill of an active service until the agent
// gave the order to start it again, by the agent's own log. It changes sides
// between two rounds, so that the back-off of a service that keeps dying, which
// is not what is measured, begins anew.
func BenchmarkHeal(b *testing.B) {
	s := newSite(b, nil)
	for b.Loop() {
		var took []time.Duration
		for i := range healRounds {
			side := []string{"main", "standby"}[i%2]
			took = append(took, s.killAndTime("xivo-"+side, "monit"), s.killAndTime("xivo-"+side, "asterisk"))
			s.converges(s.flips([]string{"standby", "main"}[i%2]))
		}
		slices.Sort(took)
		b.ReportMetric(took[len(took)/2].Seconds(), "s/heal")
		b.ReportMetric(took[len(took)-1].Seconds(), "s/worst")
	}
}

// killAndTime kills a service and returns how long the order to start it took.
func (s *site) killAndTime(node, service string) time.Duration {
	s.t.Helper()
	watch(s.t.(*testing.B), time.Second) // a service that dies within its first second is in back-off
	pids := s.pids(node, service)
	killed := time.Now()
	must(s.t, syscall.Kill(pids[0], syscall.SIGKILL))
	s.restarts(node, service, pids[0])
	ordered := s.lastStart(node)
	if ordered.Before(killed.Truncate(time.Millisecond)) {
		s.t.Fatalf("no order after the kill: %s before %s", ordered, killed)
	}
	return ordered.Sub(killed)
}

var startLine = regexp.MustCompile(`time=(\S+) .*msg=step do=start`)

// lastStart is when the agent last ordered a start.
func (s *site) lastStart(node string) time.Time {
	b, err := os.ReadFile(filepath.Join(s.node(node), "agent.log"))
	must(s.t, err)
	all := startLine.FindAllSubmatch(b, -1)
	at, err := time.Parse(time.RFC3339Nano, string(all[len(all)-1][1]))
	must(s.t, err)
	return at
}

// idleTime is how long BenchmarkIdleAgent watches, once an agent has given back what its
// start needed, which takes startTime at most.
const (
	idleTime  = time.Minute
	startTime = 15 * time.Second
)

// BenchmarkIdleAgent measures a whole agent that has nothing to do, polling a
// git server over HTTP every five seconds: its share of a core and its memory.
func BenchmarkIdleAgent(b *testing.B) {
	s := newSite(b, func(p *layout) {
		p.Poll, p.Pace, p.Remote = "5s", "", gitserver.HTTP(b, p.repo())
	})
	pid := s.agent("xivo-main").cmd.Process.Pid
	watch(b, startTime)
	for b.Loop() {
		before := cpu(b, pid)
		watch(b, idleTime)
		used := cpu(b, pid) - before
		b.ReportMetric(100*used.Seconds()/idleTime.Seconds(), "%core")
		b.ReportMetric(resident(b, pid), "MB")
	}
}

// watch lets time pass, unless the benchmark ends first.
func watch(b *testing.B, d time.Duration) {
	select {
	case <-time.After(d):
	case <-b.Context().Done():
	}
}

// cpu is what a process has used, to the nanosecond, and children that it waited for, to
// the tick of 10 ms.
func cpu(tb testing.TB, pid int) time.Duration {
	const ofAllThreads = 2 // CPUCLOCK_SCHED, as clock_getcpuclockid(3) builds a clock
	var own unix.Timespec
	must(tb, unix.ClockGettime(int32(^pid)<<3|ofAllThreads, &own))
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	must(tb, err)
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	var ticks int64
	for _, field := range f[13:15] {
		n, err := strconv.ParseInt(field, 10, 64)
		must(tb, err)
		ticks += n
	}
	return time.Duration(own.Nano()) + time.Duration(ticks)*10*time.Millisecond
}

// resident is a process's memory in MB.
func resident(tb testing.TB, pid int) float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(tb, err)
	var kb float64
	for line := range strings.SplitSeq(string(b), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			_, err := fmt.Sscanf(rest, "%f kB", &kb)
			must(tb, err)
		}
	}
	return kb / 1024
}
