//go:build e2e

package etcd_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"mainstay/e2e/etcdserver"
	"mainstay/e2e/gitserver"
)

// twoSides is a document of two sides whose service is a process.
const twoSides = `apiVersion: mainstay/v1
kind: Deployment
name: paris
active: main
agent: { poll: POLL, timeout: 10s }
handover: { wait: 20s, unconfirmed: hold }
nodes:
  xivo-main: { role: xivo, side: main, address: 127.0.0.1 }
  xivo-standby: { role: xivo, side: standby, address: 127.0.0.1 }
roles:
  xivo:
    exclusive: true
    services:
      - { name: pbx, process: { command: [sleep, "86400"] }, stopTimeout: 5s }
`

// site is a repository, a cluster, and agents of both sides.
type site struct {
	t                                 testing.TB
	cluster                           *etcdserver.Cluster
	bare, work, program, url, options string
	// repository is where the agents read the document, bare if empty.
	repository, poll string
	// document is twoSides if empty.
	document string
	// more is what a node's own file says besides.
	more          string
	main, standby *agent
}

// agent is a real one.
type agent struct {
	t               testing.TB
	program, folder string
	process         *exec.Cmd
}

func newSite(t testing.TB, c *etcdserver.Cluster, poll string) *site {
	t.Helper()
	s := &site{t: t, cluster: c, bare: gitserver.Bare(t), work: t.TempDir(), url: c.URL("voice"), poll: poll}
	s.program = filepath.Join(t.TempDir(), "mainstay")
	if out, err := exec.Command("go", "build", "-o", s.program, "mainstay/cmd/mainstay").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	gitserver.Git(t, s.work, "init", "--quiet", "--initial-branch=main")
	s.declare("main")
	return s
}

