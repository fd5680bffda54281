//go:build e2e

package git_test

import (
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/attack"
	"mainstay/e2e/gitserver"
	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// served is a site behind OpenSSH, where each node has a key of its own, signs by it
// and believes signed claims and reports only.
type served struct {
	site
	server *gitserver.SSHServer
}

// serveSite makes such a site whose claim main took, with or without the hook.
func serveSite(t *testing.T, hook bool) served {
	t.Helper()
	s := served{site: newSite(t)}
	if hook {
		s.work = guarded(t, "pre-receive")
	}
	s.server = gitserver.NewSSH(t, s.bare)
	for node, key := range s.keys {
		s.server.Know(t, node, key)
	}
	s.commit("one")
	s.push()
	change(t, s.over("xivo-main"), claim(1, plan.Take, spec.Main, "xivo-main"))
	if _, err := s.over("xivo-main").PublishReport(ctx(t), reportOf("xivo-main"), report("xivo-main", plan.Active), ""); err != nil {
		t.Fatal(err)
	}
	return s
}

// patient is the bound of one call: a process takes seconds on a busy machine.
const patient = time.Minute

// over opens the repository over SSH with the key of a node.
func (s served) over(node string) *git.Remote {
	s.t.Helper()
	return open(s.t, git.Options{URL: s.server.URL, SSHKey: s.keys[node], KnownHosts: s.server.KnownHosts, SignKey: s.keys[node], NodeKeys: s.file, Timeout: patient})
}

// pushOver pushes with git and ssh, by the key of a node.
func (s served) pushOver(node string, args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{"push", "--quiet", s.server.URL}, args...)...)
	cmd.Dir = s.dir
	cmd.Env = append(gitserver.Env(), "GIT_SSH_COMMAND=ssh -F /dev/null -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile="+
		s.server.KnownHosts+" -i "+s.keys[node])
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// forgeries are what a stolen key of edge says about others, each signed by it.
func forgeries() map[string]plan.Claim {
	return map[string]plan.Claim{
		"a seizure in its own name":               claim(2, plan.Seize, spec.Standby, "edge"),
		"a seizure in standby's name":             claim(2, plan.Seize, spec.Standby, "xivo-standby"),
		"a release in main's name":                claim(2, plan.Release, "", "xivo-main"),
		"a claim that a person vouched for":       claim(9, plan.Reroot, spec.Standby, "edge"),
		"a take of the free claim in main's name": claim(2, plan.Take, spec.Main, "xivo-main"),
	}
}

// The server refuses all that edge's key may not do, whoever asks how.
func TestBehindOpenSSHTheHookRefusesAStolenEdgeKey(t *testing.T) {
	s := serveSite(t, true)
	s.git("fetch", "--quiet", "origin", claimRef+":"+tip)
	before := gitserver.Git(t, s.bare, "for-each-ref")
	same := func(t *testing.T) {
		t.Helper()
		if after := gitserver.Git(t, s.bare, "for-each-ref"); after != before {
			t.Errorf("the refs changed:\n%s%s", before, after)
		}
	}
	overSSH := []string{"edge's key seizes the claim in standby's name", "another node's report is replaced", "a node's key pushes a review branch",
		"a node's key deletes a branch", "a report of 25 MiB of zeros, 25 KB on the wire"}
	for what, c := range forgeries() {
		t.Run(what, func(t *testing.T) {
			attack.Row(t, "OpenSSH with the hook", "edge's stolen key pushes "+what+", signed by it", "refused by the server")
			_, err := s.over("edge").PushClaim(ctx(t), claimRef, plan.Push{Parent: s.ref(claimRef), Claim: c})
			if !errors.Is(err, failure.ErrRefused) {
				t.Errorf("got %v", err)
			}
			same(t)
		})
	}
	for _, row := range slices.Concat(claimsByStolenKeys(), refsByStolenKeys(), objectsByStolenKeys()) {
		if row.key != "edge" || !slices.Contains(overSSH, row.what) {
			continue // the hook's own test has the others
		}
		t.Run(row.what, func(t *testing.T) {
			attack.Row(t, "OpenSSH with the hook", row.what, "refused by the server")
			if out, err := s.pushOver("edge", row.push(s.work)...); err == nil || !strings.Contains(out, row.want) {
				t.Errorf("got %v, %s; want %q", err, out, row.want)
			}
			same(t)
		})
	}
	if _, err := s.over("edge").PublishReport(ctx(t), reportOf("edge"), report("edge", plan.Active), ""); err != nil {
		t.Errorf("edge's own report: %v", err)
	}
}

// Without the hook the server takes everything, and the nodes believe none of it.
func TestBehindOpenSSHNodesBelieveNoStolenEdgeKey(t *testing.T) {
	s := serveSite(t, false)
	node, good := s.over("xivo-standby"), s.ref(claimRef)
	known, err := node.Claim(ctx(t), claimRef, good, plan.Tip{})
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range forgeries() {
		t.Run(what, func(t *testing.T) {
			attack.Row(t, "OpenSSH without the hook", "edge's stolen key pushes "+what+", signed by it", "damaged for the nodes, not believed")
			change(t, s.over("edge"), c)
			read, err := node.Claim(ctx(t), claimRef, s.ref(claimRef), known.Tip)
			if !errors.Is(err, failure.ErrDamaged) || read.Tip.ID != "" {
				t.Errorf("got %+v, %v", read.Tip, err)
			}
			gitserver.Git(t, s.bare, "update-ref", claimRef, good)
		})
	}
	t.Run("report", func(t *testing.T) {
		attack.Row(t, "OpenSSH without the hook", "edge's stolen key reports in main's name that main is down", "damaged for the nodes, not believed")
		id, err := s.over("edge").PublishReport(ctx(t), reportOf("xivo-main"), report("xivo-main", plan.Inactive), "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readReport(t, node, reportOf("xivo-main"), id); !errors.Is(err, failure.ErrDamaged) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("branch", func(t *testing.T) {
		attack.Row(t, "OpenSSH without the hook", "edge's stolen key pushes the document's branch", "refused by nodes that verify commits")
		signers := filepath.Join(t.TempDir(), "allowed_signers")
		key, public := keypair(t)
		accepted := s.signed(key, "two")
		s.push()
		save(t, signers, []byte("ops@example.org "+public+"\n"))
		if out, err := s.pushOver("edge", s.commit("active: standby")+":refs/heads/main"); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		r := open(t, git.Options{URL: s.server.URL, SSHKey: s.keys["xivo-main"], KnownHosts: s.server.KnownHosts, AllowedSigners: signers, Timeout: patient})
		if _, err := r.Revision(ctx(t), "main", s.ref("refs/heads/main"), accepted); !errors.Is(err, failure.ErrSignature) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("deleted", func(t *testing.T) {
		attack.Row(t, "OpenSSH without the hook", "edge's stolen key deletes the claim, and begins it anew", "it does not descend from the known one, and is damaged")
		if out, err := s.pushOver("edge", ":"+claimRef); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if read, err := node.Claim(ctx(t), claimRef, "", known.Tip); err != nil || read.Descends {
			t.Errorf("deleted: %+v, %v", read, err)
		}
		change(t, s.over("edge"), claim(1, plan.Take, spec.Standby, "edge"))
		if read, err := node.Claim(ctx(t), claimRef, s.ref(claimRef), known.Tip); !errors.Is(err, failure.ErrDamaged) || read.Descends {
			t.Errorf("anew: %+v, %v", read, err)
		}
	})
}
