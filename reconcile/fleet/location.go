package fleet

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"mainstay/reconcile/etcd"
	"mainstay/reconcile/git"
	"mainstay/reconcile/gitcmd"
	"mainstay/spec"
	"mainstay/spec/cluster"
)

// Location says where a repository is and how to be let in.
type Location struct {
	// URL is anything git takes, or a folder.
	URL string
	// Branch is where the nodes read the document.
	Branch string
	// Path is one document. Empty means all that the branch holds.
	Path string
	// Deployment is the only one that is asked about; empty is all of them.
	Deployment string
	// Coordination is where claims and reports live; empty is the same
	// repository, and spec.CoordinationOff means that there are none.
	Coordination string
	// SSHKey, TokenFile, KnownHosts and CAFile are as in an agent's file. With
	// neither a key nor a token the git program asks, with the person's own
	// credentials.
	SSHKey, TokenFile, KnownHosts, CAFile string
	// Cluster is how to be let in by etcd, when claims and reports live there.
	Cluster Cluster
	// NodeKeys is the file of the nodes' own keys; when set, claims and reports that
	// their nodes did not sign are not believed.
	NodeKeys string
	// Config are settings of a checkout that tell git how to be let in, by name.
	Config [][2]string
	// Timeout bounds one connection. Zero means git.DefaultTimeout.
	Timeout time.Duration
}

// Cluster is how to be let in by an etcd cluster, as in an agent's file.
type Cluster struct {
	CAFile string
	cluster.Access
}

// OfAgent returns the place that an agent's own file names.
func OfAgent(f *spec.AgentFile) Location {
	r := f.Repository
	return Location{
		URL: r.URL, Branch: r.Branch, Path: r.Path, Coordination: f.Coordination.URL,
		SSHKey: r.SSHKey, TokenFile: r.TokenFile, KnownHosts: r.KnownHosts, CAFile: r.CAFile,
		NodeKeys: f.Verify.Nodes, Cluster: Cluster{f.Coordination.CAFile, f.Coordination.Access},
	}
}

// ClaimCluster is an etcd cluster that holds claims and reports.
type ClaimCluster = etcd.Client

// OpenCluster opens the cluster that a node's own file names, for somebody who looks at
// it as that node does.
func OpenCluster(f *spec.AgentFile, timeout time.Duration, log *slog.Logger) (*ClaimCluster, error) {
	o := etcd.OptionsOf(f)
	o.Timeout, o.Log = timeout, log
	return etcd.Open(o)
}

// place opens where claims and reports live, elsewhere than in the repository.
func (p Location) place(address string) (git.Place, *mirror, error) {
	if !cluster.Is(address) {
		r, m, err := p.remote(address)
		if err != nil {
			return nil, m, err
		}
		return r, m, nil
	}
	c, err := etcd.Open(etcd.Options{URL: address, CAFile: p.Cluster.CAFile, CertFile: p.Cluster.CertFile, KeyFile: p.Cluster.KeyFile,
		UserFile: p.Cluster.UserFile, NodeKeys: p.NodeKeys, Timeout: p.Timeout})
	if err != nil {
		return nil, nil, err
	}
	return c, nil, nil
}

// own reports whether credentials were named.
func (p Location) own() bool { return p.SSHKey != "" || p.TokenFile != "" }

// remote opens one repository of the place. A folder is read as it is; what is
// elsewhere is read with the named credentials, or else through a copy that the
// git program keeps for the time being.
func (p Location) remote(address string) (*git.Remote, *mirror, error) {
	o := git.Options{URL: address, Timeout: p.Timeout, NodeKeys: p.NodeKeys}
	if p.own() {
		o.SSHKey, o.TokenFile, o.KnownHosts, o.CAFile = p.SSHKey, p.TokenFile, p.KnownHosts, p.CAFile
		r, err := git.Open(o)
		return r, nil, err
	}
	if local(address) {
		r, err := git.Open(o)
		return r, nil, err
	}
	dir, err := os.MkdirTemp("", "mainstay-read-")
	if err != nil {
		return nil, nil, fmt.Errorf("make a folder for the copy: %w", err)
	}
	m := &mirror{repo: gitcmd.Repo{Dir: dir, Env: p.Env()}, from: address, refs: "refs/mainstay/"}
	if p.Deployment != "" {
		m.refs = git.RefsOf(p.Deployment)
	}
	o.URL = dir
	r, err := git.Open(o)
	return r, m, err
}

