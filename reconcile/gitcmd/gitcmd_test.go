package gitcmd

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mainstay/e2e/attack"
	"mainstay/reconcile/run"
)

// What came from somewhere else is behind --end-of-options, and paths are behind
// the dashes.
func TestNamesAreNeverOptions(t *testing.T) {
	attack.Row(t, "laptop", "a revision of a claim that is an option of git", "never an option")
	got := Git("log", "-1").On("--output=/tmp/x").Paths(":!all").args()
	if diff := cmp.Diff([]string{"log", "-1", "--end-of-options", "--output=/tmp/x", "--", ":!all"}, got); diff != "" {
		t.Error(diff)
	}
}

// An attack on every way of reading: git must take the word for a revision, which
// it does not have, and write nothing.
func TestAWordFromARepositoryWritesNoFile(t *testing.T) {
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	r := Repo{Dir: t.TempDir(), Env: []string{"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b"}}
	for _, c := range []Call{Git("init", "--quiet"), Git("commit", "--quiet", "--allow-empty", "--message=x")} {
		if _, err := r.Run(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	victim := filepath.Join(r.Dir, "victim")
	word := "--output=" + victim
	for _, c := range []Call{
		Git("log", "-1").On(word).Paths("f"), Git("diff", "--name-only").On(word).Paths(), Git("ls-tree").On(word),
		Git("cat-file", "-e").On(word), Git("rev-parse", "--verify").On(word + "^{commit}"), Git("read-tree").On(word),
		Git("fetch").On("--upload-pack=touch "+victim, "main"), Git("clone", "--bare").On("--upload-pack=touch "+victim, "x"),
		Git("push").On("--receive-pack=touch "+victim, "main"),
	} {
		if _, err := r.Run(t.Context(), c); err == nil {
			t.Errorf("git %v found something", c.args())
		}
	}
	if _, err := os.Stat(victim); err == nil {
		t.Error("the file was written")
	}
}

// A repository that answers with more than anybody wants costs an error, and no memory.
func TestAnEndlessAnswerIsCutOff(t *testing.T) {
	r := Repo{Dir: t.TempDir()}
	file := filepath.Join(r.Dir, "large")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, 3*maxOutput); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Run(t.Context(), Git("init", "-q")); err != nil {
		t.Fatal(err)
	}
	hash, err := r.Text(t.Context(), Git("hash-object", "-w").Paths("large"))
	if err != nil {
		t.Fatal(err)
	}
	out := &run.Head{Most: 10}
	if err := r.run(t.Context(), Git("cat-file", "blob").On(hash), out, &run.Head{Most: maxSaid}); err != nil || len(out.Bytes()) != 10 || !out.Over() {
		t.Errorf("it kept %d bytes of a program, %v", len(out.Bytes()), err)
	}
	if got, err := r.Run(t.Context(), Git("cat-file", "blob").On(hash)); err == nil || !strings.Contains(err.Error(), "more than 64 MB") {
		t.Errorf("it took %d bytes, %v", len(got), err)
	}
}

// One function starts git, so that one place holds all of it to the rules above.
// The agent's transport for folders is the other one: it hands git a service and
// an absolute folder.
func TestOneFunctionRunsGit(t *testing.T) {
	allowed := []string{"reconcile/gitcmd/gitcmd.go", "reconcile/git/transport/local.go"}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		rel, err := filepath.Rel(root, file)
		rel = filepath.ToSlash(rel)
		if err != nil || slices.Contains(allowed, rel) || strings.HasPrefix(rel, "e2e/") {
			return err
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			if startsGit(n) {
				t.Errorf("%s runs git by itself", rel)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// startsGit finds a call of package os/exec that names git.
func startsGit(n ast.Node) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	of, ok := f.X.(*ast.Ident)
	return ok && of.Name == "exec" && slices.ContainsFunc(call.Args, func(a ast.Expr) bool {
		word, ok := a.(*ast.BasicLit)
		return ok && word.Kind == token.STRING && (word.Value == `"git"` || strings.HasSuffix(word.Value, `/git"`))
	})
}

// What is read of a revision is the same, whether it was listed before or not.
func TestAListedRevisionIsReadAsOneThatIsNot(t *testing.T) {
	dir := t.TempDir()
	repo := Repo{Dir: dir, Env: []string{"GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.org",
		"GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.org"}}
	for name, text := range map[string]string{"a.yaml": "a: 1\n", "b.yaml": "b: 2\n\nblob 3\n", "empty.yaml": "", "template": "t\n", "large.yaml": strings.Repeat("x", largestFile+1)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a.yaml", filepath.Join(dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	for _, call := range []Call{Git("init", "--quiet"), Git("add", "--all"), Git("commit", "--quiet", "-m", "one")} {
		if _, err := repo.Run(t.Context(), call); err != nil {
			t.Fatal(err)
		}
	}
	listed := repo.At(t.Context(), "HEAD")
	files, err := listed.Files()
	if err != nil || len(files) != 6 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, name := range append(files, "absent", "absent.yaml") {
		want, wantErr := repo.At(t.Context(), "HEAD").Read(name)
		for range 2 {
			got, err := listed.Read(name)
			if string(got) != string(want) || fmt.Sprint(err) != fmt.Sprint(wantErr) || errors.Is(err, fs.ErrNotExist) != errors.Is(wantErr, fs.ErrNotExist) {
				t.Errorf("%s: %q, %v, want %q, %v", name, got, err, want, wantErr)
			}
		}
	}
}
