//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"mainstay/e2e/hosts"
)

// TestThePackageNeverStopsWhatRuns goes through the life of an installed package
// while Asterisk serves: upgrades, a refused file, removal.
func TestThePackageNeverStopsWhatRuns(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.awaitStatus("xivo-main", "Active")
	host, before := p.nodes["xivo-main"], p.asteriskPID(t, "xivo-main")
	upgrade := func(version string) {
		t.Helper()
		if err := dpkg(t.Context(), host, buildDeb(t, version)); err != nil {
			t.Fatal(err)
		}
		if got := host.Must(t, "dpkg-query", "-W", "-f", "${Version}", "mainstay"); got != version {
			t.Errorf("installed is version %s, want %s", got, version)
		}
	}
	agent := func() int {
		pids, err := host.Processes(hosts.AgentUnit)
		if err != nil || len(pids) == 0 {
			return 0
		}
		return pids[0]
	}

	old := agent()
	upgrade("9.0.0")
	eventually(t, "the new agent is ready", func() bool {
		state, err := host.Exec(t.Context(), "systemctl", "is-active", hosts.AgentUnit)
		return err == nil && state == "active" && agent() != old
	})
	p.awaitStatus("xivo-main", "Active")

	own := host.Must(t, "cat", "/etc/mainstay/agent.yaml")
	host.Put(t, "/etc/mainstay/agent.yaml", strings.Replace(own, "allow:", "alow:", 1))
	old = agent()
	upgrade("9.0.1")
	if got := agent(); got != old {
		t.Error("an agent was replaced by one that cannot read its file")
	}
	host.Put(t, "/etc/mainstay/agent.yaml", own)

	host.Must(t, "systemctl", "stop", hosts.AgentUnit)
	upgrade("9.0.2")
	if agent() != 0 {
		t.Error("an upgrade started an agent that was stopped")
	}
	host.Must(t, "systemctl", "start", hosts.AgentUnit)
	p.awaitStatus("xivo-main", "Active")

	host.Must(t, "dpkg", "-r", "mainstay")
	eventually(t, "the removed agent is gone", func() bool { return agent() == 0 })
	if got := host.Must(t, "cat", "/etc/mainstay/agent.yaml"); got != own {
		t.Error("removal took the node's own file")
	}
	if got := p.asteriskPID(t, "xivo-main"); got != before {
		t.Error("Asterisk was restarted")
	}
}

// A package on a machine that was never set up starts nothing, and brings what
// it promises.
func TestAFreshPackageStartsNothing(t *testing.T) {
	t.Parallel()
	host := hosts.Start(t, hosts.Spec{Name: "fresh", Image: hosts.Node, Network: hosts.NewNetwork(t)})
	if err := dpkg(t.Context(), host, buildDeb(t, "")); err != nil {
		t.Fatal(err)
	}
	if host.Runs(hosts.AgentUnit) {
		t.Error("an agent runs that nobody set up")
	}
	for _, unit := range []string{hosts.AgentUnit, hosts.GuardUnit} {
		if state, err := host.Exec(t.Context(), "systemctl", "is-enabled", unit); err == nil {
			t.Errorf("%s is %s", unit, state)
		}
	}
	for _, path := range []string{"/run/mainstay", "/etc/mainstay/agent.yaml", "/usr/share/mainstay/no-active-calls",
		"/usr/share/man/man1/mainstay-agent.1.gz", "/usr/share/bash-completion/completions/mainstay"} {
		host.Must(t, "test", "-e", path)
	}
	host.Must(t, "mainstay", "validate", "/etc/mainstay/agent.yaml")
	if got, err := host.Exec(t.Context(), "systemd-analyze", "verify", "--man=no", hosts.AgentUnit, hosts.GuardUnit); err != nil || got != "" {
		t.Errorf("systemd finds fault with the units: %s %v", got, err)
	}
	t.Log(host.Must(t, "sh", "-c", "systemd-analyze security mainstay.service --no-pager | tail -1"))
}
