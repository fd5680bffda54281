//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	netmail "net/mail"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/hosts"
	"mainstay/e2e/mailbox"
)

// TestTwoMachinesToAFirstFailover walks examples/pair/README.md from two machines and a git
// server to a first failover, and says how many commands that takes; then these two hosts
// tell of what happens to them, are drilled, and take a rewritten branch on a signed word.
func TestTwoMachinesToAFirstFailover(t *testing.T) {
	t.Parallel()
	p := newDesk(t, "", hosts.Bookworm)
	for _, side := range []string{"main", "standby"} {
		p.host(side).Must(t, "systemctl", "--quiet", "enable", "nginx")
	}
	p.host("main").Must(t, "systemctl", "start", "nginx")
	began, commands := time.Now(), 0
	for i, s := range p.stepsOf(t, "../examples/pair/README.md") {
		for line := range strings.Lines(strings.ReplaceAll(s.text, "\\\n", " ")) {
			commands += 1 + strings.Count(line, " && ")
		}
		p.take(t, s, "main")
		if i == 0 {
			p.admit(t)
			if got := p.here(t, "grep -A 9 'found running' paris/deployment.yaml; grep systemd: paris/agent-main.yaml"); !strings.Contains(got, `{ name: "nginx", systemd: "nginx.service" }`) || strings.Contains(got, "- { name: \"ssh") {
				t.Errorf("it proposes %s", got)
			}
		}
	}
	if p.host("main").Runs("nginx.service") || !p.host("standby").Runs("nginx.service") {
		t.Error("standby does not serve alone")
	}
	say(t, "from two machines to a first failover: %d commands and one question, in %.0f s", commands, time.Since(began).Seconds())
	if commands >= 15 {
		t.Errorf("it takes %d commands", commands)
	}
	p.alertsAreToldOnce(t)
	p.drills(t)
	p.acceptsEverywhere(t)
}

// told is a webhook as the tests compare it.
type told struct{ Kind, Event, Node string }

