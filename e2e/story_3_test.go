//go:build e2e

package e2e

import (
	"testing"
	"time"

	"mainstay/e2e/hosts"
)

// part makes two hosts unable to reach each other; others reach both.
func part(t *testing.T, one, two *hosts.Host) (join func()) {
	t.Helper()
	one.Block(t, two.IP())
	two.Block(t, one.IP())
	return func() {
		one.Unblock(t, two.IP())
		two.Unblock(t, one.IP())
	}
}

func mainWithoutGit(t *testing.T, p *wholePage) {
	mainCannotReadGit(t, p, "Story 3: main without git", func() func() { return part(t, p.nodes["xivo-main"], p.git.Host) })
}

// What main sends reaches git, and git's answers vanish.
func mainWithoutAnswers(t *testing.T, p *wholePage) {
	main := p.nodes["xivo-main"].IP()
	mainCannotReadGit(t, p, "Story 3: git's answers to main vanish", func() func() {
		p.git.Block(t, main)
		return func() { p.git.Unblock(t, main) }
	})
}

// R5 and the witness: a main that serves and cannot read git is not taken over
// from, because its peer hears it. Its calls stay up.
func mainCannotReadGit(t *testing.T, p *wholePage, title string, cut func() (join func())) {
	p.converged("main", p.declare("main", shortWait()...))
	w := p.watch(t, title)
	ended := p.hold("xivo-main", 22*time.Second)
	w.Mark("xivo-main cannot read git")
	join := cut()
	w.Mark("commit: active: standby")
	commit := p.declare("standby", shortWait()...)
	p.awaits("xivo-standby", "Held", func(r report) bool { return r.Status == "Held" && r.Accepted == commit })
	if err := ended(); err != nil {
		t.Errorf("the call on main ended: %v", err)
	}
	if r := p.status("xivo-standby"); r.Status != "Held" || !p.nodes["xivo-main"].Runs("asterisk.service") {
		t.Errorf("main serves and answers, and xivo-standby is %s: %s", r.Status, r.Reason)
	}
	w.Mark("xivo-main reads git again")
	join()
	p.nudge()
	p.converged("standby", commit)
	p.wantGuarantee(t, "xivo", "released")
	p.wantAll(t, "standby")
	w.end(t, 0)
}

// The case that R4 calls presumed: main is alive, nobody hears it, and
// no lease was asked for. The time is printed, and ends when main hears of it.
func mainIsCutOff(t *testing.T, p *wholePage) {
	p.converged("main", p.declare("main", shortWait()...))
	w := p.watch(t, "Story 3: main cut off, presumed")
	w.Mark("xivo-main and cc-main are cut off")
	p.nodes["xivo-main"].Cut(t)
	p.nodes["cc-main"].Cut(t)
	w.Mark("commit: active: standby")
	commit := p.declare("standby", shortWait()...)
	p.standbyServes(commit)
	p.wantGuarantee(t, "xivo", "presumed")
	if !p.nodes["xivo-main"].Runs("asterisk.service") {
		t.Error("main stopped though it holds no lease (R5)")
	}
	w.Mark("main is joined again")
	joined := time.Now()
	p.nodes["xivo-main"].Join(t)
	p.nodes["cc-main"].Join(t)
	eventually(t, "main stops", func() bool { return !p.nodes["xivo-main"].Runs("asterisk.service") })
	say(t, "%-44s %7.2f s", "joined, main has stopped after", time.Since(joined).Seconds())
	p.awaitApplied("xivo-main", "Inactive", commit)
	p.awaitApplied("cc-main", "Inactive", commit)
	p.excuseCopies(t, "main")
	p.wantAll(t, "standby")
	r := w.end(t, time.Hour)
	say(t, "%-44s %7.2f s", "presumed: both sides were active for", r.Double().Seconds())
	if r.Double() == 0 {
		t.Error("nobody was double-active, so nothing was presumed wrongly")
	}
}

// An Edge that cannot read git stays where it is, and follows when it can.
func edgeWithoutGit(t *testing.T, p *wholePage) {
	w := p.watch(t, "Story 3: edge without git")
	w.Mark("edge cannot reach git")
	join := part(t, p.nodes["edge"], p.git.Host)
	w.Mark("commit: active: standby")
	commit := p.declare("standby")
	for _, role := range []string{"xivo-", "cc-"} {
		p.awaitApplied(role+"main", "Inactive", commit)
		p.awaitApplied(role+"standby", "Active", commit)
	}
	if r := p.status("edge"); r.Applied == commit {
		t.Error("edge applied a commit that it cannot have read")
	}
	w.Mark("edge reaches git again")
	join()
	p.converged("standby", commit)
	p.wantAll(t, "standby")
	w.end(t, 0)
}

