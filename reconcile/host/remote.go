package host

import (
	"log/slog"
	"time"

	"mainstay/reconcile/git"
	"mainstay/spec"
)

// openRepository opens the document's repository of an agent file.
func openRepository(f *spec.AgentFile, timeout time.Duration, log *slog.Logger) (*git.Remote, error) {
	r := f.Repository
	return git.Open(git.Options{
		URL: r.URL, Mirrors: r.Mirrors, SSHKey: r.SSHKey, TokenFile: r.TokenFile, KnownHosts: r.KnownHosts,
		CAFile: r.CAFile, AllowedSigners: f.Verify.AllowedSigners, Policy: f.Verify.Policy, Skew: f.Verify.Skew.D(), SignKey: f.SigningKey(), NodeKeys: f.Verify.Nodes, Timeout: timeout, Log: log,
	})
}

// openCoordination opens where claims and reports live, and says whether that
// is the document's repository. Without one (R8) the remote is nil.
func openCoordination(f *spec.AgentFile, repo *git.Remote, timeout time.Duration, log *slog.Logger) (*git.Remote, bool, error) {
	c := f.Coordination
	switch {
	case c.Off():
		return nil, false, nil
	case c.URL == "" || c.URL == f.Repository.URL:
		return repo, true, nil
	}
	r, err := git.Open(git.Options{URL: c.URL, SSHKey: c.SSHKey, TokenFile: c.TokenFile,
		KnownHosts: c.KnownHosts, CAFile: c.CAFile, SignKey: f.SigningKey(), NodeKeys: f.Verify.Nodes, Timeout: timeout, Log: log})
	return r, false, err
}
