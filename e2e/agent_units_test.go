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

// pair is a document of one exclusive role on two sides, whose second service
// misbehaves in turn.
const pair = `apiVersion: mainstay/v1
kind: Deployment
name: pair
active: main
agent: { poll: 1s }
handover: { unconfirmed: hold }
nodes:
  pbx-main:    { role: pbx, side: main,    address: %s }
  pbx-standby: { role: pbx, side: standby, address: %s }
roles:
  pbx:
    exclusive: true
    services:
      - { name: pbx, systemd: pbx.service, stopTimeout: 4s }
      - { name: extra, systemd: extra.service, stopTimeout: 4s }
`

const (
	stubborn = "[Service]\nTimeoutStopSec=1h\nExecStart=/bin/sh -c 'trap \"\" TERM; while :; do sleep 1; done'\n"
	broken   = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'exit 3'\n"
	flapping = "[Service]\nExecStart=/bin/sh -c 'sleep 0.2; exit 7'\n"
)

// unit gives a host another unit file, where packages put theirs.
func unit(t *testing.T, host *hosts.Host, name, text string) {
	t.Helper()
	host.Put(t, "/usr/lib/systemd/system/"+name, text)
	host.Must(t, "systemctl", "daemon-reload")
}

// The hosts have systemd 252. The parts follow on each other.
func TestUnitsThatMisbehave(t *testing.T) {
	s := newSite(t, hosts.Spec{Name: "pbx-main", Image: hosts.Bookworm}, hosts.Spec{Name: "pbx-standby", Image: hosts.Bookworm})
	one, other := s.nodes["pbx-main"], s.nodes["pbx-standby"]
	for _, host := range []*hosts.Host{one, other} {
		unit(t, host, "pbx.service", standIn)
		unit(t, host, "extra.service", standIn)
	}
	s.commit("The pair", map[string]string{"deployment.yaml": fmt.Sprintf(pair, one.IP(), other.IP())})
	s.install("pbx-main", "{ systemd: [pbx.service, extra.service] }")
	s.install("pbx-standby", "{ systemd: [pbx.service, extra.service] }")
	s.awaitStatus("pbx-main", "Active")
	s.awaitStatus("pbx-standby", "Inactive")
	var ends []func() int64
	for _, name := range []string{"pbx.service", "extra.service"} {
		ends = append(ends, neverBoth(t, name, func() bool { return one.Runs(name) }, func() bool { return other.Runs(name) }))
	}
	for _, part := range []struct {
		name string
		play func(*site)
	}{
		{"a start that fails keeps the claim and says why", failsToStart},
		{"a stop that hangs is forced, and only then released", hangsOnStop},
		{"a masked unit is started once it is unmasked", isMasked},
		{"what cannot be seen to be down is not released", cannotBeSeen},
		{"a unit that flaps is given ever more time, and then called failed", flaps},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.play(s.in(t)) }) {
			return
		}
	}
	for _, end := range ends {
		end()
	}
}

func failsToStart(s *site) {
	standby := s.nodes["pbx-standby"]
	unit(s.t, standby, "extra.service", broken)
	s.edit("active: main", "active: standby")
	r := s.awaitStatus("pbx-standby", "Failed")
	if !strings.Contains(r.Reason, "extra is down") || !strings.Contains(r.Reason, "exit code 3") {
		s.t.Errorf("the reason is %q", r.Reason)
	}
	if got := s.claims("pair", "pbx"); got[len(got)-1] != "3 standby released" {
		s.t.Errorf("the claim went through %q", got)
	}
	s.awaitStatus("pbx-main", "Inactive")
	unit(s.t, standby, "extra.service", stubborn)
	s.awaitStatus("pbx-standby", "Active")
}

// R2: past three quarters of the stop's bound systemd is told to kill.
func hangsOnStop(s *site) {
	main, standby := s.nodes["pbx-main"], s.nodes["pbx-standby"]
	main.Must(s.t, "systemctl", "mask", "extra.service")
	began := time.Now()
	s.edit("active: standby", "active: main")
	s.awaitStatus("pbx-standby", "Deactivating")
	if got := s.claims("pair", "pbx"); standby.Runs("extra.service") && got[len(got)-1] != "3 standby released" {
		s.t.Errorf("released while a unit runs: %q", got)
	}
	s.awaitStatus("pbx-standby", "Inactive")
	s.t.Logf("%-44s %7.2f s", "from the push, it is down and released after", time.Since(began).Seconds())
	if took := time.Since(began); took < 3*time.Second {
		s.t.Errorf("it was killed after %v without 3 s to end by itself", took)
	}
}

func isMasked(s *site) {
	r := s.awaitStatus("pbx-main", "Failed")
	if !strings.Contains(r.Reason, "masked") || !strings.Contains(r.Reason, "systemctl unmask") {
		s.t.Errorf("the reason is %q", r.Reason)
	}
	if got := s.claims("pair", "pbx"); got[len(got)-1] != "5 main released" {
		s.t.Errorf("the claim went through %q", got)
	}
	s.nodes["pbx-main"].Must(s.t, "systemctl", "unmask", "extra.service")
	s.awaitStatus("pbx-main", "Active")
}

// cannotBeSeen stops systemd itself: no stop is carried out and no state can be
// read.
func cannotBeSeen(s *site) {
	main := s.nodes["pbx-main"]
	first, err := main.Processes("../init.scope")
	if err != nil || len(first) != 1 {
		s.t.Fatalf("the host's systemd is %v: %v", first, err)
	}
	if err := syscall.Kill(first[0], syscall.SIGSTOP); err != nil {
		s.t.Fatal(err)
	}
	goOn := func() { _ = syscall.Kill(first[0], syscall.SIGCONT) }
	s.t.Cleanup(goOn)
	s.edit("active: main", "active: standby")
	r := s.awaitStatus("pbx-main", "Failed")
	for _, want := range []string{"could not be stopped", "the claim is not released until it is seen down", "run systemctl kill --signal=SIGKILL 'extra.service'"} {
		if !strings.Contains(r.Reason, want) {
			s.t.Errorf("the reason does not say %q: %q", want, r.Reason)
		}
	}
	if r := s.awaitStatus("pbx-standby", "Held"); !strings.Contains(r.Reason, "pbx-main") {
		s.t.Errorf("the other side is held by %q", r.Reason)
	}
	if got := s.claims("pair", "pbx"); got[len(got)-1] != "5 main released" {
		s.t.Errorf("the claim went through %q", got)
	}
	goOn()
	s.awaitStatus("pbx-standby", "Active")
	s.awaitStatus("pbx-main", "Inactive")
}

func flaps(s *site) {
	standby := s.nodes["pbx-standby"]
	unit(s.t, standby, "extra.service", flapping)
	killed := killUnit(s.t, standby, "extra.service")
	r := s.awaitStatus("pbx-standby", "Failed")
	if !strings.Contains(r.Reason, "extra is down") || !strings.Contains(r.Reason, "exit code 7") {
		s.t.Errorf("the reason is %q", r.Reason)
	}
	var gaps []time.Duration
	starts := s.starts("pbx-standby", 1, killed)
	for i := 1; i < len(starts); i++ {
		gaps = append(gaps, starts[i].Sub(starts[i-1]))
	}
	s.t.Logf("started again after %v", gaps)
	if len(gaps) < 2 || !slices.IsSorted(gaps) || gaps[0] < time.Second {
		s.t.Errorf("the time between two starts does not grow: %v", gaps)
	}
	if !standby.Runs("pbx.service") {
		s.t.Error("the other service was stopped")
	}
}
