package git_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mainstay/reconcile/git"
	"mainstay/spec"
)

// vouched reads a commit as an agent that accepted another one does.
func (w *work) vouched(o git.Options, hash, accepted string) error {
	w.t.Helper()
	o.URL = w.bare
	rev, err := git.NewDocument(open(w.t, o), "main").Revision(ctx(w.t), hash, accepted)
	if err != nil {
		return err
	}
	return rev.(interface {
		Vouch(deployment string, files []string) error
	}).Vouch("paris", []string{"deployment.yaml", "t/a.conf"})
}

// signing makes a repository with an accepted commit that is signed.
func signing(t *testing.T) (w *work, o git.Options, key, accepted string) {
	w = newWork(t)
	key, public := keypair(t)
	o.AllowedSigners = filepath.Join(t.TempDir(), "allowed_signers")
	save(t, o.AllowedSigners, []byte("ops@example.org "+public+"\n"))
	w.commit("before")
	return w, o, key, w.signed(key, "active: main")
}

func TestEveryCommitSinceTheAcceptedOneIsVerified(t *testing.T) {
	w, o, key, accepted := signing(t)
	w.commit("active: standby")
	unsigned := w.git("rev-parse", "HEAD")
	w.write("README.md", "x")
	tip := w.signed(key, "active: standby")
	w.push()
	err := w.vouched(o, tip, accepted)
	if !errors.Is(err, git.ErrSignature) || !strings.Contains(err.Error(), unsigned) || !strings.Contains(err.Error(), "mainstay accept") {
		t.Errorf("an unsigned change below a signed commit: %v", err)
	}
	if err := w.vouched(o, tip, ""); err != nil {
		t.Errorf("as a person accepts it: %v", err)
	}
	if err := w.vouched(git.Options{}, tip, accepted); err != nil {
		t.Errorf("where nobody verifies: %v", err)
	}
	w.history(60) // unsigned, and of something else
	later := w.signed(key, "active: main")
	w.push()
	if err := w.vouched(o, later, tip); err != nil {
		t.Errorf("unsigned commits of something else: %v", err)
	}
}

// A merged branch that began before the accepted commit makes the agent look deeper.
func TestAMergedBranchIsFollowedToItsBeginning(t *testing.T) {
	w, o, key, _ := signing(t)
	w.git("branch", "feature")
	for range 3 {
		w.signed(key, time.Now().String())
	}
	accepted := w.signed(key, "active: main # again")
	w.git("checkout", "--quiet", "feature")
	w.write("t/a.conf", "unsigned")
	w.git("add", "-A")
	w.git("commit", "--quiet", "-m", "a template")
	side := w.git("rev-parse", "HEAD")
	w.git("checkout", "--quiet", "main")
	w.git("-c", "gpg.format=ssh", "-c", "user.signingkey="+key, "merge", "--quiet", "-S", "--no-ff", "-m", "merge", "feature")
	tip := w.git("rev-parse", "HEAD")
	w.push()
	if err := w.vouched(o, tip, accepted); !errors.Is(err, git.ErrSignature) || !strings.Contains(err.Error(), side) {
		t.Errorf("got %v", err)
	}
}

func TestACommitFromTheFutureIsTriedAgain(t *testing.T) {
	w, o, key, accepted := signing(t)
	tip := w.signed(key, "active: standby")
	w.push()
	o.Now = func() time.Time { return time.Now().Add(-time.Minute) }
	if err := w.vouched(o, tip, accepted); err != nil {
		t.Errorf("within the default: %v", err)
	}
	o.Skew = time.Second
	err := w.vouched(o, tip, "")
	var p interface{ Permanent() bool }
	if !errors.Is(err, git.ErrAhead) || !errors.As(err, &p) || p.Permanent() {
		t.Errorf("got %v", err)
	}
}

func TestThePolicyOfTheAgentsFileIsHeldAgainstEachCommit(t *testing.T) {
	w, o, key, accepted := signing(t)
	tip := w.signed(key, "active: standby")
	w.push()
	for name, c := range map[string]struct {
		policy spec.Policy
		want   string
	}{
		"theirs": {spec.Policy{Active: []string{"ops@example.org"}}, ""}, "another's": {spec.Policy{Active: []string{"boss@example.org"}}, "changes active"},
		"bound": {spec.Policy{Bound: true}, "Mainstay-"},
	} {
		o.Policy = &c.policy
		err := w.vouched(o, tip, accepted)
		if (err == nil) != (c.want == "") || err != nil && (!errors.Is(err, git.ErrSignature) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
