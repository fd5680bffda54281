//go:build e2e

package git_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mainstay/e2e/attack"
	"mainstay/e2e/gitserver"
	"mainstay/reconcile/git"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// gitoliteShell is where Debian's gitolite3 puts what sshd runs for a key.
const gitoliteShell = "/usr/share/gitolite3/gitolite-shell"

// gitolite is a Gitolite with the example's rules and hook in a home of its own.
type gitolite struct {
	t    *testing.T
	home string
	ssh  string // stands for ssh: it runs what sshd would, for the key of $KEY
}

func newGitolite(t *testing.T, withHook bool) gitolite {
	t.Helper()
	program, err := exec.LookPath("gitolite")
	if err != nil {
		t.Fatal("gitolite3 is needed")
	}
	g := gitolite{t: t, home: t.TempDir()}
	g.run(program, "setup", "-a", "nobody")
	g.change(".gitolite.rc", "GIT_CONFIG_KEYS                 =>  ''", `GIT_CONFIG_KEYS => 'mainstay\..* receive\..*'`)
	rules, err := os.ReadFile("../../examples/hooks/gitolite.conf")
	if err != nil {
		t.Fatal(err)
	}
	save(t, filepath.Join(g.home, ".gitolite/conf/gitolite.conf"), rules)
	g.run(program, "compile")
	if withHook {
		script, err := os.ReadFile("../../examples/hooks/update")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(g.home, ".gitolite/hooks/common/pre-receive"), script, 0o755); err != nil {
			t.Fatal(err)
		}
		g.run(program, "setup", "--hooks-only")
	}
	g.run(program, "trigger", "POST_COMPILE")
	g.ssh = filepath.Join(g.home, "ssh")
	shell := "#!/bin/sh\nfor SSH_ORIGINAL_COMMAND; do :; done\nexport SSH_ORIGINAL_COMMAND SSH_CONNECTION='127.0.0.1 1 127.0.0.1 22'\n" +
		"HOME=" + g.home + " exec " + gitoliteShell + " \"$KEY\"\n"
	if err := os.WriteFile(g.ssh, []byte(shell), 0o755); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g gitolite) run(args ...string) {
	g.t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(gitserver.Env(), "HOME="+g.home, "USER=git")
	if out, err := cmd.CombinedOutput(); err != nil {
		g.t.Fatalf("%q: %v\n%s", args, err, out)
	}
}

func (g gitolite) change(file, old, next string) {
	g.t.Helper()
	file = filepath.Join(g.home, file)
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), old) {
		g.t.Fatalf("%s has no %q: %v", file, old, err)
	}
	save(g.t, file, []byte(strings.Replace(string(text), old, next, 1)))
}

// push pushes from a clone with the key of somebody.
func (g gitolite) push(w *work, key string, args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{"push", "--quiet", "git@gitolite:paris"}, args...)...)
	cmd.Dir, cmd.Env = w.dir, append(gitserver.Env(), "GIT_SSH="+g.ssh, "GIT_SSH_VARIANT=simple", "KEY="+key)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// The rules and the hook of the examples, in a Gitolite as Debian ships it.
func TestGitoliteKeepsNodesApart(t *testing.T) {
	const stored = "repositories/paris.git"
	g, w := newGitolite(t, true), newWork(t)
	w.commit("one")
	bare := open(t, git.Options{URL: w.bare})
	claims := []string{change(t, bare, claim(1, plan.Take, spec.Main, "xivo-main")), change(t, bare, claim(2, plan.Seize, spec.Standby, "xivo-standby"))}
	w.git("fetch", "--quiet", "origin", claimRef)
	made := w.made("report.json", "{}")
	for _, c := range []struct{ key, push string }{
		{"anna", "HEAD:refs/heads/main"}, {"xivo-main", claims[0] + ":" + claimRef}, {"xivo-standby", claims[1] + ":" + claimRef},
		{"edge", made + ":" + git.ReportRef("paris", "edge")},
		{"edge", "+" + w.made("report.json", "{ }") + ":" + git.ReportRef("paris", "edge")},
	} {
		if out, err := g.push(w, c.key, c.push); err != nil {
			t.Errorf("%s pushes %s: %s", c.key, c.push, out)
		}
	}
	before := gitserver.Git(t, filepath.Join(g.home, stored), "for-each-ref")
	next := w.made("claim.json", forged("xivo-main", "none"), claims[1])
	for _, row := range []struct{ what, key, push, want string }{
		{"edge's key seizes the claim", "edge", w.made("claim.json", forged("edge", "main"), claims[1]) + ":" + claimRef, "not a ref of edge"},
		{"standby's key releases in main's name", "xivo-standby", next + ":" + claimRef, "in the name of"},
		{"the claim goes back", "xivo-main", "+" + claims[0] + ":" + claimRef, "never taken back"},
		{"the claim is deleted", "xivo-main", ":" + claimRef, "never deleted"},
		{"a node pushes main", "xivo-main", "+" + next + ":refs/heads/main", "is a node"},
		{"a node replaces another's report", "edge", "+" + made + ":" + git.ReportRef("paris", "mds1"), "not a ref of edge"},
		{"a node of another role takes the claim", "cc-main", next + ":" + claimRef, "not a ref of cc-main"},
		{"somebody else pushes main", "eve", "+" + next + ":refs/heads/main", "DENIED"},
	} {
		t.Run(row.what, func(t *testing.T) {
			attack.Row(t, "Gitolite", row.what, "refused by rule or hook")
			if out, err := g.push(w, row.key, row.push); err == nil {
				t.Errorf("it was pushed, want %s: %s", row.want, out)
			} else if !strings.Contains(out, row.want) && !strings.Contains(out, "DENIED") {
				t.Errorf("got %s, want %s", out, row.want)
			}
		})
	}
	if after := gitserver.Git(t, filepath.Join(g.home, stored), "for-each-ref"); after != before {
		t.Errorf("the refs changed:\n%s%s", before, after)
	}
}

// Without the hook the rules alone keep out who has no business with a ref.
func TestGitolitesRulesAloneKeepEdgeOut(t *testing.T) {
	g, w := newGitolite(t, false), newWork(t)
	tip := w.commit("one")
	for _, push := range []string{claimRef, git.ReportRef("paris", "xivo-main"), "refs/heads/main", git.DoctorRef("paris", "edge")} {
		if out, err := g.push(w, "edge", tip+":"+push); err == nil || !strings.Contains(out, "DENIED") {
			t.Errorf("%s: got %v, %s", push, err, out)
		}
	}
}
