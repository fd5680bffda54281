package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/e2e/mailbox"
	"mainstay/reconcile/plan"
)

// receivers are a server of mail and one of webhooks to which every agent sends.
type receivers struct {
	*site
	mail *mailbox.Mail
	hook *mailbox.Hook
}

func newReceivers(t *testing.T, after string) *receivers {
	t.Helper()
	r := &receivers{hook: &mailbox.Hook{Secret: "s3cret", Refuse: 1}}
	var err error
	r.mail, err = mailbox.ListenMail("127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = r.mail.Close() })
	s := httptest.NewServer(r.hook)
	t.Cleanup(s.Close)
	secret := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(secret, []byte("s3cret\n"), 0o600))
	r.site = newSite(t, func(p *layout) {
		p.Alerts = fmt.Sprintf(`[{ webhook: "%s", secretFile: %s, %s }, { to: "smtp://%s/?from=mainstay@example.org&to=oncall@example.org", language: fr, %s }]`,
			s.URL, secret, after, r.mail.Addr(), after)
	})
	r.until("both agents saw main serve", func(map[string]plan.Report) bool {
		for _, n := range r.nodes() {
			if b, _ := os.ReadFile(filepath.Join(r.node(n.Name), "state", "alerts.state")); !strings.Contains(string(b), `"serving":"main"`) {
				return false
			}
		}
		return true
	})
	return r
}

// lines are the messages as the tests compare it.
func (r *receivers) lines() []string {
	var out []string
	for _, text := range r.hook.Taken() {
		var m struct{ Kind, Event, Node, Teller string }
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			r.t.Fatalf("%v: %s", err, text)
		}
		out = append(out, strings.Join(strings.Fields(strings.Join([]string{m.Kind, m.Event, m.Node, "by", m.Teller}, " ")), " "))
	}
	return out
}

// hears waits until both receivers have got so many messages, and compares them.
func (r *receivers) hears(want ...string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), within)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for len(r.lines()) < len(want) || len(r.mail.Taken()) < len(want) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			r.t.Fatalf("%d mails, and of webhooks\n%s", len(r.mail.Taken()), cmp.Diff(want, r.lines()))
		}
	}
	r.exactly(want)
}

// sent waits until nothing of a node is under way: what is then may come twice after a crash,
// with the same id.
func (r *receivers) sent(name string) {
	r.t.Helper()
	r.until("every message of "+name+" is known to have arrived", func(map[string]plan.Report) bool {
		b, err := os.ReadFile(filepath.Join(r.node(name), "state", "alerts.state"))
		return err == nil && !strings.Contains(string(b), `"queue":[`)
	})
}

func (r *receivers) exactly(want []string) {
	r.t.Helper()
	got := r.lines()
	slices.Sort(got)
	want = slices.Clone(want)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" || len(r.mail.Taken()) != len(want) {
		r.t.Fatalf("%d mails, and of webhooks (-want +got)\n%s", len(r.mail.Taken()), diff)
	}
}

// Each event is one message to each receiver, whichever agents see it, whatever of them
// restart, and though the first webhook is refused.
func TestEachEventIsToldExactlyOnce(t *testing.T) {
	r := newReceivers(t, "after: { held: 5m, failed: 0s, unserved: 5m, silent: 5m, paused: 0s }")
	heard := []string{}
	hears := func(more ...string) {
		t.Helper()
		heard = append(heard, more...)
		r.hears(heard...)
	}
	r.converges(r.flips("standby"))
	hears("began switch by xivo-standby", "over switch by xivo-standby")

	good := r.head
	r.writes(func(d string) string { return strings.Replace(d, "active: standby", "active: stanby", 1) })
	hears("began document by xivo-main")
	for _, name := range []string{"xivo-main", "xivo-standby"} { // a crash, and an end in order
		if name == "xivo-main" {
			r.sent(name)
			r.kill(name)
		} else {
			must(t, r.agent(name).cmd.Process.Signal(os.Interrupt))
			<-r.agent(name).done
			r.agents.procs = slices.DeleteFunc(r.agents.procs, func(q *agentProc) bool { return q.name == name })
		}
		must(t, r.agents.start(name))
	}
	r.until("both see the broken document again", func(m map[string]plan.Report) bool {
		return has(m["xivo-main"], plan.CondDocumentInvalid) && has(m["xivo-standby"], plan.CondDocumentInvalid)
	})
	back := r.writes(func(d string) string { return strings.Replace(d, "active: stanby", "active: main", 1) })
	if back == good {
		t.Fatal("nothing was committed")
	}
	r.converges(back)
	hears("over document by xivo-main", "began switch by xivo-main", "over switch by xivo-main")

	paused := func(d string) string {
		return strings.Replace(d, "xivo-standby: { role: xivo,", "xivo-standby: { paused: true, reason: <b>works</b>, role: xivo,", 1)
	}
	r.writes(paused)
	hears("began paused xivo-standby by xivo-standby")
	r.converges(r.writes(func(d string) string { return strings.Replace(d, "paused: true, reason: <b>works</b>, ", "", 1) }))
	hears("over paused xivo-standby by xivo-standby")

	for _, text := range append(r.mail.Taken(), r.hook.Taken()...) {
		if strings.Contains(text, "<b>") || strings.Contains(text, `\u003cb`) || !strings.Contains(text, "mainstay ") {
			t.Errorf("got\n%s", text)
		}
	}
	last := r.mail.Taken()[1]
	for _, want := range []string{"bascule de main vers standby term", "Garantie : released (l'autre", "Commit : ", "Voir : mainstay history"} {
		if !strings.Contains(last, want) {
			t.Errorf("%q is missing in\n%s", want, last)
		}
	}
	for _, n := range r.nodes() {
		log, err := os.ReadFile(filepath.Join(r.node(n.Name), "agent.log"))
		if err != nil || strings.Contains(string(log), "s3cret") {
			t.Errorf("the log of %s: %v", n.Name, err)
		}
	}
}

// A side that does not answer is told of by the other one, as not observed and never as
// down, once each, with the end when it is seen. A check that fails is told by its node.
func TestASideThatDoesNotAnswerIsToldByItsPeerOnce(t *testing.T) {
	r := newReceivers(t, "after: { held: 5m, unserved: 0s, silent: 0s }")
	r.converges(r.writes(func(d string) string {
		return strings.Replace(d, "    services:  ", fmt.Sprintf("    checks: [{ name: disk, command: [%q, demo-service, none, none], every: 1s }]\n    services:  ", r.Self), 1)
	}))
	r.hears("began check xivo-main by xivo-main", "began check xivo-standby by xivo-standby")
	r.sent("xivo-main")
	r.kill("xivo-main")
	for _, service := range []string{"asterisk", "monit"} {
		for _, pid := range r.pids("xivo-main", service) {
			must(t, syscall.Kill(pid, syscall.SIGKILL))
		}
	}
	heard := []string{"began check xivo-main by xivo-main", "began check xivo-standby by xivo-standby",
		"began silent xivo-main by xivo-standby", "began unserved by xivo-standby"}
	r.hears(heard...)
	for _, text := range r.hook.Taken() {
		if strings.Contains(text, " down") || strings.Contains(text, "dead") {
			t.Errorf("what was not seen is said:\n%s", text)
		}
	}
	must(t, r.agents.start("xivo-main"))
	r.hears(append(heard, "over silent xivo-main by xivo-standby", "over unserved by xivo-standby")...)
}
