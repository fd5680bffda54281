//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/gitserver"
	"mainstay/e2e/hosts"
)

// draining is a document of a pair of Asterisks that let calls end before a
// planned stop.
const draining = `apiVersion: mainstay/v1
kind: Deployment
name: calls
active: main
agent: { poll: 1s }
handover: { unconfirmed: hold }
nodes:
  xivo-main:    { role: xivo, side: main,    address: %s }
  xivo-standby: { role: xivo, side: standby, address: %s }
roles:
  xivo:
    exclusive: true
    services:
      - name: asterisk
        systemd: asterisk.service
        ready: { sip: "{{ .node.address }}:5060", within: 60s }
        drain: { command: [/usr/share/mainstay/no-active-calls], within: 1m }
`

// The parts follow on each other. The script that counts calls is the one that
// deployments are given.
func TestAPlannedSwitchLetsCallsEnd(t *testing.T) {
	t.Parallel() // with the stories
	s := newSite(t, hosts.Spec{Name: "xivo-main", Image: hosts.Node}, hosts.Spec{Name: "xivo-standby", Image: hosts.Node},
		hosts.Spec{Name: "phone", Image: hosts.Bookworm})
	main, standby := s.nodes["xivo-main"], s.nodes["xivo-standby"]
	s.commit("A pair that drains", map[string]string{"deployment.yaml": fmt.Sprintf(draining, main.IP(), standby.IP())})
	for name, host := range map[string]*hosts.Host{"xivo-main": main, "xivo-standby": standby} {
		for path, text := range exchange {
			host.Put(t, path, text)
		}
		if err := host.Copy(t.Context(), "../examples/scripts/no-active-calls", "/usr/share/mainstay/no-active-calls"); err != nil {
			t.Fatal(err)
		}
		s.install(name, "{ systemd: [asterisk.service], commands: [[/usr/share/mainstay/no-active-calls]] }")
	}
	// An Asterisk with a limit on calls counts them in other words.
	standby.Must(t, "sed", "-i", "s/^;maxcalls = .*/maxcalls = 10/", "/etc/asterisk/asterisk.conf")
	s.awaitStatus("xivo-main", "Active")
	s.awaitStatus("xivo-standby", "Inactive")
	end := neverBoth(t, "asterisk", func() bool { return main.Runs("asterisk.service") }, func() bool { return standby.Runs("asterisk.service") })
	for _, part := range []struct {
		name string
		play func(*site)
	}{
		{"the switch waits for the calls to end", waitsForCalls},
		{"a person on the node ends the wait", endsTheWait},
		{"the wait ends with its bound", endsWithItsBound},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.play(s.in(t)) }) {
			return
		}
	}
	end()
}

// calls are telephone calls that are held until they end by themselves or are cut.
type calls struct {
	on    *hosts.Host
	ended chan error
}

// call makes calls to a node that end by themselves after a time, and returns
// once they are held.
func (s *site) call(node string, n int, length time.Duration) calls {
	s.t.Helper()
	phone, xivo := s.nodes["phone"], s.nodes[node]
	c := calls{on: xivo, ended: make(chan error, 1)}
	ctx, cancel := context.WithTimeout(context.Background(), length+10*time.Second)
	s.t.Cleanup(cancel)
	go func() {
		_, err := phone.Exec(ctx, "sipp", "-sn", "uac", "-s", "service", "-m", fmt.Sprint(n), "-r", fmt.Sprint(n),
			"-d", fmt.Sprint(length.Milliseconds()), "-timeout", fmt.Sprint(int(length.Seconds())+8)+"s", "-i", phone.IP(), xivo.IP()+":5060")
		c.ended <- err
	}()
	eventually(s.t, "the calls are held", func() bool { return c.held(s.t) == n })
	return c
}

// held counts the calls as Asterisk does.
func (c calls) held(t *testing.T) (n int) {
	t.Helper()
	for line := range strings.Lines(c.on.Must(t, "asterisk", "-rx", "core show channels count")) {
		if strings.Contains(line, "active call") {
			if _, err := fmt.Sscanf(line, "%d", &n); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
		}
	}
	return n
}

