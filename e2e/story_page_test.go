//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"mainstay/e2e/hosts"
)

// wholePage is the deployment of examples/full on real hosts: its repository,
// addresses aside, its agents from the package, a telephone and users of a page.
type wholePage struct {
	*site
	phone   *hosts.Host
	tls     certificate
	deb     string
	keys    string       // the folder of the nodes' keys
	calls   atomic.Int32 // held just now
	holders holders
	// copied is what replication had written to each side when the story began.
	copied map[string]copies
	// users are those of etcd, "user:password" by the name of the user.
	users map[string]string
	// document is that of examples/full with the addresses of these hosts.
	document string
}

// exampleAddresses are those of examples/full, by node.
func exampleAddresses() map[string]string {
	return map[string]string{
		"xivo-main": "10.20.0.11", "xivo-standby": "10.20.0.12", "cc-main": "10.20.0.21",
		"cc-standby": "10.20.0.22", "mds1": "10.20.0.31", "edge": "10.20.0.41",
	}
}

// voiceName is the name by which users know the page, whoever serves it.
const voiceName = "voice.example.org"

// newPage makes the hosts and the repository and installs the package on all
// nodes. Claims and reports are kept on so many members of etcd, or in the repository.
func newPage(t *testing.T, members int) *wholePage {
	t.Helper()
	var specs []hosts.Spec
	for _, name := range voiceNodes {
		specs = append(specs, hosts.Spec{Name: name, Image: hosts.Node, Docker: strings.HasPrefix(name, "cc-")})
	}
	edge := &specs[len(specs)-1]
	edge.Image, edge.Aliases = hosts.Bookworm, []string{voiceName}
	specs = append(specs, hosts.Spec{Name: "phone", Image: hosts.Bookworm})
	for i := range members {
		specs = append(specs, hosts.Spec{Name: memberName(i), Image: hosts.Etcd})
	}
	p := &wholePage{tls: newCertificate(t, voiceName)}
	deb := make(chan string, 1)
	go func() { deb <- buildDeb(t, "") }()
	p.site = newSite(t, specs...)
	p.phone = p.nodes["phone"]
	delete(p.nodes, "phone")
	if members > 0 {
		timed(t, "etcd", func() { p.serveEtcd(t, members) })
	}
	if p.deb = <-deb; p.deb == "" {
		t.Fatal("there is no package")
	}
	timed(t, "prepare the hosts", func() { p.prepare(t) })
	p.commit("The deployment", p.repository(t))
	timed(t, "install the package on six hosts", func() { p.installAll(t) })
	return p
}

// buildDeb builds the package, of another version if one is given, and returns
// its path.
func buildDeb(t *testing.T, version string) string {
	build := exec.CommandContext(t.Context(), "bash", "../cmd/mainstay/deb/build.sh", t.TempDir())
	build.Env = build.Environ()
	if version != "" {
		build.Env = append(build.Env, "VERSION="+version)
	}
	var complaint strings.Builder
	build.Stderr = &complaint
	out, err := build.Output()
	if err != nil {
		t.Errorf("build the package: %v\n%s", err, complaint.String())
		return ""
	}
	return strings.TrimSpace(string(out))
}

// repository is examples/full with the addresses of these hosts, which replicates
// every other second. Both contact centres share one Docker engine here, so their
// projects need two names.
func (p *wholePage) repository(t *testing.T) map[string]string {
	t.Helper()
	words := []string{hourly, often, "name: paris-full", "name: paris"} // the stories look for the refs of paris
	if len(p.projects) > 0 {
		words = append(words, "project: xivocc,", fmt.Sprintf(`project: '{{ if eq .node.side "main" }}%s{{ else }}%s{{ end }}',`,
			p.projects["cc-main"].Name, p.projects["cc-standby"].Name))
	}
	words = append(words, p.addresses()...)
	files := map[string]string{}
	root := "../examples/full"
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, root+"/")] = strings.NewReplacer(words...).Replace(string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if p.document = files["deployment.yaml"]; !strings.Contains(p.document, often) {
		t.Fatalf("the document does not say %q", hourly)
	}
	return files
}

// addresses are pairs of an address in the examples and that of the host here.
func (p *wholePage) addresses() (words []string) {
	for name, address := range exampleAddresses() {
		if host := p.nodes[name]; host != nil {
			words = append(words, address, host.IP())
		}
	}
	return words
}

