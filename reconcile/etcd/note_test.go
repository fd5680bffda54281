//go:build e2e

package etcd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mainstay/e2e/etcdserver"
	"mainstay/e2e/gitserver"
)

// signs lets a person sign every commit and every note, and makes the nodes that come trust
// that key alone.
func (s *site) signs() {
	s.t.Helper()
	dir := s.t.TempDir()
	key, signers := filepath.Join(dir, "key"), filepath.Join(dir, "signers")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ops", "-f", key).CombinedOutput(); err != nil {
		s.t.Fatalf("%v: %s", err, out)
	}
	public, err := os.ReadFile(key + ".pub")
	if err == nil {
		err = os.WriteFile(signers, append([]byte("ops "), public...), 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range [][]string{{"gpg.format", "ssh"}, {"user.signingkey", key}, {"commit.gpgsign", "true"}, {"user.name", "ops"}, {"user.email", "ops@example.org"}} {
		gitserver.Git(s.t, s.work, "config", c[0], c[1])
	}
	gitserver.Git(s.t, s.work, "remote", "add", "origin", s.bare)
	s.more = "verify: { allowedSigners: " + signers + " }\n"
	s.declare("main")
}

// forgets takes from an agent, which is off, the changes of the claim that it keeps.
func (a *agent) forgets() {
	a.t.Helper()
	found := 0
	for _, kind := range []string{"chain*", "newest*"} {
		files, _ := filepath.Glob(filepath.Join(a.folder, "state", kind))
		for _, f := range files {
			if found++; os.Remove(f) != nil {
				a.t.Fatalf("cannot remove %s", f)
			}
		}
	}
	if found == 0 {
		a.t.Fatal("there is no chain")
	}
}

// accepts writes a note about the claim from the checkout, and follows it.
func (s *site) accepts() (string, error) {
	c := exec.Command(s.program, "accept", "--everywhere", "--claim", "--attest", "restored from a snapshot, standby seen down", "--yes", "--wait", "20s", "--coordination", s.url)
	c.Dir, c.Env = s.work, append(gitserver.Env(), "HOME="+s.t.TempDir())
	out, err := c.CombinedOutput()
	return string(out), err
}

// R10: a cluster is restored from an old snapshot, and no node can bring the claim back. One
// note in the repository of the document is enough: the node that serves puts the claim above
// the highest number that it knew, goes on with the same process, and the next switches are
// made as ever.
func TestANoteAboutAClaimOnEtcdIsCarriedOut(t *testing.T) {
	s := newSite(t, etcdserver.New(t, 3), "300ms")
	s.signs()
	s.begin()
	snapshot := filepath.Join(t.TempDir(), "snapshot")
	s.cluster.Save(snapshot)
	s.handsOver("standby")
	s.handsOver("main")
	pid := s.main.serves()
	for _, a := range []*agent{s.main, s.standby} {
		a.stop()
		a.forgets()
	}
	s.cluster.Restore(snapshot)
	s.main.start()
	s.standby.start()
	s.watchedUntil("told that the claim went back", func() bool {
		return strings.Contains(s.main.says(), "ClaimRegressed") && strings.Contains(s.standby.says(), "ClaimRegressed")
	})
	out := ""
	s.watchedUntil("in a note", func() bool { // the reports make way for the claim
		var err error
		out, err = s.accepts()
		return err == nil
	})
	for _, want := range []string{"xivo-main would put the claim of xivo, which is at #1 (", "above #", "held by main, this node's side", "xivo-standby says that it does not run", "every node that the note names has obeyed it"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	s.watchedUntil("at peace again", func() bool { return !strings.Contains(s.main.says()+s.standby.says(), "ClaimRegressed") })
	if s.main.serves() != pid || s.standby.serves() > 0 {
		t.Errorf("main serves as %d, was %d; standby as %d", s.main.serves(), pid, s.standby.serves())
	}
	s.watchedUntil("told who accepted it", func() bool {
		said, _ := exec.Command(s.program, "status", "xivo-main", "--socket", filepath.Join(s.main.folder, "s")).CombinedOutput()
		return strings.Contains(string(said), "AcceptedByNote: ops accepted the claim of xivo")
	})
	if refs := gitserver.Git(t, s.bare, "for-each-ref", "--format=%(refname)", "refs/mainstay"); refs != "refs/mainstay/paris/accept\n" {
		t.Errorf("the repository of the document has %q", refs)
	}
	s.handsOver("standby")
	s.handsOver("main")
}
