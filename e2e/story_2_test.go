//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"
)

// shortWait makes a takeover quick enough for a test, and leaves a busy machine
// time between a stop and the release, when the witness is silent too.
func shortWait() []string { return []string{"wait: 30s ", "wait: 10s "} }

// loseMain takes the power of the whole main site away.
func (p *wholePage) loseMain(t *testing.T, w *witness) {
	t.Helper()
	w.Mark("power of xivo-main and cc-main is gone")
	p.nodes["xivo-main"].Kill(t)
	p.nodes["cc-main"].Kill(t)
}

// standbyServes waits until the standby side does everything.
func (p *wholePage) standbyServes(commit string) {
	p.t.Helper()
	for _, node := range []string{"xivo-standby", "cc-standby"} {
		p.awaitApplied(node, "Active", commit)
	}
	for _, shared := range []string{"mds1", "edge"} {
		p.awaits(shared, "pointing at standby", func(r report) bool { return r.Serving == "standby" && r.Applied == commit })
	}
}

// mainReturns switches the main site on again: it must come up Inactive and
// stay so. Then main is made active again by a commit.
func (p *wholePage) mainReturns(t *testing.T, w *witness, commit string) {
	t.Helper()
	w.Mark("main is switched on again")
	p.nodes["cc-main"].PowerOn(t)
	p.nodes["xivo-main"].Boot(t)
	p.awaitApplied("xivo-main", "Inactive", commit)
	p.awaitApplied("cc-main", "Inactive", commit)
	p.staysInactive(t, 5*time.Second)
	p.wantAll(t, "standby")
	w.Mark("commit: active: main")
	p.converged("main", p.declare("main"))
	w.Mark("main serves, all nodes converged")
}

// staysInactive looks for a while whether anything of main runs.
func (p *wholePage) staysInactive(t *testing.T, for_ time.Duration) {
	t.Helper()
	looks := 0
	stop := every(t, 50*time.Millisecond, func() {
		looks++
		if p.nodes["xivo-main"].Runs("asterisk.service") {
			t.Error("asterisk runs on the main that came back")
		}
	})
	lasts(t, for_)
	if stop(); looks < 10 {
		t.Errorf("looked only %d times", looks)
	}
}

// wantGuarantee checks by what right the newest claim of a role was taken.
func (p *wholePage) wantGuarantee(t *testing.T, role, want string) {
	t.Helper()
	history := p.claims("paris", role)
	for i := len(history) - 1; i >= 0; i-- {
		if fields := strings.Fields(history[i]); len(fields) == 3 && fields[1] == "standby" {
			if fields[2] != want {
				t.Errorf("standby took the claim of %s as %s, want %s", role, fields[2], want)
			}
			return
		}
	}
	t.Errorf("standby never took the claim of %s: %q", role, history)
}

func mainIsLostAndPresumed(t *testing.T, p *wholePage) {
	p.converged("main", p.declare("main", shortWait()...))
	w := p.watch(t, "Story 2: main lost, presumed")
	p.loseMain(t, w)
	w.Mark("commit: active: standby")
	began := time.Now()
	commit := p.declare("standby", shortWait()...)
	p.standbyServes(commit)
	say(t, "%-44s %7.2f s", "from the push, standby serves after", time.Since(began).Seconds())
	p.wantGuarantee(t, "xivo", "presumed")
	p.wantAll(t, "standby")
	p.mainReturns(t, w, commit)
	w.end(t, 0)
}

func mainIsLostAndFenced(t *testing.T, p *wholePage) {
	w := p.watch(t, "Story 2: main lost, fenced")
	p.loseMain(t, w)
	w.Mark("commit: active: standby, fenced: main")
	began := time.Now()
	commit := p.declare("standby", "# fenced: main", "fenced: main")
	p.standbyServes(commit)
	say(t, "%-44s %7.2f s", "from the push, standby serves after", time.Since(began).Seconds())
	p.wantGuarantee(t, "xivo", "fenced")
	p.wantAll(t, "standby")
	p.mainReturns(t, w, commit)
	w.end(t, 0)
}

func mainIsLostAndHeld(t *testing.T, p *wholePage) {
	held := append(shortWait(), "unconfirmed: start ", "unconfirmed: hold ")
	p.converged("main", p.declare("main", held...))
	w := p.watch(t, "Story 2: main lost, held")
	p.loseMain(t, w)
	w.Mark("commit: active: standby")
	commit := p.declare("standby", held...)
	p.awaits("xivo-standby", "Held", func(r report) bool { return r.Status == "Held" && r.Accepted == commit })
	lasts(t, outlast)
	if r := p.status("xivo-standby"); r.Status != "Held" || p.nodes["xivo-standby"].Runs("asterisk.service") {
		t.Errorf("nobody decided, and xivo-standby is %s: %s", r.Status, r.Reason)
	}
	for _, role := range []string{"xivo", "cc"} {
		w.Mark("takeover --attest on " + role + "-standby")
		timed(t, "a person's takeover on "+role+"-standby", func() {
			p.nodes[role+"-standby"].Must(t, "mainstay", "takeover", "--force", "--attest", "main was seen without power")
			p.awaits(role+"-standby", "Active", func(r report) bool { return r.Status == "Active" })
		})
	}
	p.standbyServes(commit)
	p.wantGuarantee(t, "xivo", "attested")
	p.mainReturns(t, w, commit)
	w.end(t, 0)
}
