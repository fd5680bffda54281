//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/hosts"
)

// xivoPair is two XiVO that are switched by hand, a git host, and a laptop: real Asterisk,
// PostgreSQL, monit and OpenSSH, and stand-ins that behave as XiVO's programs are
// documented to.
type xivoPair struct{ *desk }

func newXivoPair(t *testing.T) *xivoPair {
	t.Helper()
	p := &xivoPair{newDesk(t, "xivo-", hosts.XiVO)}
	prepare, err := os.ReadFile(filepath.Join("xivo", "prepare.sh"))
	if err != nil {
		t.Fatal(err)
	}
	for _, side := range []string{"main", "standby"} {
		host := p.host(side)
		for _, program := range []string{"xivo-service", "xivo-manage-slave-services", "xivo-master-slave-db-replication"} {
			if err := host.Copy(t.Context(), filepath.Join("xivo", program), "/usr/sbin/"+program); err != nil {
				t.Fatal(err)
			}
		}
		host.Put(t, "/etc/asterisk/pjsip.conf", transport)
		host.Must(t, "bash", "-c", string(prepare), "prepare", host.IP()+"/16", side, p.host(other(side)).IP())
	}
	return p
}

// serves fails the test unless one side runs everything and the other nothing.
func (p *xivoPair) serves(t *testing.T, side string) {
	t.Helper()
	p.wants(t, side, "0", "/usr/share/mainstay/xivo-services status")
	p.wants(t, other(side), "3", "/usr/share/mainstay/xivo-services status")
}

// asterisk is when the Asterisk that runs was started.
func (p *xivoPair) asterisk(t *testing.T, side string) string {
	t.Helper()
	return p.host(side).Must(t, "systemctl", "show", "-P", "ExecMainStartTimestampMonotonic", "asterisk")
}

func (p *xivoPair) people(t *testing.T, side string) string {
	t.Helper()
	return strings.Join(strings.Fields(p.host(side).Must(t, "runuser", "-u", "postgres", "--", "psql", "-d", "xivo", "-qAt", "-c", "select name from people order by name")), " ")
}

func (p *xivoPair) join(t *testing.T, side, name string) {
	t.Helper()
	p.host(side).Must(t, "runuser", "-u", "postgres", "--", "psql", "-d", "xivo", "-q", "-c", "insert into people values ('"+name+"')")
}

// TestFromTwoButtonsToACommit walks examples/xivo/MIGRATE.md on a pair that is switched by
// hand, block by block, and goes back to the buttons at its end. Asterisk on the side that
// serves is started once anew, when its agent begins, and not on the way back.
func TestFromTwoButtonsToACommit(t *testing.T) {
	t.Parallel()
	p := newXivoPair(t)
	steps := p.stepsOf(t, "../examples/xivo/MIGRATE.md")
	p.join(t, "main", "anna")
	before := p.asterisk(t, "main")
	for i, s := range steps {
		switch {
		case strings.Contains(s.text, "failover --to standby"):
			p.host("main").Must(t, "systemctl", "restart", "mainstay")
			if now := p.asterisk(t, "main"); now != before {
				t.Error("Asterisk was restarted again")
			}
			p.serves(t, "main")
			p.conflictsAreFound(t)
			p.buttonsAreUndone(t)
		case strings.Contains(s.text, "disable --now mainstay"):
			p.serves(t, "main")
			p.databaseFollows(t)
			if got := p.host("standby").Must(t, "cat", "/etc/asterisk/people.conf"); got != "anna\nbert" {
				t.Errorf("standby's configuration was made from %q", got)
			}
			if again := p.host("main").Must(t, "cat", "/var/lib/xivo/agents"); strings.Count(again, "again") < 2 {
				t.Errorf("the agents were logged in %q", again)
			}
			p.groupIsKept(t)
			before = p.asterisk(t, "main")
		}
		if strings.Contains(s.text, "enable --now mainstay\n") && p.asterisk(t, "main") != before {
			t.Error("Asterisk was restarted before an agent began on its side")
		}
		p.take(t, s, "main")
		if strings.Contains(s.text, "status --watch") {
			before = p.asterisk(t, "main")
		}
		if i == 0 {
			p.admit(t)
		}
	}
	if now := p.asterisk(t, "main"); now != before {
		t.Error("Asterisk was restarted on the way back")
	}
	// The buttons do again what they did.
	p.wants(t, "main", "0", "xivo-manage-slave-services stop")
	p.wants(t, "standby", "0", "xivo-manage-slave-services start; ls /etc/cron.d/xivo-ha-slave")
	p.serves(t, "standby")
}

