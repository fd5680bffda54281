//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"mainstay/e2e/hosts"
)

const (
	asterisks = 13
	// asteriskDeaths is how often each of them is killed. More would take long,
	// because of the back-off that a service which keeps dying is given.
	asteriskDeaths = 4
)

// severalAsterisks gives a host Asterisks that have nothing in common but their
// program: each its own configuration, folders and port, and Debian's own unit,
// which starts an Asterisk that died again by itself, a second later.
const severalAsterisks = `set -e
sed 's,^ExecStart=.*,& -C /etc/asterisk-%%i/asterisk.conf,' /usr/lib/systemd/system/asterisk.service >/etc/systemd/system/asterisk@.service
for i in $(seq 0 %d); do
	cp -a /etc/asterisk /etc/asterisk-$i
	for kind in db run log spool; do
		folder=/var/lib/asterisk-$i/$kind
		mkdir -p $folder
		sed -i "s,^ast${kind}dir => .*,ast${kind}dir => $folder," /etc/asterisk-$i/asterisk.conf
	done
	sed -i "s,^\[directories\].*,[directories],; s,^astetcdir => .*,astetcdir => /etc/asterisk-$i," /etc/asterisk-$i/asterisk.conf
	printf '[udp]\ntype=transport\nprotocol=udp\nbind=0.0.0.0:%%d\n' $((5060 + i)) >/etc/asterisk-$i/pjsip.conf
	chown -R asterisk: /var/lib/asterisk-$i
done
systemctl daemon-reload
`

func asteriskUnit(i int) string  { return fmt.Sprintf("asterisk@%d.service", i) }
func asteriskGroup(i int) string { return "system-asterisk.slice/" + asteriskUnit(i) }

// Fifty times an Asterisk is killed, and the agent, and not the unit's own Restart,
// begins the start at once.
func TestAnAsteriskThatIsKilledIsStartedAgainAtOnce(t *testing.T) {
	s := newSite(t, hosts.Spec{Name: "xivo", Image: hosts.Node})
	host := s.nodes["xivo"]
	host.Must(t, "sh", "-c", fmt.Sprintf(severalAsterisks, asterisks-1))
	s.commit("Several Asterisks", map[string]string{"deployment.yaml": asteriskDocument(host.IP())})
	s.install("xivo", `{ systemd: ["asterisk@*.service"] }`)
	timed(t, fmt.Sprintf("%d Asterisks answer", asterisks), func() { s.awaitStatus("xivo", "Active") })
	h := &healing{site: s, host: host}
	for round := range asteriskDeaths {
		for i := range asterisks {
			h.kill(i, time.Second<<round)
		}
	}
	figures(t, "Asterisk killed -> the kernel lets it go, and systemd knows", h.reaped)
	figures(t, "Asterisk killed -> the agent orders its start", h.ordered)
	figures(t, "Asterisk killed -> systemd starts it", h.begun)
	if all := asterisks * asteriskDeaths; len(h.ordered) < all*9/10 {
		t.Errorf("the agent ordered %d of %d starts; the others were the unit's own", len(h.ordered), all)
	}
	s.awaitStatus("xivo", "Active")
}

// asteriskDocument is one side that runs all of them.
func asteriskDocument(address string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: mainstay/v1\nkind: Deployment\nname: asterisks\nactive: main\nagent: { poll: 5s }\n"+
		"nodes:\n  xivo: { role: xivo, side: main, address: %s }\nroles:\n  xivo:\n    exclusive: true\n    services:\n", address)
	for i := range asterisks {
		fmt.Fprintf(&b, "      - { name: a%d, systemd: asterisk@%d.service, ready: { sip: \"127.0.0.1:%d\" } }\n", i, i, 5060+i)
	}
	return b.String()
}

// healing is how soon killed Asterisks were noticed and started again.
type healing struct {
	*site
	host                   *hosts.Host
	newest                 [asterisks]time.Time // when each was killed last
	reaped, ordered, begun []time.Duration
}

// kill kills one that has run for longer than its back-off, and waits for its
// start.
func (h *healing) kill(i int, backOff time.Duration) {
	h.t.Helper()
	unit, group := asteriskUnit(i), asteriskGroup(i)
	eventually(h.t, "it runs, and its back-off is over", func() bool {
		return time.Since(h.newest[i]) > backOff+time.Second &&
			h.host.Must(h.t, "systemctl", "show", "--value", "--property=ActiveState", unit) == "active"
	})
	main := mainProcess(h.t, h.host, group)
	killed := killUnit(h.t, h.host, group)
	h.newest[i] = killed
	h.reaped = append(h.reaped, awaitReaped(h.t, main).Sub(killed))
	eventually(h.t, "it is started again", func() bool { return startedAt(h.t, h.host, unit).After(killed) })
	h.begun = append(h.begun, startedAt(h.t, h.host, unit).Sub(killed))
	if starts := h.starts("xivo", i, killed); len(starts) > 0 {
		h.ordered = append(h.ordered, starts[0].Sub(killed))
	}
}

// mainProcess is the first process of a unit, as the machine sees it.
func mainProcess(t *testing.T, host *hosts.Host, group string) int {
	t.Helper()
	pids, err := host.Processes(group)
	if err != nil || len(pids) == 0 {
		t.Fatalf("%s has no processes: %v", group, err)
	}
	return slices.Min(pids)
}

// awaitReaped waits until a killed process is no zombie any more either. Only from
// then on can anybody know of its end.
func awaitReaped(t *testing.T, pid int) time.Time {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	bound := time.After(10 * time.Second)
	for syscall.Kill(pid, 0) == nil {
		select {
		case <-tick.C:
		case <-bound:
			t.Fatalf("process %d is not reaped", pid)
		}
	}
	return time.Now()
}