// awaitDrain waits until a node tells how many calls it waits for.
func (s *site) awaitDrain(node, within, left string) {
	s.t.Helper()
	s.awaits(node, "draining "+left, func(r report) bool {
		return r.Status == "Deactivating" && strings.HasSuffix(r.Reason, "waiting up to "+within+" for calls to end: "+left)
	})
}

func waitsForCalls(s *site) {
	c := s.call("xivo-main", 2, 12*time.Second)
	commit := s.edit("active: main", "active: standby")
	s.awaitDrain("xivo-main", "1m0s", "2 calls")
	if got := s.claims("calls", "xivo"); got[len(got)-1] != "1 main released" {
		s.t.Errorf("the claim went through %q while calls are held", got)
	}
	said := s.nodes["xivo-main"].Must(s.t, "sh", "-c", "mainstay status --socket /run/mainstay/agent.sock || true")
	if !strings.Contains(said, "for calls to end: 2 calls (") || !strings.Contains(said, " left)") {
		s.t.Errorf("status on the node says %s", said)
	}
	if said := s.nodes["xivo-main"].Must(s.t, "mainstay", "explain"); !strings.Contains(said, "for calls to end: 2 calls (R2") {
		s.t.Errorf("explain says %s", said)
	}
	if err := <-c.ended; err != nil {
		s.t.Errorf("the calls were not let end: %v", err)
	}
	ended := time.Now()
	s.awaitApplied("xivo-standby", "Active", commit)
	s.t.Logf("%-44s %7.2f s", "from the last call's end, xivo-standby is Active after", time.Since(ended).Seconds())
	s.awaitStatus("xivo-main", "Inactive")
}

func endsTheWait(s *site) {
	s.call("xivo-standby", 3, 25*time.Second)
	commit := s.edit("active: standby", "active: main")
	s.awaitDrain("xivo-standby", "1m0s", "3 calls")
	began := time.Now()
	said := s.nodes["xivo-standby"].Must(s.t, "mainstay", "drain", "--end")
	if !strings.Contains(said, "the drain has ended; the services stop now") {
		s.t.Errorf("it says %q", said)
	}
	s.awaitApplied("xivo-main", "Active", commit)
	s.t.Logf("%-44s %7.2f s", "from the word of a person, xivo-main is Active after", time.Since(began).Seconds())
	s.awaitStatus("xivo-standby", "Inactive")
	gitserver.Git(s.t, s.work, "fetch", "--quiet", "origin", "+refs/mainstay/calls/claim/xivo:refs/mainstay/calls/claim/xivo")
	released := gitserver.Git(s.t, s.work, "show", "refs/mainstay/calls/claim/xivo~1:claim.json")
	if !strings.Contains(released, "a person ended the drain") {
		s.t.Errorf("the claim's history does not tell: %s", released)
	}
	_, err := s.nodes["xivo-main"].Exec(s.t.Context(), "mainstay", "drain", "--end")
	if err == nil || !strings.Contains(err.Error(), "nothing drains on this node") {
		s.t.Errorf("where nothing drains it says %v", err)
	}
}

func endsWithItsBound(s *site) {
	const within = 3 * time.Second
	c := s.call("xivo-main", 1, 25*time.Second)
	s.edit("within: 1m }", "within: "+within.String()+" }")
	commit := s.edit("active: main", "active: standby")
	s.awaitDrain("xivo-main", within.String(), "1 call")
	began := time.Now()
	eventually(s.t, "Asterisk is stopped", func() bool { return !c.on.Runs("asterisk.service") })
	took := time.Since(began)
	s.t.Logf("%-44s %7.2f s", "from the first word on calls, Asterisk is down after", took.Seconds())
	if took > within+5*time.Second {
		s.t.Errorf("a drain of %v took %v", within, took)
	}
	if took < within-2*time.Second {
		s.t.Errorf("a call was held, and the drain of %v ended after %v", within, took)
	}
	s.awaitApplied("xivo-standby", "Active", commit)
	s.awaitStatus("xivo-main", "Inactive")
}
