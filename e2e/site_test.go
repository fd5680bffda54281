//go:build e2e

package e2e

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

// site is a deployment of real hosts: a git host, a checkout of its repository
// on the machine, and a host with an agent for each node.
type site struct {
	t       *testing.T
	network *hosts.Network
	git     *hosts.GitHost
	nodes   map[string]*hosts.Host
	// projects are the Compose projects of those nodes that have one.
	projects map[string]*hosts.Project
	// etcd keeps claims and reports, nil where they are in the repository.
	etcd   *hosts.EtcdHosts
	work   string // the checkout
	binary string
}

// siteBound is how long the nodes of a site may take to agree with a commit.
const siteBound = patience

// newSite makes a git host and the nodes, without agents.
func newSite(t *testing.T, nodes ...hosts.Spec) *site {
	t.Helper()
	return newSiteOn(t, hosts.NewNetwork(t), nodes...)
}

// newSiteOn is newSite on a network that is there.
func newSiteOn(t *testing.T, network *hosts.Network, nodes ...hosts.Spec) *site {
	t.Helper()
	s := &site{t: t, network: network, nodes: map[string]*hosts.Host{}, projects: map[string]*hosts.Project{}}
	binary := make(chan error, 1)
	s.binary = filepath.Join(t.TempDir(), "mainstay")
	go func() { binary <- buildAgent(t, s.binary) }()
	all := []hosts.Spec{{Name: "git", Image: hosts.Bookworm}}
	all = append(all, nodes...)
	for i := range all {
		all[i].Network = s.network
	}
	timed(t, fmt.Sprintf("%d hosts", len(all)), func() {
		made := hosts.StartAll(t, all...)
		s.git = hosts.ServeGit(t, made[0])
		for _, h := range made[1:] {
			s.nodes[h.Name()] = h
		}
	})
	if err := <-binary; err != nil {
		t.Fatal(err)
	}
	s.work = filepath.Join(t.TempDir(), "checkout")
	gitserver.Git(t, "", "clone", "--quiet", s.git.HTTP, s.work)
	return s
}

// in is the site for a part of its test.
func (s *site) in(t *testing.T) *site {
	part := *s
	part.t = t
	return &part
}

func buildAgent(t *testing.T, path string) error {
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", path, "mainstay/cmd/mainstay")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the agent: %w\n%s", err, out)
	}
	return nil
}

// commit writes files into the checkout, commits and pushes them, and returns
// the commit.
func (s *site) commit(message string, files map[string]string) string {
	s.t.Helper()
	for name, text := range files {
		path := filepath.Join(s.work, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	gitserver.Git(s.t, s.work, "add", "--all")
	gitserver.Git(s.t, s.work, "commit", "--quiet", "-m", message)
	gitserver.Git(s.t, s.work, "push", "--quiet", "origin", "HEAD:main")
	return strings.TrimSpace(gitserver.Git(s.t, s.work, "rev-parse", "HEAD"))
}

// edit commits one replacement in the document.
func (s *site) edit(from, to string) string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.work, "deployment.yaml"))
	if err != nil {
		s.t.Fatal(err)
	}
	changed := strings.Replace(string(text), from, to, 1)
	if changed == string(text) {
		s.t.Fatalf("the document does not say %q", from)
	}
	return s.commit(to, map[string]string{"deployment.yaml": changed})
}

// install makes a node's agent run, with what its own file allows. Nodes of the
// standby side use SSH, the others HTTP.
func (s *site) install(name, allow string) {
	s.t.Helper()
	repository := "{ url: \"" + s.git.HTTP + "\" }"
	files := map[string]string{}
	if strings.HasSuffix(name, "-standby") {
		repository = fmt.Sprintf("{ url: %q, sshKey: /etc/mainstay/id_ed25519, knownHosts: /etc/mainstay/known_hosts }", s.git.SSH)
		for path, from := range map[string]string{"id_ed25519": s.git.KeyFile, "known_hosts": s.git.KnownHosts} {
			text, err := os.ReadFile(from)
			if err != nil {
				s.t.Fatal(err)
			}
			files["/etc/mainstay/"+path] = string(text)
		}
	}
	files["/etc/mainstay/agent.yaml"] = fmt.Sprintf("node: %s\nrepository: %s\nallow: %s\n", name, repository, allow)
	s.nodes[name].InstallAgent(s.t, s.binary, files)
}

// claims is the history of a role's claim, oldest first, as "seq holder
// guarantee".
func (s *site) claims(deployment, role string) []string {
	s.t.Helper()
	var history []string
	for _, file := range s.claimFiles(deployment, role) {
		var c struct {
			Seq       uint64
			Holder    string
			Guarantee string
		}
		decode(s.t, file, &c)
		history = append(history, strings.TrimSpace(fmt.Sprintf("%d %s %s", c.Seq, c.Holder, c.Guarantee)))
	}
	return history
}

// claimFiles are all changes of a role's claim, oldest first, wherever it is kept.
func (s *site) claimFiles(deployment, role string) (files []string) {
	s.t.Helper()
	if s.etcd != nil {
		files, err := s.changesOnEtcd(s.t.Context(), deployment, role)
		if err != nil {
			s.t.Fatal(err)
		}
		return files
	}
	ref := "refs/mainstay/" + deployment + "/claim/" + role
	gitserver.Git(s.t, s.work, "fetch", "--quiet", "origin", "+"+ref+":"+ref)
	for commit := range strings.FieldsSeq(gitserver.Git(s.t, s.work, "rev-list", "--reverse", ref)) {
		files = append(files, gitserver.Git(s.t, s.work, "show", commit+":claim.json"))
	}
	return files
}