// asteriskPID tells a service that ran on from one that was restarted.
func (p *wholePage) asteriskPID(t *testing.T, node string) int {
	t.Helper()
	pids, err := p.nodes[node].Processes("asterisk.service")
	if err != nil || len(pids) == 0 {
		t.Fatalf("no Asterisk runs on %s: %v", node, err)
	}
	return pids[0]
}

// A call is held while a newer package is installed, while git is away for two
// minutes, and while the agent is killed with git away (R5).
func gitIsAwayDuringACall(t *testing.T, p *wholePage) {
	const outage = 120 * time.Second
	newer := buildDeb(t, "9.0.0")
	w := p.watch(t, "Story 3: git away for two minutes and an upgrade, during a call")
	xivo := p.nodes["xivo-main"]
	before, own := p.asteriskPID(t, "xivo-main"), xivo.Must(t, "sha256sum", "/etc/mainstay/agent.yaml")
	hangUp := p.holdUntilToldTo(t, "xivo-main")
	w.Mark("dpkg -i of a newer package on xivo-main")
	old, _ := xivo.Processes(hosts.AgentUnit)
	timed(t, "dpkg -i of a newer package", func() {
		if err := dpkg(t.Context(), xivo, newer); err != nil {
			t.Fatal(err)
		}
	})
	eventually(t, "the new agent runs", func() bool {
		now, err := xivo.Processes(hosts.AgentUnit)
		return err == nil && len(now) > 0 && now[0] != old[0]
	})
	p.awaitApplied("xivo-main", "Active", p.head())
	if got := xivo.Must(t, "dpkg-query", "-W", "-f", "${Version}", "mainstay"); got != "9.0.0" {
		t.Errorf("installed is version %s", got)
	}
	if got := xivo.Must(t, "sha256sum", "/etc/mainstay/agent.yaml"); got != own {
		t.Error("the upgrade changed /etc/mainstay/agent.yaml")
	}
	w.Mark("git is away")
	away := time.Now()
	p.git.Cut(t)
	killUnit(t, xivo, hosts.AgentUnit)
	w.Mark("the agent of xivo-main is killed")
	p.awaits("xivo-main", "Active without git", func(r report) bool { return r.Status == "Active" })
	lasts(t, time.Until(away.Add(outage)))
	p.git.Join(t)
	w.Mark("git is back")
	if err := hangUp(); err != nil {
		t.Errorf("a call held from before dpkg -i did not outlive %.0f s without git: %v", outage.Seconds(), err)
	}
	if after := p.asteriskPID(t, "xivo-main"); after != before {
		t.Error("Asterisk was restarted")
	}
	p.nudge()
	p.converged("main", p.head())
	r := w.end(t, 0)
	for _, track := range []string{"asterisk on xivo-main", "xuc on cc-main"} {
		if at, down := r.Down(track, 0); down {
			t.Errorf("%s was down at %v", track, at)
		}
	}
}

// A failover over bad links takes longer and goes the same way.
func slowAndLossyLinks(t *testing.T, p *wholePage) {
	bad := hosts.Link{Delay: 20 * time.Millisecond, Loss: 0.02, Seed: 1}
	for _, host := range []*hosts.Host{p.git.Host, p.nodes["xivo-main"], p.nodes["xivo-standby"]} {
		host.Netem(t, bad)
		defer host.ClearNetem(t)
	}
	// An agent that did not get through asks ever more rarely, unless it is told.
	defer every(t, 3*time.Second, p.nudge)()
	w := p.watch(t, "Story 3: slow and lossy links")
	w.Mark("commit: active: standby")
	began := time.Now()
	commit := p.declare("standby")
	p.converged("standby", commit)
	say(t, "%-44s %7.2f s", "over bad links, all nodes converged after", time.Since(began).Seconds())
	w.Mark("links are mended")
	r := w.end(t, 0)
	p.wantOrder(t, r, "standby", r.Marks[0].At)
}