// Shown is an address as it may be printed: without the password or token that a
// CI system may have put into it.
func Shown(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.User == nil || u.Scheme == "ssh" {
		return address
	}
	u.User = nil
	return u.String()
}

// local reports whether an address is a folder of this machine.
func local(address string) bool {
	if u, err := url.Parse(address); err == nil && u.Scheme == "file" {
		return true
	}
	_, err := os.Stat(address)
	return err == nil
}

// mirror is a bare copy of the refs that matter, brought up to date by the git
// program.
type mirror struct {
	repo gitcmd.Repo
	from string
	// refs is what the claims and reports begin with that are fetched.
	refs string
	made bool
}

// update fetches what moved. depth 0 fetches whole histories.
func (m *mirror) update(ctx context.Context, branch string, depth int) error {
	if !m.made {
		if _, err := m.repo.Run(ctx, gitcmd.Git("init", "--quiet", "--bare")); err != nil {
			return err
		}
		m.made = true
	}
	options := []string{"--quiet", "--no-tags", "--prune"}
	if depth > 0 {
		options = append(options, fmt.Sprintf("--depth=%d", depth))
	} else if _, err := os.Stat(filepath.Join(m.repo.Dir, "shallow")); err == nil {
		options = append(options, "--unshallow")
	}
	at := "+" + git.Branch(Timed) + "*:" + git.Branch(Timed) + "*"
	fetch := gitcmd.Git("fetch", options...).On(m.from, at)
	head := "+" + git.Branch(branch) + ":" + git.Branch(branch)
	notes := "+" + m.refs + "*:" + m.refs + "*"
	_, err := m.repo.Run(ctx, fetch.On(head, notes))
	if err != nil && strings.Contains(err.Error(), "couldn't find remote ref") {
		_, err = m.repo.Run(ctx, fetch.On(notes))
	}
	return err
}

func (m *mirror) remove() {
	if m != nil {
		_ = os.RemoveAll(m.repo.Dir)
	}
}

// FetchCommit makes sure that a commit of the branch is in a repository.
func (l *Location) FetchCommit(ctx context.Context, repo gitcmd.Repo, hash string) error {
	if _, err := repo.Run(ctx, gitcmd.Git("cat-file", "-e").On(hash+"^{commit}")); err == nil {
		return nil
	}
	_, err := repo.Run(ctx, gitcmd.Git("fetch", "--quiet", "--no-tags").On(l.URL, "refs/heads/"+l.Branch))
	return err
}

// Workplace is where revisions are looked at: the checkout around the current folder when
// it is one of the repository, else a copy that done removes.
func (l *Location) Workplace(ctx context.Context) (repo gitcmd.Repo, done func(), err error) {
	env := l.Env()
	if top, err := gitcmd.Top(ctx, "."); err == nil {
		if url, err := top.Text(ctx, gitcmd.Git("remote", "get-url", "origin")); err == nil && SameRepository(url, l.URL) {
			top.Env = env
			return top, func() {}, nil
		}
	}
	dir, err := os.MkdirTemp("", "mainstay-copy-")
	if err != nil {
		return repo, nil, err
	}
	done = func() { _ = os.RemoveAll(dir) }
	repo = gitcmd.Repo{Dir: dir, Env: env}
	if _, err := repo.Run(ctx, gitcmd.Git("clone", "--quiet", "--bare").On(l.URL, dir)); err != nil {
		done()
		return repo, nil, err
	}
	return repo, done, nil
}
