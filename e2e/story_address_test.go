//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"mainstay/e2e/hosts"
)

// floating is a document of two telephone servers with a page each, behind one address.
const floating = `apiVersion: mainstay/v1
kind: Deployment
name: paris
active: main
agent: { poll: 1s, timeout: 3s }
handover: { wait: 30s, lease: 0s }
nodes:
  xivo-main:    { role: xivo, side: main,    address: %s }
  xivo-standby: { role: xivo, side: standby, address: %s }
roles:
  xivo:
    exclusive: true
    services:
      - { name: asterisk, systemd: asterisk.service, stopTimeout: 3s, ready: { sip: "{{ .node.address }}:5060" } }
      - { name: page, systemd: nginx.service, stopTimeout: 3s, ready: { http: "http://{{ .node.address }}/" } }
      - { name: voice, address: { interface: eth0, ip: %s }, stopTimeout: 3s }
      - { name: again, run: { onStart: [/usr/local/bin/note, started], onStop: [/usr/local/bin/note, stopped] }, stopTimeout: 3s }
`

// moving is that deployment on real hosts, with a telephone and a browser that know the
// one address and nothing else.
type moving struct {
	*site
	address string
	// six says that the address is one of IPv6, and mask is its network's.
	six   bool
	mask  string
	phone *hosts.Host
	heard *hosts.Announcements
}

func newMoving(t *testing.T, six bool) *moving {
	t.Helper()
	network := hosts.NewNetwork
	if six {
		network = hosts.NewNetwork6
	}
	deb := make(chan string, 1)
	go func() { deb <- buildDeb(t, "") }()
	s := newSiteOn(t, network(t), hosts.Spec{Name: "xivo-main", Image: hosts.Node, Addresses: true}, hosts.Spec{Name: "xivo-standby", Image: hosts.Node, Addresses: true},
		hosts.Spec{Name: "phone", Image: hosts.Bookworm, Addresses: true})
	m := &moving{site: s, address: s.network.Spare(), mask: "/24", phone: s.nodes["phone"], heard: s.network.Listen(t)}
	if six {
		m.address, m.mask, m.six = s.network.Spare6(), "/64", true
	}
	delete(s.nodes, "phone")
	s.commit("The deployment", map[string]string{
		"deployment.yaml": fmt.Sprintf(floating, s.nodes["xivo-main"].IP(), s.nodes["xivo-standby"].IP(), m.address+m.mask)})
	m.phone.Put(t, "/root/call.xml", callScenario)
	file := <-deb
	for _, side := range []string{"main", "standby"} {
		host := s.nodes["xivo-"+side]
		for path, text := range exchange {
			host.Put(t, path, text)
		}
		host.Put(t, "/var/www/html/index.html", side+"\n")
		if err := host.Write(t.Context(), "/usr/local/bin/note", []byte("#!/bin/sh\necho \"$1\" >>/var/log/notes\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := dpkg(t.Context(), host, file); err != nil {
			t.Fatal(err)
		}
		host.Put(t, "/etc/mainstay/agent.yaml", fmt.Sprintf("node: %s\nrepository: { url: %q }\n"+
			"allow: { systemd: [asterisk.service, nginx.service], addresses: [%q], commands: [[/usr/local/bin/note, \"*\"]] }\n", host.Name(), s.git.HTTP, "eth0="+m.address+m.mask))
		host.Must(t, "systemctl", "--quiet", "enable", "--now", hosts.AgentUnit)
	}
	return m
}

func (m *moving) has(side string) bool { return m.nodes["xivo-"+side].Has(m.address) }

// wantNotes holds that the commands around a switch ran in turn, once each, and what the
// newest was.
func (m *moving) wantNotes(t *testing.T, side, newest string) {
	t.Helper()
	notes := strings.Fields(m.nodes["xivo-"+side].Must(t, "cat", "/var/log/notes"))
	for i, note := range notes {
		if want := []string{"started", "stopped"}[i%2]; note != want {
			t.Fatalf("on %s the commands ran as %q", side, notes)
		}
	}
	if notes[len(notes)-1] != newest {
		t.Errorf("on %s the newest command is that of %q, want %q", side, notes, newest)
	}
}

// call makes one call to the one address.
func (m *moving) call(t *testing.T) error {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := m.phone.Exec(ctx, "sipp", "-m", "1", "-i", m.phone.IP(), "-timeout", "20s", "-timeout_error",
		"-sf", "/root/call.xml", "-s", "service", "-d", "100", m.address+":5060")
	return err
}

// onlooker gets the page at the one address all the time, each time anew.
type onlooker struct {
	mu      sync.Mutex
	looks   int
	lost    int
	side    string
	since   time.Time // of the newest answer
	longest time.Duration
}

// browses gets the page every 10 ms until the test ends.
func (m *moving) browses(t *testing.T) *onlooker {
	b := &onlooker{since: time.Now()}
	client := http.Client{Timeout: 250 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}}
	every(t, 10*time.Millisecond, func() {
		answer := ""
		if reply, err := client.Get("http://" + net.JoinHostPort(m.address, "80") + "/"); err == nil {
			text := make([]byte, 16)
			n, _ := reply.Body.Read(text)
			reply.Body.Close()
			answer = strings.TrimSpace(string(text[:n]))
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.looks++
		if answer != "main" && answer != "standby" {
			b.lost++
			return
		}
		now := time.Now()
		b.side, b.longest, b.since = answer, max(b.longest, now.Sub(b.since)), now
	})
	return b
}

// sees waits until the browser sees the page of a side.
func (b *onlooker) sees(t *testing.T, side string) {
	t.Helper()
	eventually(t, "the page of "+side+" at the one address", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.side == side && time.Since(b.since) < 100*time.Millisecond
	})
}