// alertsAreToldOnce lets both hosts tell of a switch, of a pause and of a service that does
// not start: each is one message to each receiver, and so is its end. The receivers are a
// webhook, a server of mail that takes everything, and Debian's OpenSMTPD, which wants TLS
// and a login.
func (p *desk) alertsAreToldOnce(t *testing.T) {
	t.Helper()
	mail, err := mailbox.ListenMail(net.JoinHostPort(p.network.Machine(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mail.Close() })
	hook := &mailbox.Hook{Secret: "s3cret"}
	listener, err := net.Listen("tcp", net.JoinHostPort(p.network.Machine(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: hook, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	real := hosts.ServeMail(t, hosts.Start(t, hosts.Spec{Name: "mail", Image: hosts.Mail, Network: p.network}))
	login := fmt.Sprintf("smtp://%s@%s/?from=mainstay@example.org&to=oncall@example.org&auth=Plain&requirestarttls=yes\n",
		url.UserPassword(real.User, real.Password), real.Address())
	for _, side := range []string{"main", "standby"} {
		p.host(side).Put(t, "/etc/mainstay/alert-secret", "s3cret\n")
		p.host(side).Put(t, "/etc/mainstay/alert-mail", login)
		p.host(side).Put(t, "/usr/local/share/ca-certificates/mail.crt", real.Certificate)
		p.wants(t, side, "0", fmt.Sprintf(`chmod 600 /etc/mainstay/alert-secret /etc/mainstay/alert-mail
update-ca-certificates >/dev/null 2>&1
cat >>/etc/mainstay/agent.yaml <<'END'
alerts:
  - { webhook: "http://%s/", secretFile: /etc/mainstay/alert-secret, after: { failed: 0s, paused: 0s, held: 10m, unserved: 10m } }
  - { to: "smtp://%s/?from=mainstay@example.org&to=oncall@example.org", after: { failed: 0s, paused: 0s, held: 10m, unserved: 10m } }
  - { toFile: /etc/mainstay/alert-mail, after: { failed: 0s, paused: 0s, held: 10m, unserved: 10m } }
END
mainstay validate /etc/mainstay/agent.yaml
systemctl restart mainstay`, listener.Addr(), mail.Addr()))
	}
	p.orderly(t, "standby")
	heard := func() []told {
		var out []told
		for _, text := range hook.Taken() {
			var one told
			if err := json.Unmarshal([]byte(text), &one); err != nil {
				t.Fatal(err)
			}
			out = append(out, one)
		}
		slices.SortFunc(out, func(a, b told) int { return strings.Compare(a.Event+a.Kind+a.Node, b.Event+b.Kind+b.Node) })
		return out
	}
	p.here(t, "cd paris; mainstay failover --yes --to main")
	p.here(t, "cd paris; mainstay pause standby --for 1h --reason 'a new disk' --yes")
	eventually(t, "the pause is told", func() bool { return len(heard()) >= 3 && len(mail.Taken()) >= 3 })
	p.here(t, "cd paris; mainstay resume standby --yes")
	eventually(t, "the end of the pause is told", func() bool { return len(heard()) >= 4 && len(mail.Taken()) >= 4 })
	p.wants(t, "main", "0", "echo broken >/etc/nginx/conf.d/broken.conf; systemctl kill --signal=KILL nginx")
	eventually(t, "that it failed is told", func() bool {
		return slices.ContainsFunc(heard(), func(one told) bool { return one.Event == "failed" })
	})
	p.wants(t, "main", "0", "rm /etc/nginx/conf.d/broken.conf")
	p.orderly(t, "main")
	eventually(t, "all is told", func() bool { return len(heard()) >= 6 && len(mail.Taken()) >= 6 && len(real.Mails(t)) >= 6 })
	t.Logf("%+v", heard())
	seen := map[told]int{}
	for _, one := range heard() {
		if seen[one]++; seen[one] > 1 {
			t.Errorf("%+v was told more than once", one)
		}
	}
	if hooks, mails, boxed := len(heard()), len(mail.Taken()), real.Mails(t); hooks != 6 || mails != 6 || len(boxed) != 6 {
		t.Errorf("%d webhooks, %d mails and %d in the mailbox: %+v\n%s", hooks, mails, len(boxed), heard(), strings.Join(boxed, "\n\n"))
	}
	subjects := map[string]int{}
	for _, m := range real.Mails(t) {
		parsed, err := netmail.ReadMessage(strings.NewReader(m[strings.Index(m, "\n")+1:]))
		if err != nil {
			t.Fatalf("%v: %s", err, m)
		}
		if with := parsed.Header.Get("Received"); !strings.Contains(with, "with ESMTPSA") {
			t.Errorf("a mail came without TLS or login: %s", with)
		}
		if s := parsed.Header.Get("Subject"); s != "" {
			subjects[s]++
		}
	}
	if len(subjects) != 6 {
		t.Errorf("the mails' subjects are %v", subjects)
	}
}

// orderly waits until a side serves and all is in order.
func (p *desk) orderly(t *testing.T, side string) {
	t.Helper()
	eventually(t, side+" serves, and all is in order", func() bool {
		return strings.Contains(p.here(t, "cd paris; mainstay status || true"), "ok: "+side+" serves, 2 of 2 nodes")
	})
}

// drills goes over and back as a drill, which the history has; one that could not be
// carried out safely is refused before anything happens.
func (p *desk) drills(t *testing.T) {
	t.Helper()
	standby := p.host("standby").IP()
	p.here(t, "cd paris; mainstay drill --yes --stay 1s --reason 'the monthly drill' --record ../record.json --assert 'curl -fsm5 http://"+standby+"/ | grep -q nginx'; cat ../record.json")
	p.orderly(t, "main")
	if said := p.here(t, "cd paris; mainstay history"); strings.Count(said, "drill") < 2 {
		t.Errorf("the history has no drill: %s", said)
	}
	before := p.here(t, "cd paris; git fetch -q; git rev-parse origin/main")
	p.here(t, "cd paris; mainstay pause standby --for 1h --reason 'a new disk' --yes")
	paused := p.here(t, "cd paris; git fetch -q; git rev-parse origin/main")
	p.here(t, "cd paris; mainstay drill --yes && exit 1 || [ $? = 6 ]")
	if now := p.here(t, "cd paris; git fetch -q; git rev-parse origin/main"); now != paused || now == before {
		t.Error("a drill that must refuse committed something")
	}
}

// acceptsEverywhere rewrites the branch, which both hosts refuse until the person at the
// laptop signs a note for both, over SSH.
func (p *desk) acceptsEverywhere(t *testing.T) {
	t.Helper()
	p.here(t, `ssh-keygen -q -t ed25519 -N '' -C ada -f signing
cd paris
git config gpg.format ssh
git config user.signingkey "$PWD/../signing"
git config commit.gpgSign true`)
	public := strings.TrimSpace(strings.Split(p.here(t, "cat signing.pub"), "\n")[0])
	for _, side := range []string{"main", "standby"} {
		p.host(side).Put(t, "/etc/mainstay/allowed_signers", "ada "+public+"\n")
		p.wants(t, side, "0", `sed -i 's|^verify:|verify:\n  allowedSigners: /etc/mainstay/allowed_signers|' /etc/mainstay/agent.yaml
mainstay validate /etc/mainstay/agent.yaml
systemctl restart mainstay`)
	}
	p.here(t, "cd paris; mainstay resume standby --yes")
	p.orderly(t, "main")
	p.here(t, "cd paris; git fetch -q origin; git reset -q --hard origin/main; git commit -q --amend -m 'paris, told in other words'; git push -q --force origin HEAD:rewritten")
	p.git.Host.Must(t, "runuser", "-u", "git", "--", "git", "-C", "/srv/git/repo.git", "update-ref", "refs/heads/main", "refs/heads/rewritten")
	eventually(t, "both hosts refuse it", func() bool {
		return strings.Contains(p.here(t, "cd paris; mainstay status || true"), "main, standby: Rewound")
	})
	began := time.Now()
	said := p.here(t, "cd paris; mainstay accept --everywhere --yes --attest 'the history was rewritten on purpose'")
	say(t, "a rewritten branch is accepted on two hosts from the laptop in %.1f s", time.Since(began).Seconds())
	if strings.Count(said, "would take commit") != 2 || !strings.Contains(said, "every node that the note names has obeyed it") {
		t.Errorf("it says %s", said)
	}
	p.orderly(t, "main")
	if said := p.here(t, "cd paris; mainstay status standby"); !strings.Contains(said, "AcceptedByNote: ada accepted commit") {
		t.Errorf("the status says %s", said)
	}
}
