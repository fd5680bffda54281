package gitserver_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/gitserver"
)

// clone makes a working copy with one commit that is not pushed yet.
func clone(t *testing.T, url string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "work")
	gitserver.Git(t, "", "clone", "--quiet", url, dir)
	commit(t, dir, "first")
	return dir
}

func commit(t *testing.T, dir, text string) string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	gitserver.Git(t, dir, "add", "file")
	gitserver.Git(t, dir, "commit", "--quiet", "-m", "change the file")
	return strings.TrimSpace(gitserver.Git(t, dir, "rev-parse", "HEAD"))
}

// tryPush pushes main and says whether git called that a success.
func tryPush(t *testing.T, dir string) error {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "push", "--quiet", "origin", "HEAD:main")
	cmd.Dir = dir
	cmd.Env = gitserver.Env()
	return cmd.Run()
}

// tip is what the bare repository says main is, or nothing.
func tip(t *testing.T, bare string) string {
	t.Helper()
	return strings.TrimSpace(gitserver.Git(t, bare, "for-each-ref", "--format=%(objectname)", "refs/heads/main"))
}

// eventually waits for a state that another goroutine or process brings about.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	bound := time.After(10 * time.Second)
	for !is() {
		select {
		case <-tick.C:
		case <-bound:
			t.Fatalf("never came: %s", what)
		}
	}
}

func TestAPushOverHTTPReachesTheBareRepositoryAndTheNextClone(t *testing.T) {
	bare := gitserver.Bare(t)
	url := gitserver.HTTP(t, bare)
	work := clone(t, url)
	if err := tryPush(t, work); err != nil {
		t.Fatal(err)
	}
	head := strings.TrimSpace(gitserver.Git(t, work, "rev-parse", "HEAD"))
	if got := tip(t, bare); got != head {
		t.Errorf("the repository is at %q, pushed was %q", got, head)
	}
	again := filepath.Join(t.TempDir(), "again")
	gitserver.Git(t, "", "clone", "--quiet", "--depth=1", url, again)
	if got := strings.TrimSpace(gitserver.Git(t, again, "rev-parse", "HEAD")); got != head {
		t.Errorf("a clone is at %q, pushed was %q", got, head)
	}
}

func TestALargePushArrivesChunked(t *testing.T) {
	bare := gitserver.Bare(t)
	work := clone(t, gitserver.HTTP(t, bare))
	gitserver.Git(t, work, "config", "http.postBuffer", "1000")
	noise := make([]byte, 1<<20)
	if _, err := rand.NewChaCha8([32]byte{}).Read(noise); err != nil {
		t.Fatal(err)
	}
	head := commit(t, work, string(noise))
	if err := tryPush(t, work); err != nil {
		t.Fatal(err)
	}
	if got := tip(t, bare); got != head {
		t.Errorf("the repository is at %q, pushed was %q", got, head)
	}
}

func TestBasicAuthLetsOnlyTheRightPasswordIn(t *testing.T) {
	url := gitserver.HTTP(t, gitserver.Bare(t), gitserver.Auth("node", "right"))
	for password, want := range map[string]bool{"right": true, "wrong": false} {
		with := strings.Replace(url, "://", "://node:"+password+"@", 1)
		cmd := exec.CommandContext(t.Context(), "git", "ls-remote", with)
		cmd.Env = gitserver.Env()
		if got := cmd.Run() == nil; got != want {
			t.Errorf("password %s: let in is %v, want %v", password, got, want)
		}
	}
}

func TestOutsideTheRepositoryThereIsNothing(t *testing.T) {
	url := gitserver.HTTP(t, gitserver.Bare(t))
	cmd := exec.CommandContext(t.Context(), "git", "ls-remote", strings.TrimSuffix(url, "repo.git")+"other.git")
	cmd.Env = gitserver.Env()
	if cmd.Run() == nil {
		t.Error("a repository that does not exist was listed")
	}
}

func TestEveryFaultEndsThePushAsItsNameSays(t *testing.T) {
	cases := map[string]struct {
		fault  gitserver.Fault
		lands  bool
		pushed bool
	}{
		"none":     {gitserver.None, true, true},
		"refuse":   {gitserver.Refuse, false, false},
		"lose":     {gitserver.Lose, true, false},
		"deny":     {gitserver.Deny, false, false},
		"break":    {gitserver.Break, false, false},
		"truncate": {gitserver.Truncate, true, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			bare, faults := gitserver.Bare(t), new(gitserver.Faults)
			work := clone(t, gitserver.HTTP(t, bare, faults.Option()))
			faults.SetPush(c.fault)
			if got := tryPush(t, work) == nil; got != c.pushed {
				t.Errorf("git saw a success: %v, want %v", got, c.pushed)
			}
			if got := tip(t, bare) != ""; got != c.lands {
				t.Errorf("the push landed: %v, want %v", got, c.lands)
			}
		})
	}
}

func TestALatePushLandsAfterItsSenderIsGone(t *testing.T) {
	bare, faults := gitserver.Bare(t), new(gitserver.Faults)
	work := clone(t, gitserver.HTTP(t, bare, faults.Option()))
	faults.SetPush(gitserver.Late)
	push := exec.Command("git", "push", "--quiet", "origin", "HEAD:main")
	push.Dir, push.Env = work, gitserver.Env()
	if err := push.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the push is held", func() bool { return faults.Held() == 1 })
	if err := push.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if push.Wait() == nil {
		t.Error("a killed push reported success")
	}
	if got := tip(t, bare); got != "" {
		t.Fatalf("it landed before its release, as %s", got)
	}
	faults.Release()
	eventually(t, "the push landed", func() bool { return tip(t, bare) != "" })
}

func TestAHangingServerEndsWithItsTest(t *testing.T) {
	bare, faults := gitserver.Bare(t), new(gitserver.Faults)
	var list *exec.Cmd
	t.Run("inner", func(t *testing.T) {
		url := gitserver.HTTP(t, bare, faults.Option())
		faults.Set(gitserver.Hang)
		list = exec.Command("git", "ls-remote", url)
		list.Env = gitserver.Env()
		if err := list.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the request hangs", func() bool { return faults.Held() == 1 })
	})
	if list.Wait() == nil {
		t.Error("a request that was never answered was taken for a success")
	}
}

func TestRequestsAreCounted(t *testing.T) {
	faults := new(gitserver.Faults)
	url := gitserver.HTTP(t, gitserver.Bare(t), faults.Option())
	gitserver.Git(t, "", "-c", "protocol.version=0", "ls-remote", url)
	got := faults.Requests()
	if len(got) != 1 || got[0] != "GET /repo.git/info/refs?service=git-upload-pack" {
		t.Errorf("one listing was seen as %q", got)
	}
}

func TestHTTPSIsTrustedByItsCertificateOnly(t *testing.T) {
	url, certificate := gitserver.HTTPS(t, gitserver.Bare(t))
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	gitserver.Git(t, "", "-c", "http.sslCAInfo="+file, "ls-remote", url)
	cmd := exec.CommandContext(t.Context(), "git", "ls-remote", url)
	cmd.Env = gitserver.Env()
	if cmd.Run() == nil {
		t.Error("an unknown certificate was accepted")
	}
}