// off is the longest time without an answer since the last call, with how many of how
// many requests were not answered.
func (b *onlooker) off() (longest time.Duration, lost, looks int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	longest, lost, looks = b.longest, b.lost, b.looks
	b.longest, b.lost, b.looks = 0, 0, 0
	return longest, lost, looks
}

// addressPart is a part of the story of an address.
type addressPart struct {
	name string
	run  func(*testing.T, *moving, *onlooker)
}

// One deployment whose sides take turns at one address.
func TestAnAddressMovesWithTheSideThatServes(t *testing.T) {
	t.Parallel()
	newMoving(t, false).play(t,
		addressPart{"over and back", addressOverAndBack},
		addressPart{"removed by hand", addressRemoved},
		addressPart{"the agent is killed", addressOfADeadAgent},
		addressPart{"another machine has it", addressInUse},
		addressPart{"the side that has it is cut off from git", addressOfACutOffSide},
		addressPart{"the agent is gone under a lease", addressUnderALease})
}

// The same with an address of IPv6, which is asked for and announced by neighbour discovery.
func TestAnIPv6AddressMovesWithTheSideThatServes(t *testing.T) {
	t.Parallel()
	newMoving(t, true).play(t,
		addressPart{"over and back", addressOverAndBack},
		addressPart{"removed by hand", addressRemoved},
		addressPart{"another machine has it", addressInUse})
}

// play plays parts that follow on each other, with a browser that looks on.
func (m *moving) play(t *testing.T, parts ...addressPart) {
	m.awaitStatus("xivo-main", "Active")
	m.awaitStatus("xivo-standby", "Inactive")
	b := m.browses(t)
	b.sees(t, "main")
	neverBoth(t, "the address", func() bool { return m.has("main") }, func() bool { return m.has("standby") })
	for _, part := range parts {
		if !t.Run(part.name, func(t *testing.T) {
			in := *m
			in.site = m.in(t)
			part.run(t, &in, b)
		}) {
			return
		}
	}
}

