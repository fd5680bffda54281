//go:build e2e

package e2e

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"mainstay/e2e/gitserver"
	"mainstay/e2e/hosts"
	"mainstay/e2e/observer"
)

// loss is a way in which the holder of a lease loses its agent.
type loss struct {
	name string
	// lose happens to the holder. What it returns makes the node whole again.
	lose func(*testing.T, *wholePage, *hosts.Host) (mend func())
}

func losses() []loss {
	return []loss{
		{"stopped", func(t *testing.T, _ *wholePage, host *hosts.Host) func() {
			host.Must(t, "systemctl", "stop", hosts.AgentUnit)
			return func() { host.Must(t, "systemctl", "start", hosts.AgentUnit) }
		}},
		{"killed again and again while git does not answer", killedInALoop},
		{"removed with its package", removed},
	}
}

// killedInALoop lets no agent live for long enough to find out that it cannot read
// its claim.
func killedInALoop(t *testing.T, p *wholePage, host *hosts.Host) func() {
	join := part(t, host, p.git.Host)
	end := every(t, 300*time.Millisecond, func() {
		pids, _ := host.Processes(hosts.AgentUnit) // there may be none just now
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return func() { end(); join() }
}

// removed removes the package. Its script waits until nothing runs under the lease.
func removed(t *testing.T, p *wholePage, host *hosts.Host) func() {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := host.Exec(ctx, "dpkg", "-r", "mainstay"); err != nil {
		t.Fatal(err)
	}
	if !p.everythingIsDown(host.Name()) {
		t.Error("the package is gone, and what runs under a lease runs on")
	}
	return func() {
		if err := dpkg(t.Context(), host, p.deb); err != nil {
			t.Fatal(err)
		}
		host.Must(t, "systemctl", "--quiet", "enable", "--now", hosts.AgentUnit)
	}
}

// Whatever becomes of its agent, a side under a lease is down when the other one
// starts, because a guard obeys the lease in the agent's place (R7). Each loss strikes
// the side that took over at the one before.
func TestALeaseIsObeyedWithoutAnAgent(t *testing.T) { // README: lease
	t.Parallel()
	p := newPair(t)
	terms := append(shortWait(), "lease: 0s ", "lease: 8s ", "timeout: 10s ", "timeout: 3s ", "stopTimeout: 20s", "stopTimeout: 3s",
		"monit, systemd: monit.service }", "monit, systemd: monit.service, stopTimeout: 3s }")
	side := "main"
	p.awaitApplied("xivo-main", "Active", p.declare(side, terms...))
	p.awaitLease(t, "xivo")
	w := &witness{title: "A lease without its agent"}
	w.Observer = observer.Watch(w.title, lookEvery, p.xivoTracks()...)
	for _, l := range losses() {
		host := p.nodes["xivo-"+side]
		eventually(t, "a guard runs on "+host.Name(), func() bool { return host.Runs(hosts.GuardUnit) })
		w.Mark("the agent of " + host.Name() + " is " + l.name)
		mend := l.lose(t, p, host)
		began := time.Now()
		commit := p.declare(other(side), terms...)
		eventually(t, "nothing of "+host.Name()+" runs", func() bool { return p.everythingIsDown(host.Name()) })
		say(t, "%-66s %6.1f s", "agent "+l.name+": down after", time.Since(began).Seconds())
		p.awaitApplied("xivo-"+other(side), "Active", commit)
		say(t, "%-66s %6.1f s", "agent "+l.name+": replaced after", time.Since(began).Seconds())
		history := p.claims("paris", "xivo")
		if got := history[len(history)-1]; !strings.HasSuffix(got, other(side)+" lease") {
			t.Errorf("agent %s: the claim is %q, want one taken by lease", l.name, got)
		}
		mend()
		p.awaitApplied(host.Name(), "Inactive", commit)
		side = other(side)
	}
	w.end(t, 0)
}

// rebuildGit makes a new, empty repository in the place of one that burned, and
// pushes a laptop's clone to it: branches, and nothing of claims and reports.
func (p *wholePage) rebuildGit(t *testing.T) {
	t.Helper()
	const script = `set -e
rm -rf "$1.new"
git init --quiet --bare --initial-branch=main "$1.new"
git -C "$1.new" config http.receivepack true
cp "$1/hooks/update" "$1.new/hooks/update"
chown -R git:www-data "$1.new"
mv "$1" "$1.burned"
mv "$1.new" "$1"`
	p.git.Must(t, "sh", "-c", script, "rebuild", hosts.Repository)
	gitserver.Git(t, p.work, "push", "--quiet", "origin", "HEAD:main")
}

// The site of main burns down with the git host while standby serves. The git host
// is rebuilt from a laptop's clone, and main is a new machine: that there is no claim
// proves nothing about standby (R13), which brings the claim back and hands over.
func mainAndGitBurnDown(t *testing.T, p *wholePage) {
	p.converged("standby", p.declare("standby", "unconfirmed: start ", "unconfirmed: hold "))
	w := p.watch(t, "Story 2: main and git burned down")
	main := p.nodes["xivo-main"]
	main.Must(t, "systemctl", "stop", hosts.AgentUnit)
	main.Must(t, "sh", "-c", "rm -rf "+hosts.StateFolder+"/*")
	w.Mark("git is rebuilt from a clone, xivo-main is a new machine")
	p.rebuildGit(t)
	main.Must(t, "systemctl", "start", hosts.AgentUnit)
	w.Mark("commit: active: main")
	p.converged("main", p.declare("main", "unconfirmed: start ", "unconfirmed: hold "))
	w.end(t, 0)
}
