// Package made makes git repositories full of deployments, with the claims and the
// reports that nodes would have left there: for pages and figures that want a thousand
// of them, or a state that nobody wants on purpose.
//
// It writes what nodes write, byte for byte as another program would, and must not know
// how they make it.
package made

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// State is what a deployment is like.
type State string

// The states.
const (
	// Fine is a main side that serves.
	Fine State = "fine"
	// Over is a standby side that serves after a switch that was planned.
	Over State = "over"
	// Moving is in the middle of a switch to standby.
	Moving State = "moving"
	// Nobody is a main side that failed, and nobody serves.
	Nobody State = "nobody"
	// Both is two sides that serve.
	Both State = "both"
	// Silent is a main side that was last heard an hour ago.
	Silent State = "silent"
	// Paused is a standby node that a person paused.
	Paused State = "paused"
	// Hostile is in order, and everything that a node may write of itself is markup.
	Hostile State = "hostile"
)

// States lists them.
func States() []State { return []State{Fine, Over, Moving, Nobody, Both, Silent, Paused, Hostile} }

// Site is one deployment.
type Site struct {
	Name  string
	State State
}

// Repository is one that was made.
type Repository struct {
	// Dir is bare, Commit what its nodes were told of, and Before the one before it.
	Dir, Commit, Before string
	at                  time.Time
	sites               []Site
}

// New makes a bare repository in an empty folder, as it would be at a moment.
func New(dir string, at time.Time, sites ...Site) (*Repository, error) {
	r := &Repository{Dir: dir, at: at, sites: sites}
	if out, err := exec.Command("git", "init", "--quiet", "--bare", "--initial-branch=main", dir).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("git init: %w: %s", err, out)
	}
	var in bytes.Buffer
	entry{"refs/heads/main", "Add", at.Add(-48 * time.Hour), "Begin with main everywhere\n", r.documents(false)}.write(&in)
	entry{"refs/heads/main", "Add", at.Add(-20 * time.Second), "main gets a new power supply: fail over\n", r.documents(true)}.write(&in)
	if err := r.load(&in); err != nil {
		return nil, err
	}
	out, err := exec.Command("git", "-C", dir, "rev-parse", "main", "main~1").Output()
	if err != nil {
		return nil, fmt.Errorf("git rev-parse: %w", err)
	}
	r.Commit, r.Before, _ = strings.Cut(strings.TrimSpace(string(out)), "\n")
	in.Reset()
	for _, s := range sites {
		for _, role := range []string{"xivo", "cc"} {
			r.claims(&in, s, role)
		}
		for _, n := range nodes() {
			r.report(&in, s, n)
		}
	}
	return r, r.load(&in)
}

// Tell lets a node of a site speak again, with a reason that is another one each time.
func (r *Repository) Tell(site Site, reason string, at time.Time) error {
	var in bytes.Buffer
	one := *r
	one.at = at
	n := nodes()[0]
	told := one.reportOf(site, n)
	told["reason"] = reason
	one.write(&in, site, n, told)
	return r.load(&in)
}

func (r *Repository) load(in *bytes.Buffer) error {
	c := exec.Command("git", "-C", filepath.Clean(r.Dir), "fast-import", "--quiet", "--force")
	c.Stdin = in
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("git fast-import: %w: %s", err, out)
	}
	return nil
}

// entry is a commit on top of what a ref is at.
type entry struct {
	ref, who string
	at       time.Time
	message  string
	files    map[string]string
}

// write is for git fast-import.
func (e entry) write(in *bytes.Buffer) {
	fmt.Fprintf(in, "commit %s\ncommitter %s <%s@example.org> %d +0000\ndata %d\n%s\n", e.ref, e.who, strings.ToLower(e.who), e.at.Unix(), len(e.message), e.message)
	for name, content := range e.files {
		fmt.Fprintf(in, "M 100644 inline %s\ndata %d\n%s\n", name, len(content), content)
	}
	in.WriteByte('\n')
}

// documents are those of every site, as they are before or after the last commit.
func (r *Repository) documents(now bool) map[string]string {
	out := map[string]string{}
	for _, s := range r.sites {
		active := "main"
		if now && (s.State == Moving || s.State == Over) {
			active = "standby"
		}
		out[s.Name+".yaml"] = document(s.Name, active)
	}
	return out
}

// node is one of a deployment.
type node struct{ name, role, side string }

func nodes() []node {
	return []node{{"xivo-main", "xivo", "main"}, {"xivo-standby", "xivo", "standby"}, {"cc-main", "cc", "main"}, {"cc-standby", "cc", "standby"},
		{"mds1", "mds", ""}, {"edge", "edge", ""}}
}