// The telephone's next call and the browser's next page reach the side that serves, and
// nobody is told to send to the other one.
func addressOverAndBack(t *testing.T, m *moving, b *onlooker) {
	hardware := map[string]string{}
	for _, side := range []string{"main", "standby"} {
		hardware[side] = m.nodes["xivo-"+side].Hardware(t)
	}
	var off, settled []time.Duration
	lost, looks := 0, 0
	for i := range 2 * switchesMeasured() {
		to := []string{"standby", "main"}[i%2]
		b.off()
		commit := m.edit("active: "+other(to), "active: "+to)
		eventually(t, "the address is on "+to, func() bool { return m.has(to) })
		added := time.Now()
		b.sees(t, to)
		settled = append(settled, time.Since(added))
		longest, l, n := b.off()
		off, lost, looks = append(off, longest), lost+l, looks+n
		m.awaitApplied("xivo-"+to, "Active", commit)
		m.awaitApplied("xivo-"+other(to), "Inactive", commit)
		if !m.six { // the telephone knows IPv4 only
			if err := m.call(t); err != nil {
				t.Errorf("the telephone's next call to %s was refused: %v", to, err)
			}
		}
		m.wantNotes(t, to, "started")
		m.wantNotes(t, other(to), "stopped")
		if m.has(other(to)) || !m.has(to) {
			t.Errorf("%s serves, and the address is on main: %v, on standby: %v", to, m.has("main"), m.has("standby"))
		}
		eventually(t, "the move to "+to+" is announced, and again", func() bool { return len(m.heard.Of(m.address, added.Add(-time.Second))) >= 2 })
		for _, a := range m.heard.Of(m.address, added.Add(-time.Second)) {
			if a.From != hardware[to] {
				t.Errorf("%s announces the address that %s has", a.From, to)
			}
		}
	}
	slices.Sort(off)
	slices.Sort(settled)
	say(t, "the address off the air in a planned switch: n %d, median %.2f s, best %.2f s, worst %.2f s; %d of %d requests lost",
		len(off), off[len(off)/2].Seconds(), off[0].Seconds(), off[len(off)-1].Seconds(), lost, looks)
	say(t, "from the address being there to its page: median %.3f s, worst %.3f s", settled[len(settled)/2].Seconds(), settled[len(settled)-1].Seconds())
}

// What somebody removed is there again, by event and not by the next look.
func addressRemoved(t *testing.T, m *moving, b *onlooker) {
	b.off()
	host := m.nodes["xivo-main"]
	host.Must(t, "ip", "address", "del", m.address+m.mask, "dev", "eth0")
	began := time.Now()
	eventually(t, "the address is there again", func() bool { return m.has("main") })
	took := time.Since(began)
	b.sees(t, "main")
	m.awaitStatus("xivo-main", "Active")
	longest, _, _ := b.off()
	file := "/etc/network/interfaces.d/voice"
	for _, want := range []string{"voice is known here (running)", file + " names " + m.address} {
		said, _ := host.Exec(t.Context(), "mainstay", "doctor") // fails on a host like this for other reasons
		if !strings.Contains(said, want) {
			t.Errorf("doctor does not say %q: %s", want, said)
		}
		host.Put(t, file, "iface eth0:1 inet static\n  address "+m.address+m.mask+"\n")
	}
	host.Must(t, "rm", file)
	say(t, "removed by hand: there again after %.2f s, off the air %.2f s", took.Seconds(), longest.Seconds())
}

// What serves goes on serving when its agent ends.
func addressOfADeadAgent(t *testing.T, m *moving, b *onlooker) {
	b.off()
	host := m.nodes["xivo-main"]
	pids, err := host.Processes(hosts.AgentUnit)
	if err != nil || len(pids) == 0 {
		t.Fatal(pids, err)
	}
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	var went atomic.Bool
	end := every(t, 5*time.Millisecond, func() { went.Store(went.Load() || !m.has("main")) })
	eventually(t, "another agent runs", func() bool {
		now, _ := host.Processes(hosts.AgentUnit)
		return len(now) > 0 && !slices.ContainsFunc(now, func(pid int) bool { return slices.Contains(pids, pid) })
	})
	m.awaitStatus("xivo-main", "Active")
	end()
	if went.Load() {
		t.Error("the address went with its agent")
	}
	m.wantNotes(t, "main", "started")
	if longest, lost, looks := b.off(); lost > 0 {
		t.Errorf("%d of %d requests were lost, for %s", lost, looks, longest)
	}
}

