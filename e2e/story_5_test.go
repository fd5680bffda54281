//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/gitserver"
)

// badCommit is one way to get a commit wrong.
type badCommit struct {
	name string
	file string // deployment.yaml when empty
	// from is replaced by to; an empty from replaces the whole file.
	from, to string
	remove   bool
	want     string // what every agent must report
}

// badCommits are the mistakes that people, editors and merges make.
func badCommits() []badCommit {
	return append([]badCommit{
		{name: "empty file", want: "the file is empty"},
		{name: "tabs", from: "  poll: 5s", to: "\tpoll: 5s", want: "indented with a tab"},
		{name: "unclosed bracket", from: "nodes:\n", to: "nodes: {\n", want: "not YAML"},
		{name: "conflict markers", from: "active: main ", to: "<<<<<<< HEAD\nactive: main\n=======\nactive: standby\n>>>>>>> other\n#", want: "a merge was not finished"},
		{name: "second document", from: "roles:\n", to: "---\nroles:\n", want: "a second YAML document"},
		{name: "not UTF-8", from: "name: paris", to: "name: par\xffs", want: "not UTF-8"},
		{name: "too large", to: "# " + strings.Repeat("x", 1<<20) + "\n", want: "DocumentTooLarge"},
		{name: "unknown key", from: "agent:\n", to: "agnet:\n", want: "agnet"},
		{name: "key in capitals", from: "active: main ", to: "ACTIVE: main ", want: "ACTIVE"},
		{name: "key twice", from: "kind: Deployment", to: "kind: Deployment\nactive: standby", want: "is given twice"},
		{name: "no side", from: "active: main ", to: "# ", want: "active: is missing"},
		{name: "a side that there is not", from: "active: main ", to: "active: both ", want: "both"},
		{name: "a side that YAML takes for yes", from: "active: main ", to: "active: on ", want: "active"},
		{name: "another version", from: "mainstay/v1", to: "mainstay/v2", want: "mainstay/v2"},
		{name: "another kind", from: "kind: Deployment", to: "kind: Deployments", want: "Deployments"},
	}, meaninglessCommits()...)
}

// meaninglessCommits are well-formed and mean nothing.
func meaninglessCommits() []badCommit {
	return []badCommit{
		{name: "the active side is fenced", from: "# fenced: main", to: "fenced: main", want: "both active and fenced"},
		{name: "a time without a unit", from: "wait: 30s", to: "wait: 30", want: "handover.wait: must be text"},
		{name: "a negative time", from: "wait: 30s", to: "wait: -30s", want: `not "-30s"`},
		{name: "a lease too short to renew", from: "lease: 0s", to: "lease: 5s", want: "is shorter than"},
		{name: "a word that there is not", from: "unconfirmed: start", to: "unconfirmed: perhaps", want: "perhaps"},
		{name: "a role that nobody defines", from: "mds1:         { role: mds,", to: "mds1:         { role: mdx,", want: "mdx"},
		{name: "an exclusive node without a side", from: "role: cc, side: standby,", to: "role: cc,", want: "is missing: role cc is exclusive"},
		{name: "two nodes of one side", from: "role: cc, side: standby,", to: "role: cc, side: main,", want: "on side main already"},
		{name: "a shared node with a side", from: "role: mds, address", to: "role: mds, side: main, address", want: "role mds is shared"},
		{name: "following nobody", from: "follows: xivo ", to: "follows: pbx ", want: "pbx"},
		{name: "following itself", from: "follows: cc\n", to: "follows: edge\n", want: "follows itself"},
		{name: "a service of two kinds", from: "systemd: asterisk.service", to: "systemd: asterisk.service\n        command: { start: [/bin/true] }", want: "systemd and command at once"},
		{name: "a schedule that never is", from: `"@every 2s"`, to: `"61 * * * *"`, want: "61"},
		{name: "no template of that name", from: "templates/edge-upstream.conf", to: "templates/edge.conf", want: "templates/edge.conf"},
		{name: "a template that ends too early", file: "templates/edge-upstream.conf", from: "{{ .serving }}", to: "{{ .serving", want: "edge-upstream.conf"},
		{name: "a template that asks for what is not", file: "templates/mds-serving.conf", from: ".on.xivo.address", to: ".on.pbx.address", want: "pbx"},
		{name: "no document", remove: true, want: "deployment.yaml"},
	}
}

