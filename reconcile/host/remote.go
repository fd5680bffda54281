package host

import (
	"log/slog"
	"time"

	"mainstay/reconcile/etcd"
	"mainstay/reconcile/git"
	"mainstay/spec"
	"mainstay/spec/cluster"
)

// open opens a repository of an agent file.
func open(o git.Options, timeout time.Duration, log *slog.Logger) (*git.Remote, error) {
	o.Timeout, o.Log = timeout, log
	return git.Open(o)
}

// openCoordination opens where claims and reports live, and says whether that
// is the document's repository. Without one (R8) there is no place.
func openCoordination(f *spec.AgentFile, repo *git.Remote, timeout time.Duration, log *slog.Logger) (git.Place, bool, error) {
	o, same := git.CoordinationOf(f)
	switch {
	case f.Coordination.Off():
		return nil, false, nil
	case same:
		return repo, true, nil
	case cluster.Is(f.Coordination.URL):
		o := etcd.OptionsOf(f)
		o.Timeout, o.Log = timeout, log
		c, err := etcd.Open(o)
		if err != nil {
			return nil, false, err
		}
		return c, false, nil
	}
	r, err := open(o, timeout, log)
	if err != nil {
		return nil, false, err
	}
	return r, false, nil
}
