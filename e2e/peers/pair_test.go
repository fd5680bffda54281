//go:build e2e

package peers

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mainstay/e2e/hosts"
)

// pair is two hosts on which every way has a unit of its own, and a third one with git's
// server and the third member of etcd.
type pair struct {
	t     testing.TB
	hosts map[string]*hosts.Host // by side
	git   *hosts.GitHost
}

// trivial is a unit that starts and stops at once, and more lines of its section.
const trivial = "[Service]\nExecStart=/usr/bin/busybox httpd -f -p %d -h /srv\n%s"

// patience is how long a way may take to move its unit.
const patience = time.Minute

func newPair(t testing.TB) *pair {
	t.Helper()
	network := hosts.NewNetwork(t)
	made := hosts.StartAll(t,
		hosts.Spec{Name: "main", Image: hosts.Peers, Network: network, Addresses: true},
		hosts.Spec{Name: "standby", Image: hosts.Peers, Network: network, Addresses: true},
		hosts.Spec{Name: "git", Image: hosts.Peers, Network: network})
	p := &pair{t: t, hosts: map[string]*hosts.Host{"main": made[0], "standby": made[1]}}
	p.git = hosts.ServeGit(t, made[2])
	return p
}

// unit installs the unit of a way on both sides.
func (p *pair) unit(name string, port int, more string) {
	p.t.Helper()
	for _, h := range p.hosts {
		h.Put(p.t, "/etc/systemd/system/"+name, fmt.Sprintf(trivial, port, more))
		h.Must(p.t, "systemctl", "daemon-reload")
	}
}

func other(side string) string { return map[string]string{"main": "standby", "standby": "main"}[side] }

// now is the kernel's monotonic clock.
func now(t testing.TB) time.Duration {
	t.Helper()
	var at unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &at); err != nil {
		t.Fatal(err)
	}
	return time.Duration(at.Nano())
}

// changed is when a unit last became active, and inactive, by that clock.
func (p *pair) changed(side, unit string) (active, inactive time.Duration) {
	p.t.Helper()
	said := p.hosts[side].Must(p.t, "systemctl", "show", "--property", "ActiveEnterTimestampMonotonic,InactiveEnterTimestampMonotonic", unit)
	for line := range strings.SplitSeq(said, "\n") {
		name, value, _ := strings.Cut(line, "=")
		micro, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			p.t.Fatalf("systemd says %q of %s", line, unit)
		}
		if at := time.Duration(micro) * time.Microsecond; name == "ActiveEnterTimestampMonotonic" {
			active = at
		} else {
			inactive = at
		}
	}
	return active, inactive
}

// eventually waits for what the kernel shows; looking costs microseconds.
func (p *pair) eventually(what string, is func() bool) {
	p.t.Helper()
	bound, again := time.After(patience), time.NewTicker(time.Millisecond)
	defer again.Stop()
	for !is() {
		select {
		case <-again.C:
		case <-bound:
			p.t.Fatalf("never came: %s", what)
		}
	}
}

// quiet lets what follows a switch come to its end before the next measurement.
func (p *pair) quiet(d time.Duration) {
	select {
	case <-time.After(d):
	case <-p.t.Context().Done():
	}
}

// A switch is one move of a unit, as systemd and the clock saw it.
type switched struct {
	stopped, active time.Duration // after the command began
}

// gap is for how long nobody served; below zero, both did.
func (s switched) gap() time.Duration { return s.active - s.stopped }

// moves orders a unit to a side, and returns when it is there and nowhere else.
func (p *pair) moves(w way, to string) switched {
	p.t.Helper()
	began := now(p.t)
	w.order(to)
	p.eventually(w.name+" moves its unit to "+to, func() bool {
		return p.hosts[to].Runs(w.unit) && !p.hosts[other(to)].Runs(w.unit)
	})
	p.quiet(100 * time.Millisecond) // systemd notes it a moment after the kernel
	active, _ := p.changed(to, w.unit)
	_, inactive := p.changed(other(to), w.unit)
	if active < began || inactive < began {
		p.t.Fatalf("%s: began at %s, stopped at %s, active at %s", w.name, began, inactive, active)
	}
	return switched{stopped: inactive - began, active: active - began}
}

// heals kills a unit's processes where it runs, and returns how long it took until it was active
// again.
func (p *pair) heals(w way, side string) time.Duration {
	p.t.Helper()
	before, err := p.hosts[side].Processes(w.unit)
	if err != nil || len(before) != 1 {
		p.t.Fatalf("%s has the processes %d: %v", w.unit, before, err)
	}
	began := now(p.t)
	if err := unix.Kill(before[0], unix.SIGKILL); err != nil {
		p.t.Fatal(err)
	}
	p.eventually(w.name+" heals its unit", func() bool {
		pids, err := p.hosts[side].Processes(w.unit)
		return err == nil && len(pids) == 1 && pids[0] != before[0]
	})
	p.quiet(100 * time.Millisecond)
	active, _ := p.changed(side, w.unit)
	if active < began {
		p.t.Fatalf("%s: killed at %s, active at %s", w.name, began, active)
	}
	return active - began
}