// TestTwoXivoUnitByUnit goes over and back with examples/xivo on the same hosts: a line for
// each unit, monit last, no activation of XiVO's own.
func TestTwoXivoUnitByUnit(t *testing.T) {
	t.Parallel()
	p := newXivoPair(t)
	p.join(t, "main", "anna")
	p.here(t, "mainstay init paris --template xivo --origin "+p.git.SSH+" --address xivo-main="+p.host("main").IP()+
		" --address xivo-standby="+p.host("standby").IP()+" --nodes paris-nodes")
	p.admit(t)
	for _, side := range []string{"standby", "main"} {
		host := p.host(side)
		p.here(t, "scp -p mainstay_*_amd64.deb root@"+host.IP()+":/root/; ssh root@"+host.IP()+" dpkg -i /root/mainstay_*_amd64.deb")
		p.here(t, "scp -p paris-nodes/xivo-"+side+"/* root@"+host.IP()+":/etc/mainstay/")
		// Nothing but the agent starts them, and the gate is open for good.
		p.wants(t, side, "0", "systemctl --quiet disable $(grep -v '^#' /etc/mainstay/xivo-units); rm -f /var/lib/xivo/disabled /etc/cron.d/xivo-ha-*; systemctl stop isc-dhcp-server")
	}
	p.wants(t, "main", "0", "/usr/share/mainstay/xivo-replicate "+p.host("standby").IP())
	for _, side := range []string{"standby", "main"} {
		p.wants(t, side, "0", "systemctl --quiet enable --now mainstay")
		if side == "standby" {
			eventually(t, "standby says that it is down", func() bool {
				return strings.Contains(p.here(t, "cd paris; mainstay status || true"), "Inactive")
			})
		}
	}
	p.inOrder(t)
	p.serves(t, "main")
	p.databaseFollows(t)
	p.serves(t, "main")
	if _, code := p.there(t, "standby", "/usr/share/mainstay/xivo-conflicts"); code != "0" {
		t.Error("something fights")
	}
}