// declare commits a side.
func (s *site) declare(side string) {
	s.t.Helper()
	text := strings.NewReplacer("active: main", "active: "+side, "POLL", s.poll).Replace(cmp.Or(s.document, twoSides))
	if err := os.WriteFile(filepath.Join(s.work, "deployment.yaml"), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	gitserver.Git(s.t, s.work, "add", "-A")
	gitserver.Git(s.t, s.work, "commit", "--quiet", "--allow-empty", "-m", "Declare "+side)
	gitserver.Git(s.t, s.work, "push", "--quiet", s.bare, "HEAD:refs/heads/main")
}

// begin starts both agents, and waits until main serves.
func (s *site) begin() {
	s.t.Helper()
	s.main, s.standby = s.agentOf("xivo-main"), s.agentOf("xivo-standby")
	s.main.until("serving", func() bool { return s.main.serves() > 0 })
}

func (s *site) agentOf(node string) *agent {
	s.t.Helper()
	a := &agent{t: s.t, program: s.program, folder: s.t.TempDir()}
	config := fmt.Sprintf("node: %s\nrepository: { url: %q }\ncoordination: { url: %q%s }\nallow: { commands: [[sleep, \"*\"]] }\nlisten: off\nstate: %q\nsocket: %q\n",
		node, cmp.Or(s.repository, s.bare), s.url, strings.ReplaceAll(s.options, "NODE", node), filepath.Join(a.folder, "state"), filepath.Join(a.folder, "s")) + s.more
	if err := os.WriteFile(filepath.Join(a.folder, "agent.yaml"), []byte(config), 0o600); err != nil {
		s.t.Fatal(err)
	}
	a.start()
	s.t.Cleanup(func() {
		a.stop()
		if pid := a.serves(); pid > 0 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		if b, err := os.ReadFile(filepath.Join(a.folder, "log")); err == nil && s.t.Failed() {
			s.t.Logf("%s:\n%s", node, b)
		}
	})
	return a
}

func (a *agent) start() {
	a.t.Helper()
	log, err := os.OpenFile(filepath.Join(a.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		a.t.Fatal(err)
	}
	a.process = exec.Command(a.program, "agent", "--config", filepath.Join(a.folder, "agent.yaml"))
	a.process.Stderr = log
	if err := a.process.Start(); err != nil {
		a.t.Fatal(err)
	}
}

func (a *agent) stop() {
	_ = a.process.Process.Signal(syscall.SIGTERM)
	_ = a.process.Wait()
}

// serves is the process of the service, 0 when there is none.
func (a *agent) serves() int {
	var record struct{ PID int }
	b, err := os.ReadFile(filepath.Join(a.folder, "state", "services", "pbx", "process.json"))
	if err != nil || json.Unmarshal(b, &record) != nil || record.PID == 0 {
		return 0
	}
	state, err := os.ReadFile("/proc/" + strconv.Itoa(record.PID) + "/stat")
	if err != nil || strings.Contains(string(state), ") Z ") {
		return 0
	}
	return record.PID
}

// says is what the agent says of itself.
func (a *agent) says() string {
	out, _ := exec.Command(a.program, "status", "--socket", filepath.Join(a.folder, "s")).CombinedOutput()
	return string(out)
}

// until waits for a state of an agent.
func (a *agent) until(what string, is func() bool) {
	a.t.Helper()
	again, end := time.NewTicker(50*time.Millisecond), time.After(2*time.Minute)
	defer again.Stop()
	for !is() {
		select {
		case <-again.C:
		case <-end:
			a.t.Fatalf("never %s: %s", what, a.says())
		}
	}
}

// handsOver commits a side, and waits until it alone serves.
func (s *site) handsOver(side string) {
	s.t.Helper()
	from, to := s.main, s.standby
	if side == "main" {
		from, to = to, from
	}
	s.declare(side)
	s.watchedUntil("serving as "+side, func() bool { return to.serves() > 0 && from.serves() == 0 })
}

// watchedUntil waits, and fails when both sides serve.
func (s *site) watchedUntil(what string, is func() bool) {
	s.t.Helper()
	s.main.until(what, func() bool {
		if s.main.serves() > 0 && s.standby.serves() > 0 {
			s.t.Fatalf("both sides serve, before %s", what)
		}
		return is()
	})
}

// Agents switch over and back by claims on three members, one of which, the leader, is
// killed in the middle.
func TestAgentsSwitchOnEtcdWhoseLeaderDies(t *testing.T) {
	s := newSite(t, etcdserver.New(t, 3), "300ms")
	s.begin()
	s.handsOver("standby")
	leader := s.cluster.Leader()
	s.cluster.Kill(leader)
	s.handsOver("main")
	s.cluster.Start(leader)
	s.cluster.Ready()
	s.handsOver("standby")
	for _, args := range [][]string{{"status"}, {"history"}} {
		var out []byte
		var err error
		s.watchedUntil("told of by "+args[0], func() bool { // reports make way for the claim
			out, err = exec.Command(s.program, append(args, "--repo", s.bare, "--coordination", s.url)...).CombinedOutput()
			return err == nil
		})
		if err != nil || !strings.Contains(string(out), "standby") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
		if args[0] == "status" && !strings.Contains(string(out), "claims on etcd: 3 of 3 members answer") {
			t.Errorf("nothing is said of the members:\n%s", out)
		}
	}
}

// R5, R7: without a majority whoever serves goes on, and nobody starts; when it is back
// the switch is made.
func TestAgentsWithoutAMajorityOfEtcdServeOnAndNobodyStarts(t *testing.T) {
	s := newSite(t, etcdserver.New(t, 3), "300ms")
	s.begin()
	pid := s.main.serves()
	for _, m := range s.cluster.Members[:2] {
		s.cluster.Kill(m)
	}
	s.declare("standby")
	for _, a := range []*agent{s.main, s.standby} {
		s.watchedUntil("told that claims cannot be read", func() bool { return strings.Contains(a.says(), "CoordinationUnreachable") })
	}
	again := s.standby
	again.stop()
	again.start()
	s.watchedUntil("told so again", func() bool { return strings.Contains(again.says(), "CoordinationUnreachable") })
	if s.main.serves() != pid || s.standby.serves() > 0 {
		t.Errorf("main serves as %d, was %d; standby as %d", s.main.serves(), pid, s.standby.serves())
	}
	for _, m := range s.cluster.Members[:2] {
		s.cluster.Start(m)
	}
	s.watchedUntil("serving as standby", func() bool { return s.standby.serves() > 0 && s.main.serves() == 0 })
}

// One node that is told of a commit is enough: the others hear of it on etcd, and look at
// git long before their next poll. Only the first switch takes a minute: a machine that
// came back listens for a while before it takes over (R3).
func TestOneNodeThatIsToldOfACommitTellsTheOthersOnEtcd(t *testing.T) {
	s := newSite(t, etcdserver.New(t, 3), "5m")
	s.begin()
	for i, side := range []string{"standby", "main", "standby", "main"} {
		from, to, began := s.main, s.standby, time.Now()
		if side == "main" {
			from, to = to, from
		}
		told := []*agent{s.main, s.standby}[i/2] // once the one that takes over, once the other
		s.declare(side)
		if out, err := exec.Command(s.program, "sync", "--socket", filepath.Join(told.folder, "s")).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		s.watchedUntil("serving as "+side, func() bool { return to.serves() > 0 && from.serves() == 0 })
		t.Logf("%s serves %s after the commit", side, time.Since(began).Round(time.Millisecond))
	}
}