func document(name, active string) string {
	return fmt.Sprintf(`apiVersion: mainstay/v1
kind: Deployment
name: %s
active: %s
agent: { poll: 5s, timeout: 10s, heartbeat: 5m }
handover: { wait: 30s, unconfirmed: start }
nodes:
  xivo-main:    { role: xivo, side: main,    address: 10.20.0.11 }
  xivo-standby: { role: xivo, side: standby, address: 10.20.0.12 }
  cc-main:      { role: cc, side: main,    address: 10.20.0.21, url: https://cc.example.org }
  cc-standby:   { role: cc, side: standby, address: 10.20.0.22, url: https://cc2.example.org }
  mds1:         { role: mds, address: 10.20.0.31 }
  edge:         { role: edge, address: 10.20.0.41, url: https://voice.example.org }
roles:
  xivo:
    exclusive: true
    witness: { sip: "{{ .peer.address }}:5060" }
    services:
      - { name: asterisk, systemd: asterisk.service, ready: { sip: "{{ .node.address }}:5060" } }
      - { name: monit, systemd: monit.service }
    jobs:
      - { name: replicate, when: active, schedule: "0 * * * *", command: [/usr/share/mainstay/xivo-replicate, "{{ .peer.address }}"], timeout: 45m }
    checks:
      - { name: replication-age, command: [/usr/share/mainstay/replication-age, --max, 2h], every: 5m }
  cc:
    exclusive: true
    follows: xivo
    services:
      - { name: xuc, systemd: xuc.service }
  mds:
    follows: xivo
    services:
      - { name: asterisk, systemd: asterisk.service }
  edge:
    follows: cc
    services:
      - { name: nginx, systemd: nginx.service }
`, name, active)
}

// claims writes the chain of a role: main took it two days ago, and what came since.
func (r *Repository) claims(in *bytes.Buffer, s Site, role string) {
	ref := "refs/mainstay/" + s.Name + "/claim/" + role
	long, now := r.at.Add(-48*time.Hour), r.at.Add(-15*time.Second)
	chain := []claim{{"main", role + "-main", "take", "there is no claim yet, and standby is down", "released", long, nil}}
	switch s.State {
	case Over:
		chain = append(chain,
			claim{"none", role + "-main", "release", "standby is ready, and everything was seen down", "", now, phases(now.Add(-1400*time.Millisecond), "seen", "stopped")},
			claim{"standby", role + "-standby", "take", "the claim is free", "released", now.Add(600 * time.Millisecond), phases(now.Add(-time.Second), "seen", "ready")})
	case Both:
		chain = append(chain, claim{"standby", role + "-standby", "seize", "main was silent for 30s, and so was its witness", "presumed", now, nil})
	}
	for i, c := range chain {
		message := fmt.Sprintf("%d %s: %s by %s (%s)\n", i+1, c.action, c.holder, c.by, c.guarantee)
		entry{ref, c.by, c.at, message, map[string]string{"claim.json": indented(c.told(i+1, r.Commit))}}.write(in)
	}
}

// claim is one of a chain.
type claim struct {
	holder, by, action, reason, guarantee string
	at                                    time.Time
	phases                                []map[string]any
}

func (c claim) told(seq int, commit string) map[string]any {
	out := map[string]any{"seq": seq, "holder": c.holder, "node": c.by, "instance": "e047612828239ffe-11bbc663", "action": c.action, "run": "ZGEAUIDDRWLWSDI72AEGZ7TBCR",
		"start": c.at.Unix(), "commit": commit, "document": strings.Repeat("0", 64), "reason": c.reason, "lease": "0s", "stopBound": "35s", "debt": "0s", "at": c.at}
	if c.guarantee != "" {
		out["guarantee"] = c.guarantee
	}
	if len(c.phases) > 0 {
		out["phases"] = c.phases
	}
	return out
}

func phases(from time.Time, names ...string) []map[string]any {
	var out []map[string]any
	for i, name := range names {
		out = append(out, map[string]any{"name": name, "at": from.Add(time.Duration(i) * 700 * time.Millisecond)})
	}
	return out
}

func (r *Repository) report(in *bytes.Buffer, s Site, n node) { r.write(in, s, n, r.reportOf(s, n)) }

func (r *Repository) write(in *bytes.Buffer, s Site, n node, told map[string]any) {
	heard := r.at.Add(-8 * time.Second)
	if s.State == Silent && n.side == "main" {
		heard = r.at.Add(-time.Hour)
	}
	message := fmt.Sprintf("%s: %s\n\nAt: %s\nLast-Read: %s\n", n.name, told["status"], heard.UTC().Format(time.RFC3339Nano), heard.UTC().Format(time.RFC3339Nano))
	ref := "refs/mainstay/" + s.Name + "/report/" + n.name
	fmt.Fprintf(in, "reset %s\n\n", ref) // a report has no parent
	entry{ref, n.name, heard, message, map[string]string{"report.json": indented(told)}}.write(in)
}