// conflictsAreFound makes each thing that would fight, one after the other.
func (p *xivoPair) conflictsAreFound(t *testing.T) {
	t.Helper()
	const look = "/usr/share/mainstay/xivo-conflicts"
	p.wants(t, "standby", "0", look)
	for _, c := range []struct{ make, says, mend string }{
		{"echo '0 * * * * root /usr/sbin/xivo-master-slave-db-replication 10.0.0.1' >/etc/cron.d/again", "/etc/cron.d/again copies to the other side whichever is active", "rm /etc/cron.d/again"},
		{"echo '* * * * * root /usr/sbin/xivo-check-master-status 10.0.0.1' >>/etc/crontab", "/etc/crontab starts services when the other side does not answer", "rm /etc/crontab"},
		{"mkdir -p /var/spool/cron/crontabs; echo '5 * * * * xivo-sync' >/var/spool/cron/crontabs/root", "crontabs/root copies to the other side", "rm /var/spool/cron/crontabs/root"},
		{"cp /etc/xivo/ha.conf /root; echo '{\"mode\": \"automatic\"}' >/etc/xivo/ha.conf", "/etc/xivo/ha.conf has XiVO fail over by itself", "cp /root/ha.conf /etc/xivo"},
		{"mv /etc/xivo/ha.conf /root; mkdir /etc/xivo/ha.conf", "not known: /etc/xivo/ha.conf cannot be read", "rmdir /etc/xivo/ha.conf; mv /root/ha.conf /etc/xivo"},
		{"sed -i '/^monit/d' /etc/mainstay/xivo-units", "has monit start what mainstay stopped", "echo monit.service >>/etc/mainstay/xivo-units"},
		{"systemctl --quiet enable isc-dhcp-server", "systemctl disable isc-dhcp-server.service", "systemctl --quiet disable isc-dhcp-server"},
		{"mv /etc/tmpfiles.d/xivo-gate.conf /root; systemctl --quiet enable asterisk", "these start at boot, before anybody knows which side is active", "systemctl --quiet disable asterisk; mv /root/xivo-gate.conf /etc/tmpfiles.d"},
		{"echo xivo-none.service >>/etc/mainstay/xivo-units", "not known: systemd does not say whether xivo-none.service", "sed -i '/none/d' /etc/mainstay/xivo-units"},
		{"mv /etc/mainstay/xivo-units /root", "not known: /etc/mainstay/xivo-units cannot be read", "mv /root/xivo-units /etc/mainstay"},
		{"echo 2026.04 >/usr/share/xivo/XIVO-VERSION", "this side has version 2026.04 and the other one has 2025.10.04", "echo 2025.10.04 >/usr/share/xivo/XIVO-VERSION"},
		{"mv /var/lib/mainstay-replication/peer-version /root", "not known: the other side's version", "mv /root/peer-version /var/lib/mainstay-replication"},
		{"mv /usr/share/xivo/XIVO-VERSION /root", "does not say which version this is", "mv /root/XIVO-VERSION /usr/share/xivo"},
	} {
		p.wants(t, "standby", "0", c.make)
		if said := p.wants(t, "standby", "1", look); !strings.Contains(said, c.says) || strings.Count(said, "\n") != 1 {
			t.Errorf("after %s it says %q, want one line with %q", c.make, said, c.says)
		}
		p.wants(t, "standby", "0", c.mend)
	}
	p.wants(t, "standby", "0", look)
}

// buttonsAreUndone presses Start services on the side that must not serve: mainstay stops
// again what the button started.
func (p *xivoPair) buttonsAreUndone(t *testing.T) {
	t.Helper()
	p.wants(t, "standby", "0", "xivo-manage-slave-services start || true")
	began := time.Now()
	eventually(t, "what the button started is stopped", func() bool {
		_, code := p.there(t, "standby", "/usr/share/mainstay/xivo-services status")
		return code == "3"
	})
	say(t, "what the button started on the wrong side was stopped after %.1f s", time.Since(began).Seconds())
	p.serves(t, "main")
	p.inOrder(t)
}

// databaseFollows holds that what is written on the side that serves is never overwritten:
// it goes over with the claim, and comes back with it.
func (p *xivoPair) databaseFollows(t *testing.T) {
	t.Helper()
	copyTo := func(from, to string) {
		t.Helper()
		p.wants(t, from, "0", "/usr/share/mainstay/xivo-replicate "+p.host(to).IP())
	}
	p.join(t, "main", "bert")
	copyTo("main", "standby")
	p.here(t, "cd paris\nmainstay failover --yes --to standby")
	p.join(t, "standby", "carl")
	p.onlyTheActiveCopies(t, "standby")
	copyTo("standby", "main")
	p.here(t, "cd paris\nmainstay failover --yes --to main")
	for _, side := range []string{"main", "standby"} {
		if got := p.people(t, side); got != "anna bert carl" {
			t.Errorf("the database of %s has %q", side, got)
		}
	}
}

