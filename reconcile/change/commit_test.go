package change

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"mainstay/reconcile/gitcmd"
)

type repos struct {
	t    *testing.T
	bare string
	work gitcmd.Repo
}

func newRepos(t *testing.T) repos {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_SYSTEM", os.DevNull)
	for _, who := range []string{"AUTHOR", "COMMITTER"} {
		t.Setenv("GIT_"+who+"_NAME", "ops")
		t.Setenv("GIT_"+who+"_EMAIL", "ops@example.org")
	}
	r := repos{t: t, bare: filepath.Join(dir, "bare.git"), work: gitcmd.Repo{Dir: filepath.Join(dir, "work")}}
	for _, d := range []string{r.bare, r.work.Dir} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := (gitcmd.Repo{Dir: r.bare}).Run(t.Context(), gitcmd.Git("init", "--quiet", "--bare", "--initial-branch=main")); err != nil {
		t.Fatal(err)
	}
	r.git("init", "--quiet", "--initial-branch=main")
	r.git("remote", "add", "origin", r.bare)
	r.write("a.yaml", "one\r\ntwo\n")
	r.write("sub/b.yaml", "b\n")
	r.git("add", "--all")
	r.git("commit", "--quiet", "-m", "begin")
	r.git("push", "--quiet", "origin", "main")
	return r
}

func (r repos) git(args ...string) string {
	r.t.Helper()
	out, err := r.work.Text(r.t.Context(), gitcmd.Git(args[0], args[1:]...))
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

func (r repos) write(name, text string) {
	r.t.Helper()
	file := filepath.Join(r.work.Dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// Line ends survive even where git would convert them, and the person's own
// changes are neither committed nor touched.
func TestOnlyTheFileChanges(t *testing.T) {
	r := newRepos(t)
	r.git("config", "core.autocrlf", "true")
	r.write("a.yaml", "something of the person's own\n")
	r.git("add", "a.yaml")
	base := r.git("rev-parse", "HEAD")
	hash, err := Commit(t.Context(), r.work, File{Base: base, Path: "sub/b.yaml", Content: []byte("c\r\n"), Message: "change b\n"})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.git("diff", "--name-only", base, hash); got != "sub/b.yaml" {
		t.Errorf("the commit changes %s", got)
	}
	if out, _ := r.work.Run(t.Context(), gitcmd.Git("cat-file", "blob").On(hash+":sub/b.yaml")); string(out) != "c\r\n" {
		t.Errorf("the file became %q", out)
	}
	if got := r.git("status", "--porcelain"); got != "M  a.yaml" {
		t.Errorf("the checkout became %q", got)
	}
	if err := Push(t.Context(), r.work, "origin", hash, "main"); err != nil {
		t.Fatal(err)
	}
	if got := r.git("ls-remote", "origin", "refs/heads/main"); got[:40] != hash {
		t.Errorf("main is at %s, not at %s", got, hash)
	}
}

// Section 7: two operators commit at once, git decides.
func TestAPushNeverLosesSomebodysCommit(t *testing.T) {
	r := newRepos(t)
	base := r.git("rev-parse", "HEAD")
	mine, err := Commit(t.Context(), r.work, File{Base: base, Path: "a.yaml", Content: []byte("mine\n"), Message: "mine\n"})
	if err != nil {
		t.Fatal(err)
	}
	r.write("a.yaml", "theirs\n")
	r.git("commit", "--quiet", "-am", "theirs")
	r.git("push", "--quiet", "origin", "main")
	if err := Push(t.Context(), r.work, "origin", mine, "main"); !errors.Is(err, ErrMoved) {
		t.Errorf("got %v", err)
	}
	if got := r.git("ls-remote", "origin", "refs/heads/main"); got[:40] != r.git("rev-parse", "main") {
		t.Errorf("main is at %s", got)
	}
}

// A server that refuses for its own reasons is no race.
func TestARefusalByTheServerIsToldAsItIs(t *testing.T) {
	r := newRepos(t)
	hook := filepath.Join(r.bare, "hooks", "pre-receive")
	if err := os.MkdirAll(filepath.Dir(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hook, []byte("#!/bin/sh\necho reviews only >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	mine, err := Commit(t.Context(), r.work, File{Base: r.git("rev-parse", "HEAD"), Path: "a.yaml", Content: []byte("mine\n"), Message: "mine\n"})
	if err != nil {
		t.Fatal(err)
	}
	var e *gitcmd.Error
	if err := Push(t.Context(), r.work, "origin", mine, "main"); errors.Is(err, ErrMoved) || !errors.As(err, &e) {
		t.Errorf("got %v", err)
	}
}
