package etcd

import "mainstay/spec"

// OptionsOf are the options of the cluster that a node's own file names. Timeout and
// Log are the caller's.
func OptionsOf(f *spec.AgentFile) Options {
	c := f.Coordination
	return Options{URL: c.URL, CAFile: c.CAFile, CertFile: c.CertFile, KeyFile: c.KeyFile, UserFile: c.UserFile,
		SignKey: f.SigningKey(), NodeKeys: f.Verify.Nodes}
}
