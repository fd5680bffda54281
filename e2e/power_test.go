//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"mainstay/e2e/hosts"
)

func TestAHostIsCutFrozenKilledAndBooted(t *testing.T) {
	network := hosts.NewNetwork(t)
	pair := hosts.StartAll(t,
		hosts.Spec{Name: "old", Image: hosts.Bookworm, Network: network},
		hosts.Spec{Name: "new", Image: hosts.Node, Network: network})
	old, young := pair[0], pair[1]
	for _, host := range pair {
		host.Must(t, "systemctl", "--quiet", "enable", "--now", "nginx")
	}
	web := old.IP() + ":80"
	if !reaches(web) || !connects(t, young, "old", 80) {
		t.Fatal("nginx does not answer the machine and the other host")
	}
	t.Run("cut", func(t *testing.T) { cutAndJoin(t, old, young) })
	t.Run("one way", func(t *testing.T) { blockOneWay(t, old, young) })
	t.Run("unplug", func(t *testing.T) {
		timed(t, "unplug", func() { old.Unplug(t) })
		if links := old.Must(t, "ip", "-brief", "link"); strings.Contains(links, "eth") {
			t.Errorf("the unplugged host still sees %s", links)
		}
		timed(t, "plug", func() { old.Plug(t) })
		eventually(t, "it answers again", func() bool { return reaches(web) && connects(t, young, "old", 80) })
	})
	t.Run("freeze", func(t *testing.T) { freezeAndThaw(t, old) })
	t.Run("kill", func(t *testing.T) { killAndBoot(t, old) })
	t.Run("reboot by itself", func(t *testing.T) { rebootsByItself(t, young) })
	t.Run("shut down", func(t *testing.T) {
		timed(t, "shut down", func() { young.Shutdown(t) })
		if young.Up() {
			t.Error("it still has processes")
		}
		timed(t, "boot", func() { young.Boot(t) })
	})
}

func cutAndJoin(t *testing.T, old, young *hosts.Host) {
	timed(t, "cut", func() { old.Cut(t) })
	if reaches(old.IP()+":80") || connects(t, young, old.IP(), 80) || connects(t, old, young.IP(), 80) {
		t.Error("a host that is cut off was reached, or reached another")
	}
	if !reaches(young.IP() + ":80") {
		t.Error("the cut took another host's network too")
	}
	if !strings.Contains(old.Must(t, "ip", "-brief", "link", "show", "eth0"), "UP") {
		t.Error("the host was told that its wire is cut")
	}
	timed(t, "join", func() { old.Join(t) })
	eventually(t, "the joined host answers", func() bool { return reaches(old.IP() + ":80") })
}

func blockOneWay(t *testing.T, old, young *hosts.Host) {
	old.Block(t, young.IP())
	if connects(t, young, old.IP(), 80) {
		t.Error("a connection whose answers vanish was made")
	}
	if !reaches(old.IP() + ":80") {
		t.Error("the block took the machine's way too")
	}
	old.Unblock(t, young.IP())
	eventually(t, "unblocked", func() bool { return connects(t, young, old.IP(), 80) })
}

func freezeAndThaw(t *testing.T, host *hosts.Host) {
	url := "http://" + host.IP() + "/"
	before := page(url)
	timed(t, "freeze", func() { host.Freeze(t) })
	if !reaches(host.IP() + ":80") {
		t.Error("the kernel of a frozen host does not accept connections any more")
	}
	if got := page(url); got == before {
		t.Error("a frozen host served a page")
	}
	timed(t, "thaw", func() { host.Thaw(t) })
	eventually(t, "the thawed host serves its page", func() bool { return page(url) == before })
}

func killAndBoot(t *testing.T, host *hosts.Host) {
	host.Must(t, "sh", "-c", "echo kept >/etc/kept && echo kept >"+hosts.StateFolder+"/kept && echo lost >/run/lost")
	id := host.Must(t, "cat", "/etc/machine-id")
	host.Freeze(t)
	timed(t, "kill", func() { host.Kill(t) })
	if host.Up() || reaches(host.IP()+":80") {
		t.Error("a killed host lives")
	}
	host.Cut(t)
	timed(t, "boot", func() { host.Boot(t) })
	if reaches(host.IP() + ":80") {
		t.Error("a cut host was reached after its reboot")
	}
	host.Join(t)
	eventually(t, "it serves again", func() bool { return reaches(host.IP() + ":80") })
	if got := host.Must(t, "cat", "/etc/kept", hosts.StateFolder+"/kept", "/etc/machine-id"); got != "kept\nkept\n"+id {
		t.Errorf("after the boot its disk has %q", got)
	}
	if _, err := host.Exec(t.Context(), "test", "!", "-e", "/run/lost"); err != nil {
		t.Error("/run outlived the boot")
	}
}

func rebootsByItself(t *testing.T, host *hosts.Host) {
	before := bootID(t, host)
	host.Exec(t.Context(), "systemctl", "reboot", "--force", "--force")
	timed(t, "reboot by itself", func() {
		eventually(t, "another boot", func() bool {
			after, err := host.Exec(t.Context(), "systemctl", "show", "--property=UserspaceTimestampMonotonic")
			return err == nil && after != before && strings.TrimPrefix(after, "UserspaceTimestampMonotonic=") != "0"
		})
	})
	eventually(t, "it serves again", func() bool { return reaches(host.IP() + ":80") })
}

// bootID tells two boots of a host apart: its kernel, and so the kernel's boot
// id, is the machine's.
func bootID(t *testing.T, host *hosts.Host) string {
	t.Helper()
	return host.Must(t, "systemctl", "show", "--property=UserspaceTimestampMonotonic")
}
