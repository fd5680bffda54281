package doctor

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/gitserver"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// Doctor believes what the agent believes: a commit that the agent would refuse by
// verify.policy is a failure here too, and nothing is known of the commits in between
// while no agent says which one it goes by.
func TestACommitThatThePolicyRefusesFails(t *testing.T) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Fatal("this test needs ssh-keygen")
	}
	bare, work, dir := repository(t), t.TempDir(), t.TempDir()
	gitserver.Git(t, work, "clone", "--quiet", bare, ".")
	var lines strings.Builder
	for _, name := range []string{"dev", "ops"} {
		key := filepath.Join(dir, name)
		if out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v\n%s", err, out)
		}
		public, err := os.ReadFile(key + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&lines, "%s@example.org %s", name, public)
	}
	signers := filepath.Join(dir, "signers")
	save(t, signers, lines.String(), 0o600)
	commit := func(name, from, to string) string {
		save(t, filepath.Join(work, "deployment.yaml"), strings.Replace(document, from, to, 1), 0o644)
		gitserver.Git(t, work, "-c", "gpg.format=ssh", "-c", "user.signingkey="+filepath.Join(dir, name), "commit", "--quiet", "-aS", "-m", "Change it")
		gitserver.Git(t, work, "push", "--quiet", "origin", "main")
		return strings.TrimSpace(gitserver.Git(t, work, "rev-parse", "HEAD"))
	}
	accepted := commit("ops", "name: rome", "name: rome # by ops")
	commit("dev", "active: main", "active: standby")

	f := file(t, bare)
	f.Verify = spec.Verify{AllowedSigners: signers, Policy: &spec.Policy{Active: []string{"ops@example.org"}}}
	look := func(accepted string) []Finding {
		e := &examiner{file: f, log: slog.New(slog.DiscardHandler), now: time.Now, accepted: accepted}
		e.repository(t.Context())
		return e.found
	}
	has(t, look(accepted), Fail, "signature refused", "mainstay accept")
	has(t, look(""), Warn, "the newest commit alone was verified", "start the agent")
}

// What the agent itself says is in the way of this node fails doctor too.
func TestWhatTheAgentRefusesFails(t *testing.T) {
	e := &examiner{}
	e.conditions([]plan.Condition{{Type: plan.CondRewound, Message: "rewritten"}, {Type: plan.CondTakeover, Message: "by hand"}, {Type: plan.CondMirrorBehind, Message: "soon"}})
	has(t, e.found, Fail, "Rewound: rewritten", "mainstay accept")
	has(t, e.found, Warn, "Takeover: by hand", "takeover --end")
	if len(e.found) != 2 {
		t.Errorf("what passes by itself is told: %+v", e.found)
	}
}
