package demo

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"mainstay/reconcile/gitcmd"
	"mainstay/reconcile/plan"
)

// Section 7, document invalid: the accepted one stays, every problem is told
// with its line, nothing is touched, and the next good commit goes through.
func TestBrokenDocumentTouchesNothing(t *testing.T) {
	s := newSite(t, nil)
	before := s.pids("xivo-main", "asterisk")
	s.writes(func(d string) string { return strings.Replace(d, "active: main", "active: mian", 1) })
	m := s.until("the problem in both reports", func(m map[string]plan.Report) bool {
		return has(m["xivo-main"], plan.CondDocumentInvalid) && has(m["xivo-standby"], plan.CondDocumentInvalid)
	})
	if got := m["xivo-main"].Conditions; !strings.Contains(got[len(got)-1].Message, "deployment.yaml:4:") {
		t.Errorf("the condition does not name the line: %v", got)
	}
	if after := s.pids("xivo-main", "asterisk"); !slices.Equal(before, after) || m["xivo-main"].Status != plan.Active {
		t.Errorf("services were touched: pids %v, then %v; %s", before, after, m["xivo-main"].Status)
	}
	s.converges(s.writes(func(d string) string { return strings.Replace(d, "active: mian", "active: standby", 1) }))
}

// R5: without git the active side keeps serving and healing.
func TestRemoteGoneKeepsServingAndHealing(t *testing.T) {
	s := newSite(t, nil)
	must(t, os.Rename(s.repo(), s.repo()+".away"))
	s.until("git reported out of reach", func(m map[string]plan.Report) bool { return has(m["xivo-main"], plan.CondGitUnreachable) })
	s.heals("xivo-main", "asterisk")
	must(t, os.Rename(s.repo()+".away", s.repo()))
	s.converges(s.flips("standby"))
}

// heals kills a service's process and waits for another one to serve.
func (s *site) heals(node, service string) {
	s.t.Helper()
	old := s.pids(node, service)
	if len(old) == 0 {
		s.t.Fatalf("%s does not run on %s", service, node)
	}
	for _, pid := range old {
		must(s.t, syscall.Kill(pid, syscall.SIGKILL))
	}
	s.restarts(node, service, old[0])
}

// restarts waits for another process of a service than the one that was killed.
func (s *site) restarts(node, service string, killed int) {
	s.t.Helper()
	s.until(service+" started again on "+node, func(m map[string]plan.Report) bool {
		now := s.pids(node, service)
		return len(now) > 0 && !slices.Contains(now, killed) && m[node].Status == plan.Active
	})
}

// Section 7: a service that dies on the active node is started again, and one
// started by hand on the inactive node is stopped again.
func TestDriftIsHealedBothWays(t *testing.T) {
	s := newSite(t, nil)
	s.heals("xivo-main", "asterisk")
	c := exec.Command(program, "demo-service", "http", s.Address(12)+":2812", "by hand")
	c.Env = append(os.Environ(), "MAINSTAY_SERVICE="+s.Name+"/xivo-standby/monit")
	must(t, c.Start())
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	select {
	case <-ended:
	case <-time.After(within):
		t.Error("what was started by hand on the inactive side still runs")
		_ = c.Process.Kill()
	}
}

// Section 5: a branch that does not descend from the accepted commit is
// refused, until a descendant appears or a person accepts it.
func TestRewrittenHistoryIsRefused(t *testing.T) {
	s := newSite(t, nil)
	good := s.head
	_, err := s.git(t.Context(), gitcmd.Git("checkout", "--quiet", "--orphan", "other"))
	must(t, err)
	file := filepath.Join(s.work(), "deployment.yaml")
	b, err := os.ReadFile(file)
	must(t, err)
	must(t, os.WriteFile(file, activeWord.ReplaceAll(b, []byte("${1}standby")), 0o644))
	for _, args := range [][]string{{"add", "--all"}, {"commit", "--quiet", "-m", "rewritten"}, {"push", "--quiet", "--force", "origin", "other:main"}} {
		_, err := s.git(t.Context(), gitcmd.Git(args[0], args[1:]...))
		must(t, err)
	}
	m := s.until("the rewritten branch refused", func(m map[string]plan.Report) bool {
		return has(m["xivo-main"], plan.CondRewound) && has(m["xivo-standby"], plan.CondRewound)
	})
	if r := m["xivo-main"]; r.Accepted != good || r.Status != plan.Active {
		t.Errorf("accepted %s and is %s, want %s and Active", r.Accepted, r.Status, good)
	}
	for _, args := range [][]string{{"checkout", "--quiet", "--force", "main"}, {"push", "--quiet", "--force", "origin", "main"}} {
		_, err := s.git(t.Context(), gitcmd.Git(args[0], args[1:]...))
		must(t, err)
	}
	s.converges(s.flips("standby"))
}

