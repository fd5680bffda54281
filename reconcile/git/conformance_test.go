package git_test

import (
	"strings"
	"testing"

	"mainstay/e2e/gitserver"
	"mainstay/reconcile/coordinationtest"
	"mainstay/reconcile/git"
	"mainstay/reconcile/plan"
)

// A repository is a place of claims and reports, however it is reached.
func TestARepositoryIsAPlaceOfClaims(t *testing.T) {
	t.Run("path", func(t *testing.T) {
		coordinationtest.Run(t, func(t *testing.T) coordinationtest.Server {
			w := newWork(t)
			return w.place(git.Options{URL: w.bare})
		})
	})
	t.Run("http", func(t *testing.T) {
		coordinationtest.Run(t, onHTTP)
		coordinationtest.RunFaults(t, onHTTP)
	})
	t.Run("ssh", func(t *testing.T) {
		coordinationtest.Run(t, func(t *testing.T) coordinationtest.Server {
			w := newWork(t)
			s := gitserver.NewSSHHere(t, w.bare)
			return w.place(git.Options{URL: s.URL, SSHKey: s.KeyFile, KnownHosts: s.KnownHosts})
		})
	})
}

func onHTTP(t *testing.T) coordinationtest.Server {
	w := newWork(t)
	faults := &gitserver.Failing{Changes: gitserver.IsPush}
	s := w.place(git.Options{URL: gitserver.HTTP(t, w.bare, faults.Option())})
	s.Faults = faults
	return s
}

// place is the bare repository as a place that is reached as o says.
func (w *work) place(o git.Options) coordinationtest.Server {
	return coordinationtest.Server{
		Open: func(t *testing.T, with coordinationtest.Options) git.Place {
			o := o
			o.SignKey, o.NodeKeys, o.Timeout = with.SignKey, with.NodeKeys, with.Timeout
			return open(t, o)
		},
		Put: func(t *testing.T, ref, hash string) {
			if hash == "" {
				gitserver.Git(t, w.bare, "update-ref", "-d", ref)
				return
			}
			gitserver.Git(t, w.bare, "update-ref", ref, hash)
		},
		Copy: func(t *testing.T, _, to string, tip plan.Tip) { gitserver.Git(t, w.bare, "update-ref", to, tip.ID) },
		Write: func(_ *testing.T, ref, content string) string {
			file := "report.json"
			if strings.Contains(ref, "/claim/") {
				file = "claim.json"
			}
			return foreign(w, ref, map[string]string{file: content})
		},
	}
}
