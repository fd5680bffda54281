package git

import "mainstay/spec"

// OptionsOf are the options of the document's repository in a node's own file. Whoever
// looks for the agent, such as doctor, believes what the agent believes. Timeout and
// Log are the caller's.
func OptionsOf(f *spec.AgentFile) Options {
	r, v := f.Repository, f.Verify
	return Options{
		URL: r.URL, Mirrors: r.Mirrors, SSHKey: r.SSHKey, TokenFile: r.TokenFile, KnownHosts: r.KnownHosts, CAFile: r.CAFile,
		AllowedSigners: v.AllowedSigners, Policy: v.Policy, Skew: v.Skew.D(), SignKey: f.SigningKey(), NodeKeys: v.Nodes,
	}
}

// CoordinationOf are the options of the place of claims and reports, and whether that
// is the document's repository. Without such a place (R8) they are empty.
func CoordinationOf(f *spec.AgentFile) (o Options, same bool) {
	c := f.Coordination
	switch {
	case c.Off():
		return Options{}, false
	case c.URL == "" || c.URL == f.Repository.URL:
		return OptionsOf(f), true
	}
	return Options{
		URL: c.URL, SSHKey: c.SSHKey, TokenFile: c.TokenFile, KnownHosts: c.KnownHosts, CAFile: c.CAFile,
		SignKey: f.SigningKey(), NodeKeys: f.Verify.Nodes,
	}, false
}
