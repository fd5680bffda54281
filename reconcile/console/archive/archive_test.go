package archive

import (
	"os"
	"path/filepath"
	"testing"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/gitcmd"
)

const document = `apiVersion: mainstay/v1
kind: Deployment
name: paris
active: main
nodes:
  web-main: { role: web, side: main, address: 127.0.0.1 }
  web-standby: { role: web, side: standby, address: 127.0.0.2 }
roles:
  web: { exclusive: true, services: [{ name: web, systemd: web.service }] }
`

// work is a folder that is a repository, with a document on main.
func work(t *testing.T) (repo gitcmd.Repo, git func(args ...string) string) {
	t.Helper()
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_SYSTEM", os.DevNull)
	for _, who := range []string{"AUTHOR", "COMMITTER"} {
		t.Setenv("GIT_"+who+"_NAME", "ops")
		t.Setenv("GIT_"+who+"_EMAIL", "ops@example.org")
	}
	repo = gitcmd.Repo{Dir: t.TempDir()}
	git = func(args ...string) string {
		t.Helper()
		out, err := repo.Text(t.Context(), gitcmd.Git(args[0], args[1:]...))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	git("init", "--quiet", "--initial-branch=main")
	write(t, repo, document)
	git("add", "--all")
	git("commit", "--quiet", "-m", "begin")
	return repo, git
}

func write(t *testing.T, repo gitcmd.Repo, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(repo.Dir, "deployment.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// An open branch is compared with where it began, whatever main has done since; one
// that is merged is not open, and one that is broken says why.
func TestOpenBranchesAreCompared(t *testing.T) {
	repo, git := work(t)
	git("branch", "merged")
	git("checkout", "--quiet", "-b", "broken")
	write(t, repo, document+"nothing: 1\n")
	git("commit", "--quiet", "-am", "break it")
	git("checkout", "--quiet", "-b", "drill", "main")
	write(t, repo, document+"# a word\n")
	git("commit", "--quiet", "-am", "drill", "-m", "below \x1e\nthe subject", "-m", "Mainstay-To: main\nMainstay-Reason: a drill")
	git("checkout", "--quiet", "-b", "body", "main")
	write(t, repo, document+"# another\n")
	git("commit", "--quiet", "-am", "said", "-m", "below\n\nthe subject", "-m", "Signed-off-by: ops")
	git("checkout", "--quiet", "main")
	git("commit", "--quiet", "--allow-empty", "-m", "main goes on")
	a := New(fleet.Location{URL: repo.Dir, Branch: "main"})
	defer a.Close()
	v := &fleet.View{Branch: "main", Commit: git("rev-parse", "HEAD")}
	for range 2 { // once from git, once from what is remembered
		branches, err := a.Branches(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]int{}
		for _, b := range branches {
			found[b.Name] = len(b.Changes)
			if (b.Broken != "") != (b.Name == "broken") {
				t.Errorf("%s is broken: %q", b.Name, b.Broken)
			}
			if want := map[string]string{"drill": "a drill", "body": "below\n\nthe subject"}[b.Name]; b.Reason != want {
				t.Errorf("the reason of %s is %q", b.Name, b.Reason)
			}
		}
		if len(found) != 3 || found["drill"] != 1 {
			t.Errorf("found %v", found)
		}
	}
}

// A deployment that nobody ever served has a history, which is empty.
func TestAHistoryMayBeEmpty(t *testing.T) {
	repo, _ := work(t)
	a := New(fleet.Location{URL: repo.Dir, Branch: "main"})
	defer a.Close()
	d := &fleet.Deployment{Name: "paris", Path: "deployment.yaml", Claims: map[string]fleet.Claim{"web": {}}}
	for range 2 {
		h, err := a.History(t.Context(), d)
		if err != nil || h.Deployment != "paris" || len(h.Switches) != 0 {
			t.Fatal(h, err)
		}
	}
}