// Section 7, agent killed at any instant: it restarts, reads again, converges.
func TestAgentKilledInTheMiddleOfASwitch(t *testing.T) {
	s := newSite(t, nil)
	for i, victim := range []string{"xivo-main", "xivo-standby", "xivo-main", "xivo-standby"} {
		side := []string{"standby", "main"}[i%2]
		commit := s.flips(side)
		s.until("the switch begun", func(m map[string]plan.Report) bool {
			r := m[victim]
			return r.Accepted == commit && (i < 2 || r.Status == plan.Deactivating || r.Status == plan.Activating || r.Applied == commit)
		})
		s.kill(victim)
		must(t, s.agents.start(victim))
		s.converges(commit)
	}
}

// R5: an agent that restarts with the remote gone finds its services running
// and goes on keeping them.
func TestAgentRestartedWithRemoteGoneKeepsServing(t *testing.T) {
	s := newSite(t, nil)
	before := s.pids("xivo-main", "asterisk")
	s.kill("xivo-main")
	must(t, os.Rename(s.repo(), s.repo()+".away"))
	must(t, s.agents.start("xivo-main"))
	s.until("main Active without git", func(m map[string]plan.Report) bool {
		return m["xivo-main"].Status == plan.Active && has(m["xivo-main"], plan.CondGitUnreachable)
	})
	if after := s.pids("xivo-main", "asterisk"); !slices.Equal(before, after) {
		t.Errorf("asterisk was restarted: pids %v, then %v", before, after)
	}
	s.heals("xivo-main", "monit")
}

// A commit that reverses a failover is acted on at once: it does not wait for a
// service that is still starting.
func TestReversalDoesNotWaitForASlowStart(t *testing.T) {
	s := newSite(t, nil)
	hold := filepath.Join(s.node("xivo-standby"), "hold")
	must(t, os.WriteFile(hold, nil, 0o644))
	s.flips("standby")
	s.until("standby starting", func(m map[string]plan.Report) bool {
		return m["xivo-standby"].Status == plan.Activating && len(s.pids("xivo-standby", "asterisk")) > 0
	})
	s.converges(s.flips("main"))
	if _, err := os.Stat(hold); err != nil {
		t.Fatal("the start was not slow")
	}
}

// R4: a frozen main is alive. With unconfirmed: start the standby waits, asks
// the witness and stays Held while it answers; fenced: main takes over at once;
// and main, when it thaws, stops at once (R1).
func TestFrozenMain(t *testing.T) {
	s := newSite(t, nil)
	s.signal("xivo-main", syscall.SIGSTOP)
	defer s.signal("xivo-main", syscall.SIGCONT)
	s.flips("standby")
	s.until("standby held by the witness", func(m map[string]plan.Report) bool {
		return m["xivo-standby"].Status == plan.Held && strings.Contains(m["xivo-standby"].Reason, "still answers")
	})
	s.writes(func(d string) string {
		return strings.Replace(d, "active: standby", "active: standby\nfenced: main", 1)
	})
	m := s.until("standby Active by the person's word", func(m map[string]plan.Report) bool {
		return m["xivo-standby"].Status == plan.Active && has(m["xivo-standby"], plan.CondFencedAnswers)
	})
	if g := m["xivo-standby"].Guarantee; g != plan.Fenced {
		t.Errorf("guarantee %s, want fenced", g)
	}
	s.signal("xivo-main", syscall.SIGCONT)
	s.until("main down after the thaw", func(m map[string]plan.Report) bool {
		return m["xivo-main"].Status == plan.Inactive && len(s.pids("xivo-main", "asterisk")) == 0
	})
}

// R4 with unconfirmed: hold: without a release the standby never starts.
func TestFrozenMainWithHold(t *testing.T) {
	s := newSite(t, func(p *layout) { p.Wait, p.Unconfirmed = "1s", "hold" })
	s.signal("xivo-main", syscall.SIGSTOP)
	defer s.signal("xivo-main", syscall.SIGCONT)
	s.flips("standby")
	m := s.until("standby held for good", func(m map[string]plan.Report) bool {
		return m["xivo-standby"].Status == plan.Held && strings.Contains(m["xivo-standby"].Reason, "unconfirmed is hold")
	})
	if n := s.pids("xivo-standby", "asterisk"); len(n) > 0 || m["xivo-standby"].Holder != plan.HeldBy("main") {
		t.Errorf("standby runs %v, the claim is held by %s", n, m["xivo-standby"].Holder)
	}
	s.signal("xivo-main", syscall.SIGCONT)
	s.converges(s.head)
}
