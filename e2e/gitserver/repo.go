package gitserver

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Bare makes an empty bare repository whose default branch is main and returns
// its folder, which is removed with the test. A push that rewrites history is
// accepted, as by a plain git host.
func Bare(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "repo.git")
	Git(t, "", "init", "--quiet", "--bare", "--initial-branch=main", dir)
	return dir
}

// Git runs git in dir with nobody's configuration and a fixed author, fails
// the test when git does, and returns what it wrote to standard output.
func Git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(Env(), "HOME="+os.TempDir())
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, stderrOf(err))
	}
	return string(out)
}

// Env is the environment for a git that must see neither the user's nor the
// system's configuration and must never wait for a person.
func Env() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"),
		"GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.org",
		"GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.org",
		"LC_ALL=C",
	}
}

func stderrOf(err error) []byte {
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.Stderr
	}
	return nil
}
