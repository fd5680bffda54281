package demo

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"mainstay/reconcile/plan"
)

// within bounds every wait of these tests. It is generous: what is tested is
// what happens, never how fast.
const within = 60 * time.Second

var program string //nolint // built once by TestMain

// TestMain builds the program that the tests run.
func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "mainstay-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "mainstay")
	if out, err := exec.Command("go", "build", "-o", program, "mainstay/cmd/mainstay").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// site is a pair of xivo nodes with real agents, services and a repository.
type site struct {
	*layout
	t      testing.TB
	agents *agents
	head   string
}

// newSite starts a pair and waits until main serves.
func newSite(t testing.TB, change func(*layout)) *site {
	t.Helper()
	p, err := newLayout(Options{Poll: 300 * time.Millisecond})
	must(t, err)
	p.Self, p.Pair, p.Wait = program, true, "2s"
	if change != nil {
		change(p)
	}
	s := &site{layout: p, t: t, agents: &agents{layout: p}}
	t.Cleanup(s.clean)
	must(t, p.writeFiles())
	s.head, err = p.makeRepo(t.Context())
	must(t, err)
	for _, n := range p.nodes() {
		must(t, s.agents.start(n.Name))
	}
	s.converges(s.head)
	return s
}

func (s *site) clean() {
	if s.t.Failed() {
		for _, n := range s.nodes() {
			b, _ := os.ReadFile(filepath.Join(s.node(n.Name), "agent.log"))
			s.t.Logf("log of %s:\n%s", n.Name, b)
		}
	}
	s.agents.stop()
	if err := s.agents.stopServices(context.Background()); err != nil {
		s.t.Error(err)
	}
	os.RemoveAll(s.Dir)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// until waits for a state of the nodes and says what was waited for when it
// does not come.
func (s *site) until(what string, ok func(map[string]plan.Report) bool) map[string]plan.Report {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), within)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		now := map[string]plan.Report{}
		for _, r := range statuses(ctx, s.layout) {
			now[r.Node] = r
		}
		if ok(now) {
			return now
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			var text strings.Builder
			for _, r := range now {
				fmt.Fprintf(&text, "\n%s %v", line(r), r.Conditions)
			}
			s.t.Fatalf("never seen: %s%s", what, text.String())
		}
	}
}

func (s *site) converges(commit string) {
	s.t.Helper()
	s.until("every node as "+commit[:7]+" says", func(m map[string]plan.Report) bool {
		for _, n := range s.nodes() {
			if m[n.Name].Applied != commit {
				return false
			}
		}
		return true
	})
}

// flips commits a side without waiting for it.
func (s *site) flips(side string) string {
	s.t.Helper()
	c, err := s.flip(s.t.Context(), side, "active: "+side)
	must(s.t, err)
	s.head = c
	return c
}

// writes commits another content of a file.
func (s *site) writes(change func(string) string) string {
	s.t.Helper()
	file := filepath.Join(s.work(), "deployment.yaml")
	b, err := os.ReadFile(file)
	must(s.t, err)
	must(s.t, os.WriteFile(file, []byte(change(string(b))), 0o644))
	c, err := s.commit(s.t.Context(), "change the document")
	must(s.t, err)
	s.head = c
	return c
}

// kill ends one agent with SIGKILL.
func (s *site) kill(name string) {
	s.t.Helper()
	p := s.agent(name)
	must(s.t, p.cmd.Process.Kill())
	<-p.done
	s.agents.procs = slices.DeleteFunc(s.agents.procs, func(q *agentProc) bool { return q == p })
}

func (s *site) agent(name string) *agentProc {
	for _, p := range s.agents.procs {
		if p.name == name {
			return p
		}
	}
	s.t.Fatalf("no agent of %s runs", name)
	return nil
}

func (s *site) signal(name string, sig syscall.Signal) {
	s.t.Helper()
	must(s.t, s.agent(name).cmd.Process.Signal(sig))
}

// pids lists the processes of a service by its marker.
func (s *site) pids(node, service string) []int {
	var pids []int
	marker := "MAINSTAY_SERVICE=" + s.Name + "/" + node + "/" + service + "\x00"
	entries, err := os.ReadDir("/proc")
	must(s.t, err)
	for _, e := range entries {
		var pid int
		if _, err := fmt.Sscanf(e.Name(), "%d", &pid); err != nil {
			continue
		}
		f, err := os.Open(filepath.Join("/proc", e.Name(), "environ"))
		if err != nil {
			continue
		}
		b, _ := io.ReadAll(f)
		f.Close()
		if strings.Contains(string(b), marker) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func has(r plan.Report, condition string) bool {
	return slices.ContainsFunc(r.Conditions, func(c plan.Condition) bool { return c.Type == condition })
}