// reportOf is what a node of a site says of itself.
func (r *Repository) reportOf(s Site, n node) map[string]any {
	serving, seq := "main", 1
	switch s.State {
	case Over:
		serving, seq = "standby", 3
	case Both:
		serving, seq = "standby", 2
	}
	since := r.at.Add(-14 * time.Second)
	if s.State == Fine {
		since = r.at.Add(-48 * time.Hour)
	}
	out := map[string]any{
		"deployment": s.Name, "node": n.name, "role": n.role, "instance": "fab0e3cd193c88fc-11bbc663", "host": n.name, "repository": r.Dir, "path": s.Name + ".yaml",
		"rule": "R3", "declared": serving, "ready": false, "run": "NUES5CTYYGTDRY626FY2BLXOLJ", "beat": 9, "heard": "ZGEAUIDDRWLWSDI72AEGZ7TBCR",
		"seen": r.Commit, "accepted": r.Commit, "applied": r.Commit, "document": strings.Repeat("0", 64), "seq": seq, "holder": serving, "guarantee": "released",
		"versions": map[string]any{"document": "mainstay/v1", "mainstay": "0.1.0"}, "since": since, "at": time.Time{}, "lastRead": time.Time{},
	}
	status, reason := "Active", "all services run and answer"
	if n.side != "" {
		out["side"] = n.side
		if n.side != serving {
			status, reason = "Inactive", "the document declares "+serving
		}
	} else {
		out["serving"], reason = serving, "everything is as the document says"
	}
	if n.role == "xivo" {
		status, reason = r.ofPBX(s, n, status, reason, out)
		out["checks"] = []map[string]any{{"name": "replication-age", "ok": s.State != Silent, "output": "the last copy is 34 min old", "at": r.at.Add(-2 * time.Minute)}}
		if status == "Active" {
			out["jobs"] = []map[string]any{{"name": "replicate", "ok": true, "output": "sent 412 MB in 96 s", "at": r.at.Add(-34 * time.Minute)}}
		}
	}
	if s.State == Moving {
		out["applied"], out["declared"] = r.Before, "standby"
		if n.role != "xivo" {
			reason = "xivo is not Active on standby yet: waiting for it"
		}
	}
	if s.State == Hostile {
		reason = "<script>alert(1)</script> <img src=x onerror=alert(2)> \u001b[31m [a](javascript:alert(3)) \u202e"
	}
	running := status == "Active" || status == "Deactivating"
	out["status"], out["reason"], out["running"] = status, reason, running
	if _, ok := out["services"]; !ok {
		out["services"] = services(n, running)
	}
	return out
}

// ofPBX is what makes a state: what the PBX of a side says.
func (r *Repository) ofPBX(s Site, n node, status, reason string, out map[string]any) (string, string) {
	main := n.side == "main"
	switch {
	case s.State == Moving && main:
		out["phases"] = phases(r.at.Add(-9*time.Second), "seen")
		return "Deactivating", "asterisk is stopping: 2 calls are still up, and it waits for them until 20s have gone by"
	case s.State == Moving:
		out["ready"], out["phases"] = true, phases(r.at.Add(-9*time.Second), "seen", "ready")
		return "Inactive", "ready to take over: waiting for main to release the claim"
	case s.State == Nobody && main:
		out["services"] = []map[string]any{{"name": "asterisk", "run": "failed", "ready": false, "restarts": 4, "reason": "exit status 1: cannot bind 10.20.0.11:5060, address in use"},
			{"name": "monit", "run": "stopped", "ready": false}}
		return "Failed", "asterisk does not start: exit status 1, tried 4 times"
	case s.State == Both && main:
		out["seq"], out["holder"] = 1, "main"
		out["conditions"] = []map[string]any{{"type": "DualActive", "message": "xivo-standby answers at 10.20.0.12:5060 as well", "since": out["since"]}}
		return "Active", "all services run and answer; git cannot be read since 4 min"
	case s.State == Both:
		out["conditions"] = []map[string]any{{"type": "DualActive", "message": "xivo-main answers at 10.20.0.11:5060 as well", "since": out["since"]}}
		return "Active", "all services run and answer"
	case s.State == Paused && !main:
		out["pausedUntil"] = time.Now().Add(40 * time.Minute).UTC()
		return "Paused", "the disk is being changed"
	}
	return status, reason
}

func services(n node, running bool) []map[string]any {
	names := map[string][]string{"xivo": {"asterisk", "monit"}, "cc": {"xuc"}, "mds": {"asterisk"}, "edge": {"nginx"}}[n.role]
	var out []map[string]any
	for _, name := range names {
		run := "stopped"
		if running || n.side == "" {
			run = "running"
		}
		out = append(out, map[string]any{"name": name, "run": run, "ready": run == "running"})
	}
	return out
}

func indented(v any) string {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // of values that this file made
	}
	return string(data) + "\n"
}
