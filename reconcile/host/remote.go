package host

import (
	"log/slog"
	"time"

	"mainstay/reconcile/git"
	"mainstay/spec"
)

// open opens a repository of an agent file.
func open(o git.Options, timeout time.Duration, log *slog.Logger) (*git.Remote, error) {
	o.Timeout, o.Log = timeout, log
	return git.Open(o)
}

// openCoordination opens where claims and reports live, and says whether that
// is the document's repository. Without one (R8) the remote is nil.
func openCoordination(f *spec.AgentFile, repo *git.Remote, timeout time.Duration, log *slog.Logger) (*git.Remote, bool, error) {
	o, same := git.CoordinationOf(f)
	switch {
	case f.Coordination.Off():
		return nil, false, nil
	case same:
		return repo, true, nil
	}
	r, err := open(o, timeout, log)
	return r, false, err
}
