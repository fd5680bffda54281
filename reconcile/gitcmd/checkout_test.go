package gitcmd

import (
	"os"
	"path/filepath"
	"testing"

	"mainstay/e2e/attack"
)

// Reading a checkout runs none of the programs that its own configuration names.
func TestReadingACheckoutRunsNothingOfIt(t *testing.T) {
	attack.Row(t, "laptop", "a checkout whose configuration names programs to watch, show and compare files", "none of them is run to read it")
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	r := Repo{Dir: t.TempDir(), Env: []string{"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b"}}
	for _, c := range []Call{Git("init", "--quiet"), Git("commit", "--quiet", "--allow-empty", "--message=x")} {
		if _, err := r.Run(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(r.Dir, "f"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	ran := filepath.Join(t.TempDir(), "ran")
	for _, name := range []string{"core.fsmonitor", "core.pager", "pager.log", "diff.external", "diff.f.textconv", "filter.f.clean", "core.editor"} {
		if _, err := r.Run(t.Context(), Git("config", name, "touch "+ran+"; false")); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []Call{
		Git("status", "--porcelain"), Git("log", "-1"), Git("ls-files", "--others"), Git("ls-tree").On("HEAD"), Git("diff", "--name-only", "HEAD").Paths(),
		Git("rev-parse", "--show-toplevel"),
	} {
		if _, err := r.Run(t.Context(), c); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(ran); err == nil {
			t.Fatalf("%v ran a program of the checkout", c.args())
		}
	}
}