// An address that another machine has is not taken: the node says who has it, and takes
// it once it is free.
func addressInUse(t *testing.T, m *moving, b *onlooker) {
	thief := m.phone.Hardware(t)
	add := []string{"ip", "address", "add", m.address + m.mask, "dev", "eth0"}
	if m.six {
		add = append(add, "nodad") // a kernel that asks first would find that it is in use
	}
	m.phone.Must(t, add...)
	m.awaits("xivo-main", "telling of a rival", func(r report) bool {
		return strings.Contains(r.condition("AddressContested"), thief+" has "+m.address+" too")
	})
	commit := m.edit("active: main", "active: standby")
	r := m.awaitStatus("xivo-standby", "Failed")
	if want := m.address + " is in use by " + thief; !strings.Contains(r.Reason, want) {
		t.Errorf("standby says %q, and not %q", r.Reason, want)
	}
	say(t, "a duplicate address: %s", r.Reason)
	if m.has("standby") || m.has("main") {
		t.Error("it was added all the same")
	}
	m.phone.Must(t, "ip", "address", "del", m.address+m.mask, "dev", "eth0")
	m.awaitApplied("xivo-standby", "Active", commit)
	b.sees(t, "standby")
}

// A side that presumes the other one dead finds that it lives, when it asks for the
// address: telephones stay where they are, until the cut off side hears of the claim.
func addressOfACutOffSide(t *testing.T, m *moving, b *onlooker) {
	m.awaitApplied("xivo-standby", "Active", m.edit("wait: 30s", "wait: 5s"))
	host := m.nodes["xivo-standby"]
	join := part(t, host, m.git.Host)
	b.off()
	m.edit("active: standby", "active: main")
	r := m.awaitStatus("xivo-main", "Failed")
	if want := m.address + " is in use by " + host.Hardware(t); !strings.Contains(r.Reason, want) {
		t.Errorf("main says %q, and not %q", r.Reason, want)
	}
	if history := m.claims("paris", "xivo"); !strings.HasSuffix(history[len(history)-1], "main presumed") {
		t.Errorf("the claim went through %q", history)
	}
	if longest, lost, looks := b.off(); lost > 0 || m.has("main") || !m.has("standby") {
		t.Errorf("%d of %d requests were lost, for %s; the address is on main: %v, on standby: %v", lost, looks, longest, m.has("main"), m.has("standby"))
	}
	join()
	b.sees(t, "main")
	m.awaitStatus("xivo-main", "Active")
	longest, _, _ := b.off()
	say(t, "presumed dead, and alive: the address stays; off the air once git is back for %.2f s", longest.Seconds())
}

// R7: the guard takes the address away when no agent obeys the lease.
func addressUnderALease(t *testing.T, m *moving, b *onlooker) {
	commit := m.edit("lease: 0s", "lease: 8s")
	m.awaitApplied("xivo-main", "Active", commit)
	m.awaitLease(t, "xivo")
	host := m.nodes["xivo-main"]
	eventually(t, "a guard runs", func() bool { return host.Runs(hosts.GuardUnit) })
	host.Must(t, "systemctl", "stop", hosts.AgentUnit)
	began := time.Now()
	eventually(t, "the address is gone", func() bool { return !m.has("main") })
	say(t, "the agent is stopped under a lease of 8 s: the address is gone after %.1f s", time.Since(began).Seconds())
	m.edit("active: main", "active: standby")
	m.awaitStatus("xivo-standby", "Active")
	b.sees(t, "standby")
}