// makeKeys gives each node a key of its own, and all of them the list of whose claims
// and reports they believe.
func (p *wholePage) makeKeys(t *testing.T) {
	t.Helper()
	p.keys = t.TempDir()
	var list strings.Builder
	for name := range p.nodes {
		key := filepath.Join(p.keys, name)
		if out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key).CombinedOutput(); err != nil {
			t.Fatalf("make a key: %v\n%s", err, out)
		}
		public, err := os.ReadFile(key + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		claim := ""
		if role, side, exclusive := strings.Cut(name, "-"); exclusive {
			claim = "claim=" + role + "/" + side + " "
		}
		fmt.Fprintf(&list, "paris/%s %s%s", name, claim, public)
	}
	if err := os.WriteFile(filepath.Join(p.keys, "node_keys"), []byte(list.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// declare commits the deployment with one side active. Each pair of words
// replaces something in the document, for stories of deployments that are set
// up otherwise.
func (p *wholePage) declare(side string, replace ...string) string {
	p.t.Helper()
	document := p.document
	for i, replace := 0, append([]string{"active: main ", "active: " + side + " "}, replace...); i < len(replace); i += 2 {
		if !strings.Contains(document, replace[i]) {
			p.t.Fatalf("the document does not say %q", replace[i])
		}
		document = strings.ReplaceAll(document, replace[i], replace[i+1])
	}
	commit := p.head()
	if document != p.current() {
		commit = p.commit("active: "+side, map[string]string{"deployment.yaml": document})
	}
	p.nudge()
	return commit
}

// installAll installs the package and each node's own file of examples/full.
func (p *wholePage) installAll(t *testing.T) {
	t.Helper()
	p.makeKeys(t)
	done := make(chan error, len(p.nodes))
	for name := range p.nodes {
		go func() { done <- p.installNode(t.Context(), name) }()
	}
	for range p.nodes {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

func (p *wholePage) installNode(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	host := p.nodes[name]
	if err := dpkg(ctx, host, p.deb); err != nil {
		return err
	}
	own, err := os.ReadFile("../examples/full/agent-" + name + ".yaml")
	if err != nil {
		return err
	}
	words := append(p.addresses(), "ssh://git@git.example.org/voice/paris.git", p.git.SSH,
		"verify:\n", "verify:\n  signKey: /etc/mainstay/sign_key\n")
	if project := p.projects[name]; project != nil {
		words = append(words, "xivocc", project.Name)
	}
	files := map[string][]byte{"agent.yaml": []byte(strings.NewReplacer(words...).Replace(string(own)))}
	keys := map[string]string{"id_ed25519": p.git.KeyFile, "known_hosts": p.git.KnownHosts,
		"sign_key": filepath.Join(p.keys, name), "node_keys": filepath.Join(p.keys, "node_keys")}
	if p.etcd != nil {
		p.keepOnEtcd(name, files)
	}
	for to, from := range keys {
		if files[to], err = os.ReadFile(from); err != nil {
			return err
		}
	}
	for to, text := range files {
		if err := host.Write(ctx, "/etc/mainstay/"+to, text, 0o600); err != nil {
			return err
		}
	}
	_, err = host.Exec(ctx, "systemctl", "--quiet", "enable", "--now", "--no-block", hosts.AgentUnit)
	return err
}

// dpkg installs a package file of the machine on a host, as a person would.
func dpkg(ctx context.Context, host *hosts.Host, file string) error {
	if err := host.Copy(ctx, file, "/root/mainstay.deb"); err != nil {
		return err
	}
	_, err := host.Exec(ctx, "dpkg", "-i", "/root/mainstay.deb")
	return err
}

// switchTo commits the other side as active, and tells the agents at once if
// notified, as the hook of examples/full does.
func (p *wholePage) switchTo(side string, notified bool) string {
	p.t.Helper()
	commit := p.edit("active: "+other(side), "active: "+side)
	if notified {
		p.nudge()
	}
	return commit
}

// nudge makes all agents that answer look at git now.
func (p *wholePage) nudge() {
	for _, host := range p.nodes {
		go ask(host, "POST", "/v1/sync", nil)
	}
}

func other(side string) string {
	if side == "main" {
		return "standby"
	}
	return "main"
}

// converged waits until all nodes are as a commit says, with one side active.
func (p *wholePage) converged(side, commit string) {
	p.t.Helper()
	for _, role := range []string{"xivo-", "cc-"} {
		p.awaitApplied(role+other(side), "Inactive", commit)
		p.awaitApplied(role+side, "Active", commit)
	}
	for _, shared := range []string{"mds1", "edge"} {
		p.awaits(shared, "pointing at "+side, func(r report) bool { return r.Serving == side && r.Applied == commit })
	}
}

// current is the document as it is in the checkout.
func (p *wholePage) current() string {
	text, err := os.ReadFile(filepath.Join(p.work, "deployment.yaml"))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// writeAll writes files into a folder, for the next commit.
func writeAll(folder string, files map[string]string) error {
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
