//go:build e2e

package git_test

import (
	"testing"

	"mainstay/e2e/gitserver"
	"mainstay/reconcile/coordinationtest"
	"mainstay/reconcile/git"
)

// A repository behind OpenSSH is a place of claims too.
func TestOpenSSHIsAWayToAPlaceOfClaims(t *testing.T) {
	coordinationtest.Run(t, func(t *testing.T) coordinationtest.Server {
		w := newWork(t)
		address, key, hosts := gitserver.SSH(t, w.bare)
		return w.place(git.Options{URL: address, SSHKey: key, KnownHosts: hosts})
	})
}
