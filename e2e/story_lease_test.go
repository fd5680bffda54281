//go:build e2e

package e2e

import (
	"encoding/json"
	"testing"
	"time"

	"mainstay/e2e/hosts"
	"mainstay/e2e/observer"
)

const shortLease = 8 * time.Second

// leased makes a takeover by lease quick enough for a test.
func leased() []string {
	return append(shortWait(), "lease: 0s ", "lease: 8s ", "poll: 5s ", "poll: 1s ", "timeout: 10s ", "timeout: 3s ",
		"stopTimeout: 20s", "stopTimeout: 3s", "stopTimeout: 30s", "stopTimeout: 3s",
		"monit, systemd: monit.service }", "monit, systemd: monit.service, stopTimeout: 3s }")
}

// watchLeased watches a story in which main serves under a lease. It also
// returns how long standby must at least leave main to stop by itself (R7).
func (p *wholePage) watchLeased(t *testing.T, title string) (*witness, time.Duration) {
	t.Helper()
	p.converged("main", p.declare("main", leased()...))
	stopBound := p.awaitLease(t, "xivo")
	p.awaitLease(t, "cc")
	return p.watch(t, title), shortLease + stopBound
}

// Under a lease a main that is dead is replaced once it must have stopped if it
// lived, and stays down when it comes back.
func mainIsLostUnderALease(t *testing.T, p *wholePage) {
	w, bound := p.watchLeased(t, "Story 2: main lost under a lease")
	lost := time.Now()
	p.loseMain(t, w)
	commit := p.takesOverByLease(t, w, lost)
	p.standbyServes(commit)
	p.wantGuarantee(t, "cc", "lease")
	p.wantAll(t, "standby")
	p.mainReturns(t, w, commit)
	wantPatience(t, w.end(t, 0), bound)
}

// Under a lease a main that is alive and cut off stops by itself (R7), and
// standby starts only after it has.
func mainIsCutOffUnderALease(t *testing.T, p *wholePage) {
	w, bound := p.watchLeased(t, "Story 2: main cut off under a lease")
	cut := time.Now()
	w.Mark("xivo-main and cc-main are cut off")
	p.nodes["xivo-main"].Cut(t)
	p.nodes["cc-main"].Cut(t)
	commit := p.takesOverByLease(t, w, cut)
	// The claim of the contact centre has a lease of its own to wait out, unless
	// its holder comes back and releases it.
	w.Mark("main is joined again")
	p.nodes["xivo-main"].Join(t)
	p.nodes["cc-main"].Join(t)
	p.awaitApplied("xivo-main", "Inactive", commit)
	p.awaitApplied("cc-main", "Inactive", commit)
	p.standbyServes(commit)
	w.Mark("commit: active: main")
	p.converged("main", p.declare("main"))
	wantPatience(t, w.end(t, 0), bound)
}

// takesOverByLease declares standby active and waits until its XiVO is, with
// main out of reach since a moment.
func (p *wholePage) takesOverByLease(t *testing.T, w *witness, gone time.Time) (commit string) {
	t.Helper()
	w.Mark("commit: active: standby")
	commit = p.declare("standby", leased()...)
	eventually(t, "nothing of xivo-main runs", func() bool { return p.everythingIsDown("xivo-main") })
	say(t, "%-44s %7.2f s", "out of reach, xivo-main was down after", time.Since(gone).Seconds())
	p.awaitApplied("xivo-standby", "Active", commit)
	say(t, "%-44s %7.2f s", "out of reach, xivo-standby is Active after", time.Since(gone).Seconds())
	p.wantGuarantee(t, "xivo", "lease")
	return commit
}

// wantPatience checks that standby waited as long as it has to. The second mark
// is the commit that declared it.
func wantPatience(t *testing.T, r *observer.Recording, bound time.Duration) {
	t.Helper()
	declared := r.Marks[1].At
	at, ok := r.Rise("asterisk on xivo-standby", "", declared)
	if !ok || at-declared < bound {
		t.Errorf("asterisk on xivo-standby started %v after the commit, want %v or more", at-declared, bound)
	}
}

// awaitLease waits until the claim of a role carries the lease, because a seizer
// goes by the claim, and returns its bound for stopping.
func (p *site) awaitLease(t *testing.T, role string) (stopBound time.Duration) {
	t.Helper()
	eventually(t, "the claim of "+role+" carries a lease", func() bool {
		out, err := p.git.Exec(t.Context(), "git", "-c", "safe.directory=*", "-C", hosts.Repository,
			"cat-file", "blob", "refs/mainstay/paris/claim/"+role+":claim.json")
		var c struct{ Lease, StopBound string }
		if err != nil || json.Unmarshal([]byte(out), &c) != nil || c.Lease != shortLease.String() {
			return false
		}
		stopBound, err = time.ParseDuration(c.StopBound)
		return err == nil
	})
	if stopBound < 30*time.Second { // for the watchdog alone
		t.Errorf("the claim of %s leaves %v for stopping", role, stopBound)
	}
	return stopBound
}