// apply makes the mistake in a document or template as it should be.
func (b badCommit) apply(t *testing.T, good string) string {
	t.Helper()
	if b.from == "" {
		return b.to
	}
	if !strings.Contains(good, b.from) {
		t.Fatalf("%s: nothing says %q", b.name, b.from)
	}
	return strings.Replace(good, b.from, b.to, 1)
}

// verdict is what an agent says of the newest commit.
type verdict struct {
	Seen, Accepted string
	Conditions     []condition
}

func (p *wholePage) verdict(node string) verdict {
	var view struct{ Node verdict }
	if err := ask(p.nodes[node], http.MethodGet, "/v1/status", &view); err != nil {
		return verdict{}
	}
	return view.Node
}

// reported waits until an agent has seen a commit and says what is wrong with
// it, and returns what it says.
func (p *wholePage) reported(t *testing.T, node, commit, want string) string {
	t.Helper()
	var last verdict
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		last = p.verdict(node)
		for _, c := range last.Conditions {
			if said := c.Type + ": " + c.Message; last.Seen == commit && strings.Contains(said, want) {
				return said
			}
		}
	}
	t.Errorf("%s never reported %q of %s: %+v", node, want, commit, last)
	return ""
}

// Thirty kinds of wrong commits: nothing stops, each is reported by every agent
// with its reason, and the next good one goes through.
func badCommitsChangeNothing(t *testing.T, p *wholePage) {
	w := p.watch(t, "Story 5: bad commits")
	hangUp := p.holdUntilToldTo(t, "xivo-main")
	accepted := p.head()
	bad := badCommits()
	if len(bad) < 30 {
		t.Errorf("only %d kinds of bad commits", len(bad))
	}
	for i, b := range bad {
		w.Mark(fmt.Sprint(i + 1))
		p.tryBad(t, b, accepted)
	}
	if err := hangUp(); err != nil {
		t.Errorf("a call did not outlive them: %v", err)
	}
	w.Mark("a good commit")
	timed(t, "the next good commit goes through", func() { p.converged("main", p.declare("main", "heartbeat: 5m", "heartbeat: 4m")) })
	r := w.end(t, 0)
	for _, track := range []string{"asterisk on xivo-main", "monit on xivo-main", "xuc on cc-main", "xucmgt on cc-main"} {
		if at, down := r.Down(track, 0); down {
			t.Errorf("%s was down at %v", track, at)
		}
	}
}

// tryBad commits one mistake and takes it back.
func (p *wholePage) tryBad(t *testing.T, b badCommit, accepted string) {
	t.Helper()
	file := b.file
	if file == "" {
		file = "deployment.yaml"
	}
	good := p.document
	if b.file != "" {
		good = gitserver.Git(t, p.work, "show", accepted+":"+file)
	}
	if b.remove {
		gitserver.Git(t, p.work, "rm", "--quiet", file)
		gitserver.Git(t, p.work, "commit", "--quiet", "-m", b.name)
		gitserver.Git(t, p.work, "push", "--quiet", "origin", "HEAD:main")
	} else {
		p.commit(b.name, map[string]string{file: b.apply(t, good)})
	}
	commit := p.head()
	p.nudge()
	said := ""
	for _, node := range voiceNodes {
		if said = p.reported(t, node, commit, b.want); said == "" {
			break
		}
		if got := p.verdict(node); got.Accepted != accepted {
			t.Errorf("%s: %s accepted %q", b.name, node, got.Accepted)
		}
	}
	if len(said) > 150 {
		said = said[:150] + "…"
	}
	t.Logf("%-38s %s", b.name, said)
	if err := writeAll(p.work, map[string]string{file: good}); err != nil {
		t.Fatal(err)
	}
}
