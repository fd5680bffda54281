package demo

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// shortLease is for what happens when a lease ends: it is waited for. longLease is
// for what happens within one: a busy machine needs seconds to start an agent, or
// to push.
const (
	shortLease = 4 * time.Second
	longLease  = within
)

// leasedSite serves on main under a lease.
func leasedSite(t *testing.T, lease time.Duration) *site {
	s := newSite(t, nil)
	s.converges(s.writes(func(d string) string {
		if lease == shortLease {
			d = strings.Replace(d, "timeout: 5s", "timeout: 1s", 1)
		}
		return strings.Replace(d, "handover: {", "handover: { lease: "+lease.String()+",", 1)
	}))
	return s
}

// bound is D of R7: how long a seizer waits.
func (s *site) bound() time.Duration {
	return plan.SeizeWait(shortLease, 10*time.Second+spec.WatchdogBound)
}

// guards starts the guard of a node and waits until its agent knows.
func (s *site) guards(name string) *exec.Cmd {
	s.t.Helper()
	log, err := os.OpenFile(filepath.Join(s.node(name), "agent.log"), os.O_APPEND|os.O_WRONLY, 0)
	must(s.t, err)
	defer log.Close()
	c := exec.Command(program, "guard", "--config", s.config(name))
	c.Stdout, c.Stderr = log, log
	must(s.t, c.Start())
	s.t.Cleanup(func() { _, _ = c.Process.Kill(), c.Wait() })
	s.until("a guard beside "+name, func(m map[string]plan.Report) bool { return m[name].Node != "" && !has(m[name], plan.CondNoGuard) })
	return c
}

// falls waits for all services of a node to be down, for as long as a seizer does.
func (s *site) falls(name string) {
	s.t.Helper()
	end := time.NewTimer(s.bound())
	defer end.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	for len(s.pids(name, "asterisk"))+len(s.pids(name, "monit")) > 0 {
		select {
		case <-tick.C:
		case <-end.C:
			s.t.Fatalf("%s serves on %v after its agent was gone", name, s.bound())
		}
	}
	s.t.Logf("%s was down after %.1f s, a seizer waits %.1f s", name, time.Since(began).Seconds(), s.bound().Seconds())
}

// stops ends one agent with SIGTERM.
func (s *site) stops(name string) {
	s.t.Helper()
	p := s.agent(name)
	s.signal(name, syscall.SIGTERM)
	<-p.done
	s.agents.procs = slices.DeleteFunc(s.agents.procs, func(q *agentProc) bool { return q == p })
}

// R7: a lease holds also when the agent is killed, is frozen, or dies again and
// again before git answers.
func TestAGuardObeysTheLeaseOfAnAgentThatIsGone(t *testing.T) {
	for name, gone := range map[string]func(*site){
		"killed": func(s *site) { s.kill("xivo-main") },
		"frozen": func(s *site) {
			s.signal("xivo-main", syscall.SIGSTOP)
			s.t.Cleanup(func() { s.signal("xivo-main", syscall.SIGCONT) })
		},
		"stopped": func(s *site) { s.stops("xivo-main") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := leasedSite(t, shortLease)
			guard := s.guards("xivo-main")
			gone(s)
			s.falls("xivo-main")
			t.Logf("the guard takes %d KiB", residentKiB(guard.Process.Pid))
		})
	}
}

// R7: an agent that is replaced within its lease finds its services running, and
// the guard leaves them alone.
func TestAnUpgradeWithinTheLeaseIsNoOutage(t *testing.T) {
	t.Parallel()
	s := leasedSite(t, longLease)
	s.guards("xivo-main")
	before := s.pids("xivo-main", "asterisk")
	s.stops("xivo-main")
	must(t, s.agents.start("xivo-main"))
	c := s.writes(func(d string) string { return d + "# again\n" })
	s.converges(c)
	if after := s.pids("xivo-main", "asterisk"); !slices.Equal(before, after) {
		t.Errorf("asterisk was restarted: %v, then %v", before, after)
	}
}

// R7: an agent that ends in order without a guard lets go of the lease, or stops
// what runs under it.
func TestAnAgentThatEndsWithoutAGuardLeavesNoLeaseBehind(t *testing.T) {
	t.Parallel()
	s := leasedSite(t, longLease)
	leased := `"lease": "` + spec.Duration(longLease).String() + `"`
	s.until("the missing guard", func(m map[string]plan.Report) bool { return has(m["xivo-main"], plan.CondNoGuard) })
	claim := func() string {
		out, err := exec.CommandContext(t.Context(), "git", "-C", s.repo(), "cat-file", "blob", plan.ClaimRef(s.Name, "xivo")+":claim.json").CombinedOutput()
		must(t, err)
		return string(out)
	}
	if !strings.Contains(claim(), leased) {
		t.Fatal(claim())
	}
	s.stops("xivo-main")
	if !strings.Contains(claim(), `"lease": "0s"`) || len(s.pids("xivo-main", "asterisk")) == 0 {
		t.Errorf("the services run, and nobody obeys the lease: %s", claim())
	}
	must(t, s.agents.start("xivo-main"))
	s.until("the lease again", func(m map[string]plan.Report) bool {
		return has(m["xivo-main"], plan.CondNoGuard) && strings.Contains(claim(), leased)
	})
	must(t, os.Rename(s.repo(), s.repo()+".away"))
	s.stops("xivo-main")
	if left := len(s.pids("xivo-main", "asterisk")) + len(s.pids("xivo-main", "monit")); left > 0 {
		t.Errorf("%d processes serve under a lease that nobody obeys", left)
	}
}

func residentKiB(pid int) int {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmRSS:" {
			n, _ := strconv.Atoi(f[1])
			return n
		}
	}
	return 0
}
