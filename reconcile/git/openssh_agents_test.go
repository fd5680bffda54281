//go:build e2e

package git_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"mainstay/e2e/attack"
	"mainstay/e2e/gitserver"
	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
)

// twoSides is a document of two sides whose service is a process, and of an edge.
const twoSides = `apiVersion: mainstay/v1
kind: Deployment
name: paris
active: main
agent: { poll: 300ms, timeout: 20s }
handover: { wait: 20s, unconfirmed: hold }
nodes:
  xivo-main: { role: xivo, side: main, address: 127.0.0.1 }
  xivo-standby: { role: xivo, side: standby, address: 127.0.0.1 }
  edge: { role: edge }
roles:
  edge: {}
  xivo:
    exclusive: true
    services:
      - { name: pbx, process: { command: [sleep, "86400"] }, stopTimeout: 5s }
`

// sshAgent is a real agent that reaches git over SSH and believes signed claims only.
type sshAgent struct {
	t               *testing.T
	program, folder string
}

// agentOf starts the agent of a node.
func (s served) agentOf(program, node string) sshAgent {
	s.t.Helper()
	a := sshAgent{t: s.t, program: program, folder: s.t.TempDir()}
	config := fmt.Sprintf("node: %s\nrepository: { url: %q, sshKey: %q, knownHosts: %q }\nverify: { nodes: %q }\nallow: { commands: [[sleep, \"*\"]] }\nlisten: off\nstate: %q\nsocket: %q\n",
		node, s.server.URL, s.keys[node], s.server.KnownHosts, s.file, filepath.Join(a.folder, "state"), filepath.Join(a.folder, "s"))
	save(s.t, filepath.Join(a.folder, "agent.yaml"), []byte(config))
	log, err := os.Create(filepath.Join(a.folder, "log"))
	if err != nil {
		s.t.Fatal(err)
	}
	c := exec.Command(program, "agent", "--config", filepath.Join(a.folder, "agent.yaml"))
	c.Stderr = log
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		_ = c.Wait()
		if pid := a.serves(); pid > 0 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		if b, err := os.ReadFile(log.Name()); err == nil && s.t.Failed() {
			s.t.Logf("%s:\n%s", node, b)
		}
	})
	return a
}

// serves is the process of the service, 0 when there is none.
func (a sshAgent) serves() int {
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
func (a sshAgent) says() string {
	out, _ := exec.Command(a.program, "status", "--socket", filepath.Join(a.folder, "s")).CombinedOutput()
	return string(out)
}

// until waits for a state of an agent.
func (a sshAgent) until(what string, is func() bool) {
	a.t.Helper()
	again, end := time.NewTicker(100*time.Millisecond), time.After(patient)
	defer again.Stop()
	for !is() {
		select {
		case <-again.C:
		case <-end:
			a.t.Fatalf("never %s: %s", what, a.says())
		}
	}
}

// agentsBehindSSH are agents of both sides, of which main serves.
func agentsBehindSSH(t *testing.T, hook bool) (s served, main, standby sshAgent) {
	t.Helper()
	s = served{site: newSite(t)}
	if hook {
		s.work = guarded(t, "pre-receive")
	}
	s.server = gitserver.NewSSH(t, s.bare)
	for node, key := range s.keys {
		s.server.Know(t, node, key)
	}
	s.commit(twoSides)
	s.push()
	program := filepath.Join(t.TempDir(), "mainstay")
	if out, err := exec.Command("go", "build", "-o", program, "mainstay/cmd/mainstay").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	main, standby = s.agentOf(program, "xivo-main"), s.agentOf(program, "xivo-standby")
	main.until("serving", func() bool { return main.serves() > 0 })
	return s, main, standby
}

// handsOver commits a side, and waits until it alone serves.
func (s served) handsOver(side string, from, to sshAgent) {
	s.t.Helper()
	s.commit(strings.Replace(twoSides, "active: main", "active: "+side, 1))
	s.push()
	to.until("serving as "+side, func() bool { return to.serves() > 0 })
	if from.serves() > 0 {
		s.t.Errorf("both serve when %s does", side)
	}
}

// Without the hook the server takes what edge's stolen key says, the agents say so
// loudly, and whoever serves goes on serving.
func TestBehindOpenSSHAgentsServeOnAgainstAStolenEdgeKey(t *testing.T) {
	t.Parallel()
	s, main, standby := agentsBehindSSH(t, false)
	pid, good, all := main.serves(), s.ref(claimRef), forgeries()
	for _, what := range []string{"a seizure in standby's name", "a release in main's name"} { // one stops main, the other starts standby
		c := all[what]
		t.Run(what, func(t *testing.T) {
			attack.Row(t, "OpenSSH without the hook", "edge's stolen key pushes "+what+" while agents run", "main serves on, standby starts nothing, both say so")
			change(t, s.over("edge"), c)
			for _, a := range []sshAgent{main, standby} {
				a.until("unable to read the claim", func() bool { return strings.Contains(a.says(), "ClaimUnreadable") })
			}
			if main.serves() != pid || standby.serves() > 0 {
				t.Errorf("main serves as %d, was %d; standby as %d", main.serves(), pid, standby.serves())
			}
			gitserver.Git(t, s.bare, "update-ref", claimRef, good)
			for _, a := range []sshAgent{main, standby} {
				a.until("able to read the claim again", func() bool { return !strings.Contains(a.says(), "ClaimUnreadable") })
			}
		})
	}
	t.Run("report", func(t *testing.T) {
		attack.Row(t, "OpenSSH without the hook", "edge's stolen key reports in main's name that main is down while agents run", "standby starts nothing")
		if _, err := s.over("edge").PublishReport(ctx(t), reportOf("xivo-main"), report("xivo-main", plan.Inactive), s.ref(reportOf("xivo-main"))); err != nil {
			t.Fatal(err)
		}
		standby.until("unable to read the report", func() bool { return strings.Contains(standby.says(), "ReportUnreadable") })
		if main.serves() != pid || standby.serves() > 0 {
			t.Errorf("main serves as %d, was %d; standby as %d", main.serves(), pid, standby.serves())
		}
	})
	s.handsOver("standby", main, standby)
	s.handsOver("main", standby, main)
}

// With the hook the server refuses all of it, and agents switch over and back.
func TestBehindOpenSSHAgentsSwitchThroughTheHook(t *testing.T) {
	t.Parallel()
	s, main, standby := agentsBehindSSH(t, true)
	pid, before := main.serves(), s.ref(claimRef)
	for what, c := range forgeries() {
		if _, err := s.over("edge").PushClaim(ctx(t), claimRef, plan.Push{Parent: before, Claim: c}); !errors.Is(err, failure.ErrRefused) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := s.over("edge").PublishReport(ctx(t), reportOf("xivo-main"), report("xivo-main", plan.Inactive), s.ref(git.ReportRef("paris", "xivo-main"))); !errors.Is(err, failure.ErrRefused) {
		t.Errorf("a report in main's name: %v", err)
	}
	if main.serves() != pid || s.ref(claimRef) != before {
		t.Errorf("main serves as %d, was %d; the claim is %s, was %s", main.serves(), pid, s.ref(claimRef), before)
	}
	s.handsOver("standby", main, standby)
	s.handsOver("main", standby, main)
}