// onlyTheActiveCopies lets the document's job run every second for a while.
func (p *xivoPair) onlyTheActiveCopies(t *testing.T, active string) {
	t.Helper()
	p.here(t, `cd paris; git pull -q; sed -i 's/schedule: "0 \* \* \* \*"/schedule: "@every 1s"/' deployment.yaml; git commit -qam often; git push -q`)
	waits := p.host(other(active))
	waits.Must(t, "sh", "-c", "rm -f /var/lib/mainstay-replication/at")
	p.host(active).Must(t, "sh", "-c", "rm -f /var/lib/mainstay-replication/at")
	for range 2 {
		eventually(t, "the job copied", func() bool {
			_, err := waits.Exec(t.Context(), "test", "-s", "/var/lib/mainstay-replication/at")
			return err == nil
		})
		waits.Must(t, "rm", "-f", "/var/lib/mainstay-replication/at")
	}
	if got := p.people(t, active); !strings.Contains(got, "carl") || p.people(t, other(active)) != got {
		t.Errorf("the database of the side that serves was overwritten: %q, the other has %q", got, p.people(t, other(active)))
	}
	p.here(t, "cd paris; git revert --no-edit HEAD >/dev/null; git push -q")
}

// groupIsKept holds what the wrapper adds to XiVO's own programs: a unit that ended is
// started alone; a stop that XiVO forgot is made up for; one that cannot be had is said.
func (p *xivoPair) groupIsKept(t *testing.T) {
	t.Helper()
	main := p.host("main")
	before, logins := p.asterisk(t, "main"), main.Must(t, "cat", "/var/lib/xivo/agents")
	main.Must(t, "systemctl", "kill", "--signal=KILL", "xivo-amid")
	eventually(t, "the unit that was killed runs again", func() bool { return main.Runs("xivo-amid.service") })
	if p.asterisk(t, "main") != before || main.Must(t, "cat", "/var/lib/xivo/agents") != logins {
		t.Error("for one unit the whole group was started anew")
	}
	eventually(t, "the group is whole", func() bool {
		_, code := p.there(t, "main", "/usr/share/mainstay/xivo-services status")
		return code == "0"
	})
	p.wants(t, "main", "0", "systemctl stop mainstay; printf 'asterisk\\nmonit\\n' >/etc/xivo/forgotten")
	p.wants(t, "main", "0", "/usr/share/mainstay/xivo-services stop")
	p.wants(t, "main", "3", "/usr/share/mainstay/xivo-services status")
	p.wants(t, "main", "0", "/usr/share/mainstay/xivo-services start; rm /etc/xivo/forgotten")
	p.wants(t, "main", "0", "mkdir -p /run/systemd/system/xivo-dird.service.d; printf '[Unit]\\nRefuseManualStop=yes\\n' >/run/systemd/system/xivo-dird.service.d/x.conf; systemctl daemon-reload")
	if said := p.wants(t, "main", "1", "/usr/share/mainstay/xivo-services stop"); !strings.Contains(said, "stopped, and these run: xivo-dird.service") {
		t.Errorf("a unit does not stop, and it says %q", said)
	}
	if said := p.wants(t, "main", "5", "/usr/share/mainstay/xivo-services status"); !strings.Contains(said, "asterisk.service") {
		t.Errorf("a part runs, and it says %q", said)
	}
	p.wants(t, "main", "4", "XIVO_UNITS=/nonexistent /usr/share/mainstay/xivo-services status")
	p.wants(t, "main", "4", "echo 'asterisk.service;reboot' >/run/units; XIVO_UNITS=/run/units /usr/share/mainstay/xivo-services status")
	p.wants(t, "main", "4", "echo xivo-none.service >/run/units; XIVO_UNITS=/run/units /usr/share/mainstay/xivo-services status")
	p.wants(t, "main", "0", "rm -r /run/systemd/system/xivo-dird.service.d; systemctl daemon-reload; systemctl start mainstay")
	eventually(t, "main is whole again", func() bool {
		_, code := p.there(t, "main", "/usr/share/mainstay/xivo-services status")
		return code == "0"
	})
}
