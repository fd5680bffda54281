//go:build e2e

package e2e

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/gitserver"
	"mainstay/e2e/hosts"
	"mainstay/e2e/observer"
)

// command runs mainstay in the operator's checkout, as a person would.
func (p *wholePage) command(t *testing.T, args ...string) (said string, err error) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "mainstay")
	if err := buildAgent(t, program); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = p.work
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// breakMonit lets monit end, and start no more.
func breakMonit(t *testing.T, host *hosts.Host) (mend func()) {
	t.Helper()
	const dropIn = "/run/systemd/system/monit.service.d/broken.conf"
	host.Put(t, dropIn, "[Service]\nExecStart=\nExecStart=/bin/false\n")
	host.Must(t, "systemctl", "daemon-reload")
	host.Must(t, "systemctl", "kill", "--signal=SIGKILL", "monit.service")
	return func() {
		host.Must(t, "rm", dropIn)
		host.Must(t, "systemctl", "daemon-reload")
	}
}

// Asterisk runs on main and monit does not: a person fails over as always. Nothing is
// presumed and nobody is asked to fence a machine that answers (R4): main is seen down
// and releases the claim.
func TestAPersonLeavesABrokenSide(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	commit := p.declare("main", "every: 5m }", "every: 2s }") // how often it looks whether it was replicated
	p.awaitApplied("xivo-main", "Active", commit)
	p.awaitApplied("xivo-standby", "Inactive", commit)
	p.awaits("xivo-standby", "replicated", func(r report) bool { return len(r.Checks) == 1 && r.Checks[0].OK })
	w := &witness{title: "Away from a broken side"}
	w.Observer = observer.Watch(w.title, lookEvery, p.xivoTracks()...)
	mend := breakMonit(t, p.nodes["xivo-main"])
	broken := p.awaits("xivo-main", "not well", func(r report) bool { return r.Status == "Failed" || r.Status == "Degraded" })
	t.Logf("with monit broken: %s: %s", broken.Status, broken.Reason)
	if !p.nodes["xivo-main"].Runs("asterisk.service") {
		t.Error("asterisk was stopped because monit is broken")
	}
	began := time.Now()
	w.Mark("mainstay failover")
	said, err := p.command(t, "failover", "--reason", "monit is broken", "--yes")
	t.Logf("failover says:\n%s", said)
	if err != nil || strings.Contains(said, "--force") || strings.Contains(said, "--fenced") {
		t.Errorf("failover: %v", err)
	}
	gitserver.Git(t, p.work, "pull", "--quiet", "--ff-only", "origin", "main")
	p.awaitApplied("xivo-standby", "Active", p.head())
	say(t, "%-66s %6.1f s", "away from a broken side: replaced after", time.Since(began).Seconds())
	history := p.claims("paris", "xivo")
	if got := history[len(history)-1]; !strings.HasSuffix(got, "standby released") {
		t.Errorf("the claim is %q, want one that main released", got)
	}
	mend()
	p.awaitApplied("xivo-main", "Inactive", p.head())
	w.end(t, 0)
}
