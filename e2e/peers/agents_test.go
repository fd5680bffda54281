//go:build e2e

package peers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mainstay/e2e/gitserver"
	"mainstay/e2e/hosts"
)

// repository is one of the git host's, with a checkout on the machine.
type repository struct {
	t    testing.TB
	url  string
	work string
	text string // the document, with its side left open
}

// repository makes one that says which side is active.
func (p *pair) repository(name, more string) *repository {
	p.t.Helper()
	folder := "/srv/git/" + name + ".git"
	p.git.Must(p.t, "git", "init", "--quiet", "--bare", "--initial-branch=main", folder)
	p.git.Must(p.t, "git", "config", "--file", folder+"/config", "http.receivepack", "true")
	p.git.Must(p.t, "chown", "-R", "www-data:www-data", folder)
	r := &repository{t: p.t, url: strings.Replace(p.git.HTTP, "repo.git", name+".git", 1),
		work: filepath.Join(p.t.TempDir(), name), text: "active: %s\n" + more}
	gitserver.Git(p.t, "", "clone", "--quiet", r.url, r.work)
	r.declare("main")
	return r
}

// declare commits and pushes a side.
func (r *repository) declare(side string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.work, "deployment.yaml"), fmt.Appendf(nil, r.text, side), 0o644); err != nil {
		r.t.Fatal(err)
	}
	gitserver.Git(r.t, r.work, "add", "--all")
	gitserver.Git(r.t, r.work, "commit", "--quiet", "-m", "active: "+side)
	gitserver.Git(r.t, r.work, "push", "--quiet", "origin", "HEAD:main")
}

const document = `apiVersion: mainstay/v1
kind: Deployment
name: %s
agent: { poll: 5s }
nodes:
  main:    { role: web, side: main,    address: %s }
  standby: { role: web, side: standby, address: %s }
roles:
  web: { exclusive: true, services: [{ name: web, systemd: %s }] }
`

// agentUnit runs one of several agents of a host.
const agentUnit = "[Service]\nExecStart=/usr/bin/mainstay agent --config /etc/mainstay/%[1]s.yaml\n" +
	"RuntimeDirectory=mainstay-%[1]s\nStateDirectory=mainstay/%[1]s\n"

// agents makes an agent on each side follow a repository of its own, with claims there or
// on etcd, and returns what moves its unit.
func (p *pair) agents(name, unit, listen, coordination string) func(to string) {
	p.t.Helper()
	r := p.repository(name, fmt.Sprintf(document, name, p.hosts["main"].IP(), p.hosts["standby"].IP(), unit))
	for side, h := range p.hosts {
		at, secret := "off", ""
		if listen != "" {
			at, secret = h.IP()+":"+listen, "notifySecretFile: /etc/mainstay/secret\n"
		}
		h.Put(p.t, "/etc/mainstay/"+name+".yaml", fmt.Sprintf("node: %s\nrepository: { url: %q }\nallow: { systemd: [%s] }\n"+
			"listen: %q\nstate: /var/lib/mainstay/%s\nsocket: /run/mainstay-%[5]s/agent.sock\n%s%s", side, r.url, unit, at, name, secret, coordination))
		h.Put(p.t, "/etc/systemd/system/"+agentOf(name), fmt.Sprintf(agentUnit, name))
		h.Must(p.t, "systemctl", "daemon-reload")
		h.Must(p.t, "systemctl", "start", agentOf(name))
		if listen != "" {
			p.git.Must(p.t, "git", "config", "--file", "/srv/git/"+name+".git/config", "--add", "mainstay.agent", "http://"+at)
		}
	}
	if listen != "" {
		p.hook("/srv/git/" + name + ".git")
	}
	return r.declare
}

func agentOf(name string) string { return "mainstay-" + name + ".service" }

// hook installs the hook of the examples.
func (p *pair) hook(folder string) {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "full", "hooks", "post-receive"))
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.git.Write(p.t.Context(), folder+"/hooks/post-receive", text, 0o755); err != nil {
		p.t.Fatal(err)
	}
	p.git.Must(p.t, "git", "config", "--file", folder+"/config", "mainstay.secretFile", "/etc/mainstay/secret")
	p.git.Must(p.t, "chmod", "755", "/etc/mainstay") // the hook runs as git's user
}

// program builds mainstay and puts it on all hosts.
func (p *pair) program() {
	p.t.Helper()
	file := filepath.Join(p.t.TempDir(), "mainstay")
	build := exec.CommandContext(p.t.Context(), "go", "build", "-trimpath", "-o", file, "mainstay/cmd/mainstay")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		p.t.Fatalf("build the agent: %v\n%s", err, out)
	}
	for _, h := range []*hosts.Host{p.hosts["main"], p.hosts["standby"], p.git.Host} {
		if err := h.Copy(p.t.Context(), file, "/usr/bin/mainstay"); err != nil {
			p.t.Fatal(err)
		}
		h.Put(p.t, "/etc/mainstay/secret", "told\n")
	}
}

// etcd makes a cluster of the three hosts, and returns what names it in an agent's file.
func (p *pair) etcd() string {
	p.t.Helper()
	all := map[string]string{"main": p.hosts["main"].IP(), "standby": p.hosts["standby"].IP(), "git": p.git.IP()}
	var initial, at []string
	for name, ip := range all {
		initial, at = append(initial, name+"=http://"+ip+":2380"), append(at, ip+":2379")
	}
	for name, ip := range all {
		h := p.git.Host
		if name != "git" {
			h = p.hosts[name]
		}
		h.Put(p.t, "/etc/systemd/system/members.service", fmt.Sprintf("[Service]\nType=notify\nExecStart=/usr/bin/etcd --name %s --data-dir /var/lib/etcd/members "+
			"--listen-client-urls http://%s:2379 --advertise-client-urls http://%[2]s:2379 --listen-peer-urls http://%[2]s:2380 "+
			"--initial-advertise-peer-urls http://%[2]s:2380 --initial-cluster %s --logger zap --log-level error\n", name, ip, strings.Join(initial, ",")))
		h.Must(p.t, "systemctl", "daemon-reload")
		h.Must(p.t, "systemctl", "start", "--no-block", "members.service")
	}
	p.eventually("etcd answers", func() bool {
		said, err := p.git.Exec(p.t.Context(), "systemctl", "is-active", "members.service")
		return err == nil && said == "active"
	})
	return fmt.Sprintf("coordination: { url: \"etcd://%s/peers\" }\n", strings.Join(at, ","))
}
