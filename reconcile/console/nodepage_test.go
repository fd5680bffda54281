package console

import (
	"strings"
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

const noted = `apiVersion: mainstay/v1
kind: Deployment
name: paris
active: main
nodes:
  xivo-main:    { role: xivo, side: main, address: 10.0.0.1 }
  xivo-standby: { role: xivo, side: standby, address: 10.0.0.2, paused: true }
  edge:         { role: edge, address: 10.0.0.3 }
roles:
  xivo:
    exclusive: true
    services: [{ name: asterisk, systemd: asterisk.service }]
    jobs: [{ name: replicate, when: active, schedule: "0 13 * * *", command: [x] }]
    checks: [{ name: disk, command: [x], every: 1m }]
  edge: { follows: xivo, files: [{ path: /etc/x.conf, template: x.tmpl }, { path: /etc/y.conf, template: y.tmpl }, { path: /etc/z.conf, template: z.tmpl }] }
`

// A node's page says which of its terms are old, when its jobs come, which files the
// document renders, and what the rules say by which it decided: what was published, and
// what is not known besides.
func TestANodeIsToldInFull(t *testing.T) {
	d := calm("paris")
	doc, problems := spec.Load("paris.yaml", []byte(noted), func(name string) ([]byte, error) {
		return []byte(map[string]string{"x.tmpl": "to {{ .serving }}\n<b>\n", "y.tmpl": "y\n", "z.tmpl": strings.Repeat("z", longestDiff)}[name]), nil
	})
	if doc == nil {
		t.Fatal(problems)
	}
	d.Spec, d.Digest = doc, "d"
	n := d.Nodes[0].Report
	n.Node, n.Rule, n.Document, n.At, n.LastRead = "xivo-main", plan.R1, "older", noon(), noon().Add(-time.Minute)
	n.Jobs = []plan.JobReport{{Name: "replicate", OK: true, At: noon().Add(-time.Hour), Output: "done"}, {Name: "gone", At: noon()}}
	n.Leaves = []plan.CheckReport{{Name: "voicemails", OK: true, At: noon(), Output: "3 in /var/spool <b>"}, {Name: "recordings", OK: true, At: noon()}}
	d.Nodes[1].Report.Leaves = []plan.CheckReport{{Name: "call records", At: noon(), Output: "no such table"}}
	d.Nodes[2].Report.Document = "d"
	s := newSite(t, Options{}, &repository{view: viewOf(d)})
	body := s.wants("/d/paris/n/xivo-main", "en", "What is older than it should be", "it had last read git 1\u00a0min before; twice its poll is 10\u00a0s",
		"2030-01-01 13:00, if its zone is UTC", "which a node does not tell", "0 13 * * *", "1 h 00 min ago", "done", "gone",
		"R1, fencing", "Reading that it", "this node goes by another one")
	if strings.Contains(body, "/etc/x.conf") {
		t.Error("it has a file of another node")
	}
	s.wants("/d/paris/n/xivo-main", "en", "A switch would leave here", "voicemails", "3 in /var/spool &lt;b&gt;", "recordings", "nothing")
	s.wants("/d/paris/n/xivo-standby", "fr", "Resté ici", "call records", "no such table")
	if body := s.wants("/d/paris", "en", "voicemails <small>(A switch would leave here)</small>", "3 in /var/spool &lt;b&gt;", "call records <small>(Lies here)</small>"); strings.Contains(body, "recordings") {
		t.Error("a card tells of nothing that stays")
	}
	s.wants("/d/paris", "fr", "voicemails <small>(Une bascule laisserait ici)</small>")
	s.wants("/d/paris/n/edge", "en", "Files that the document renders", "/etc/x.conf", "x.tmpl", "is not part of what a node tells",
		"What a switch changes in it", "-to main\n&#43;to standby\n &lt;b&gt;", "A switch changes nothing in it.", "it is larger than")
	s.wants("/d/paris/n/edge", "fr", "Ce qu’une bascule y change", "Une bascule n’y change rien.")
	s.wants("/d/paris/n/xivo-standby", "en", "not now: it runs where its node is Active")
	s.wants("/d/paris/n/xivo-main", "fr", "Ce qui est plus ancien que prévu", "Prochaine exécution", "si son fuseau est UTC", "Les règles en cause")
}
