//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"

	"mainstay/e2e/hosts"
)

// outlast is longer than the wait of shortWait and two polls: whoever would do
// something without git has done it by then.
const outlast = 15 * time.Second

// everythingIsDown reports whether neither unit of a XiVO runs.
func (p *wholePage) everythingIsDown(node string) bool {
	return !p.nodes[node].Runs("asterisk.service") && !p.nodes[node].Runs("monit.service")
}

// gitReturns joins git again and waits until standby serves by main's release.
func (p *wholePage) gitReturns(t *testing.T, w *witness, commit string) {
	t.Helper()
	p.git.Join(t)
	w.Mark("git is back")
	back := time.Now()
	p.nudge()
	p.converged("standby", commit)
	say(t, "%-44s %7.2f s", "git is back, all nodes converged after", time.Since(back).Seconds())
	p.wantGuarantee(t, "xivo", "released")
	p.wantAll(t, "standby")
}

// Git goes away when standby is ready and main does not know that yet: main
// serves on with its calls (R2, R5), and standby does not start whatever it
// waited (R4).
func gitGoesAwayBeforeTheRelease(t *testing.T, p *wholePage) {
	p.converged("main", p.declare("main", shortWait()...))
	w := p.watch(t, "Story 3: git away before main's release")
	before, ended := p.asteriskPID(t, "xivo-main"), p.hold("xivo-main", 2*outlast)
	join := part(t, p.nodes["xivo-main"], p.git.Host)
	w.Mark("commit: active: standby")
	commit := p.declare("standby", shortWait()...)
	p.awaits("xivo-standby", "Held", func(r report) bool { return r.Status == "Held" && r.Accepted == commit })
	p.git.Cut(t)
	w.Mark("git is away for everybody")
	join()
	lasts(t, outlast)
	if err := ended(); err != nil {
		t.Errorf("the call on main ended: %v", err)
	}
	if !p.everythingIsDown("xivo-standby") || p.asteriskPID(t, "xivo-main") != before {
		t.Error("without git something was started or stopped")
	}
	p.gitReturns(t, w, commit)
	w.end(t, 0)
}

// Git goes away when main has released and nobody has taken the claim: nobody
// may start, however long that takes.
func gitGoesAwayAfterTheRelease(t *testing.T, p *wholePage) {
	p.converged("main", p.declare("main", shortWait()...))
	w := p.watch(t, "Story 3: git away between release and claim")
	w.Mark("commit: active: standby")
	commit := p.declare("standby", shortWait()...)
	eventually(t, "main is down", func() bool { return p.everythingIsDown("xivo-main") })
	p.nodes["xivo-standby"].Block(t, p.git.IP())
	eventually(t, "main has released", func() bool {
		holder := p.holder("xivo")
		return holder != "" && !strings.HasPrefix(holder, "main ")
	})
	p.git.Cut(t)
	w.Mark("git is away for everybody")
	away := time.Now()
	p.nodes["xivo-standby"].Unblock(t, p.git.IP())
	// On a slow machine standby has been quicker, and then it may well start.
	holder := p.holder("xivo")
	lasts(t, outlast)
	if strings.HasPrefix(holder, "none ") && !p.everythingIsDown("xivo-standby") {
		t.Errorf("standby started while the claim was %s", holder)
	}
	if !p.everythingIsDown("xivo-main") {
		t.Error("main started again without a claim")
	}
	p.gitReturns(t, w, commit)
	say(t, "%-44s %7.2f s", "claim was "+holder+", git was away for", outlast.Seconds())
	say(t, "%-44s %7.2f s", "from git's end, standby served after", time.Since(away).Seconds())
	w.end(t, 0)
}

// Git goes away when standby knows that it has taken the claim: it starts all the
// same, and who follows moves once git is back.
func gitGoesAwayAfterTheClaim(t *testing.T, p *wholePage) {
	p.converged("main", p.declare("main", shortWait()...))
	w := p.watch(t, "Story 3: git away after standby's claim")
	w.Mark("commit: active: standby")
	commit := p.declare("standby", shortWait()...)
	p.awaits("xivo-standby", "the holder", func(r report) bool { return r.Holder == "standby" })
	p.git.Cut(t)
	w.Mark("git is away for everybody")
	p.awaitStatus("xivo-standby", "Active")
	w.Mark("standby is Active without git")
	p.nextCall(t, "the XiVO of standby", p.nodes["xivo-standby"].IP())
	lasts(t, outlast)
	if !p.everythingIsDown("xivo-main") {
		t.Error("main started again without a claim")
	}
	p.gitReturns(t, w, commit)
	w.end(t, 0)
}

// A standby that cannot read git does not know that it is meant: main serves on
// with its calls until standby says that it is ready (R2).
func standbyWithoutGit(t *testing.T, p *wholePage) {
	p.converged("main", p.declare("main", shortWait()...))
	w := p.watch(t, "Story 3: standby without git")
	ended := p.hold("xivo-main", outlast)
	join := part(t, p.nodes["xivo-standby"], p.git.Host)
	w.Mark("xivo-standby cannot reach git, commit: active: standby")
	commit := p.declare("standby", shortWait()...)
	p.awaits("xivo-main", "aware of the commit", func(r report) bool { return r.Accepted == commit })
	if err := ended(); err != nil {
		t.Errorf("main stopped for a side that is not there: %v", err)
	}
	join()
	w.Mark("xivo-standby reaches git again")
	p.nudge()
	p.converged("standby", commit)
	p.wantGuarantee(t, "xivo", "released")
	p.wantAll(t, "standby")
	w.end(t, 0)
}

// The two XiVO do not hear each other, and both reach git: a planned switch
// needs no witness. The wait is one that no busy machine outlasts.
func xivoPartedFromEachOther(t *testing.T, p *wholePage) {
	w := p.watch(t, "Story 3: the two XiVO do not hear each other")
	join := part(t, p.nodes["xivo-main"], p.nodes["xivo-standby"])
	w.Mark("parted, commit: active: standby")
	p.converged("standby", p.declare("standby", "wait: 30s ", "wait: 5m "))
	p.wantGuarantee(t, "xivo", "released")
	join()
	w.Mark("joined")
	p.wantAll(t, "standby")
	w.end(t, 0)
}

// What main sends is lost now and then, and what standby should receive, but
// nothing the other way.
func lossOneWay(t *testing.T, p *wholePage) {
	for name, way := range map[string]hosts.Way{"xivo-main": hosts.Out, "xivo-standby": hosts.In} {
		p.nodes[name].Netem(t, hosts.Link{Loss: 0.04, Seed: 2, Only: way})
		defer p.nodes[name].ClearNetem(t)
	}
	defer every(t, 3*time.Second, p.nudge)()
	w := p.watch(t, "Story 3: loss one way")
	w.Mark("commit: active: standby")
	began := time.Now()
	p.converged("standby", p.declare("standby"))
	say(t, "%-44s %7.2f s", "with loss one way, all nodes converged after", time.Since(began).Seconds())
	r := w.end(t, 0)
	p.wantOrder(t, r, "standby", r.Marks[0].At)
}
