//go:build e2e

package e2e

import (
	"io"
	"net/http"
	"path/filepath"
	"slices"
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
	for _, unit := range []string{hosts.AgentUnit, hosts.GuardUnit} {
		exposureIsExplained(t, host, unit)
	}
}

// exposureIsExplained holds that the agent's unit says why, for all that systemd marks
// in a unit.
func exposureIsExplained(t *testing.T, host *hosts.Host, unit string) {
	t.Helper()
	why := host.Must(t, "systemctl", "cat", hosts.AgentUnit)
	marked := 0
	for line := range strings.Lines(host.Must(t, "systemd-analyze", "security", unit, "--no-pager")) {
		f := strings.Fields(line)
		switch {
		case len(f) > 1 && f[0] == "✗":
			if marked++; !slices.Contains(strings.Fields(why), f[1]) {
				t.Errorf("%s: systemd marks %s, and the unit does not say why", unit, f[1])
			}
		case strings.Contains(line, "Overall"):
			t.Logf("%s: %d marks, each explained: %s", unit, marked, strings.TrimSpace(line))
		}
	}
	if marked == 0 {
		t.Errorf("%s: nothing is marked", unit)
	}
}

// The page's package on a machine of its own: nothing runs before a person named a
// repository; then the unit serves it as a user that may do nothing else, a user of the
// page may sign in, and a purge leaves nothing.
func TestThePageIsInstalledAsAServiceOfItsOwn(t *testing.T) {
	t.Parallel()
	host := hosts.Start(t, hosts.Spec{Name: "page", Image: hosts.Bookworm, Network: hosts.NewNetwork(t)})
	agent := buildDeb(t, "")
	name := strings.Replace(filepath.Base(agent), "mainstay_", "mainstay-console_", 1)
	console := filepath.Join(filepath.Dir(agent), name[:strings.LastIndex(name, "_")]+"_all.deb")
	for _, file := range []string{agent, console} {
		if err := dpkg(t.Context(), host, file); err != nil {
			t.Fatal(err)
		}
	}
	unit := "mainstay-console.service"
	if state, err := host.Exec(t.Context(), "systemctl", "is-enabled", unit); err == nil || host.Runs(unit) {
		t.Errorf("the page is %s before anybody set it up", state)
	}
	if _, err := host.Exec(t.Context(), "systemctl", "start", unit); err == nil {
		t.Error("a page of no repository started")
	}
	said := host.Must(t, "journalctl", "-u", unit, "-o", "cat", "--no-pager")
	if !strings.Contains(said, "/etc/mainstay-console/repositories names no repository") {
		t.Errorf("the journal says: %s", said)
	}

	asUser := func(args ...string) string {
		return host.Must(t, append([]string{"runuser", "-u", "mainstay-console", "--"}, args...)...)
	}
	asUser("git", "init", "-q", "--bare", "-b", "main", "/var/lib/mainstay-console/paris.git")
	host.Put(t, "/etc/mainstay-console/repositories", "/var/lib/mainstay-console/paris.git\n")
	users := "/var/lib/mainstay-console/users.json"
	asUser("sh", "-c", "echo correct-horse-battery | mainstay console user add ada --role switch --email ada@example.org --users "+users)
	host.Put(t, "/etc/default/mainstay-console", `OPTIONS="--listen 0.0.0.0:8080 --allow-commits --users `+users+` --audit /var/lib/mainstay-console/audit.jsonl"`+"\n")
	host.Must(t, "systemctl", "reset-failed", unit)
	host.Must(t, "systemctl", "enable", "--now", unit)
	answer, err := http.Get("http://" + host.IP() + ":8080/")
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil || answer.StatusCode != http.StatusUnauthorized || !strings.Contains(string(page), `type="password"`) {
		t.Errorf("the page asks nobody who they are: %s %v: %s", answer.Status, err, page)
	}
	if who := host.Must(t, "sh", "-c", "ps -o user:32= -p $(systemctl show -P MainPID "+unit+")"); who != "mainstay-console" {
		t.Errorf("the page runs as %s", who)
	}
	if got, err := host.Exec(t.Context(), "systemd-analyze", "verify", "--man=no", unit); err != nil || got != "" {
		t.Errorf("systemd finds fault with the unit: %s %v", got, err)
	}
	if _, err := host.Exec(t.Context(), "systemd-analyze", "security", unit, "--threshold=20", "--no-pager"); err != nil {
		t.Errorf("the page's exposure is above 2.0: %s", host.Must(t, "sh", "-c", "systemd-analyze security "+unit+" --no-pager | tail -1"))
	}
	host.Must(t, "dpkg", "--purge", "mainstay-console")
	if host.Runs(unit) {
		t.Error("the removed page runs on")
	}
	host.Must(t, "sh", "-c", "! ls -d /etc/mainstay-console /var/lib/mainstay-console /etc/default/mainstay-console 2>/dev/null")
}
