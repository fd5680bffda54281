package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// BenchmarkPlan plans a change of one of 1,000 deployments in one repository. The
// budget is 2 s.
func BenchmarkPlan(b *testing.B) {
	dir := b.TempDir()
	b.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	bare, work := filepath.Join(dir, "bare.git"), filepath.Join(dir, "work")
	document, err := os.ReadFile(filepath.Join("testdata", "site", "deployment.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	for i := range 1000 {
		folder := filepath.Join(work, fmt.Sprintf("site%03d", i))
		if err := os.CopyFS(folder, os.DirFS(filepath.Join("testdata", "site"))); err != nil {
			b.Fatal(err)
		}
		named := bytes.Replace(document, []byte("name: paris"), fmt.Appendf(nil, "name: site%03d", i), 1)
		if err := os.WriteFile(filepath.Join(folder, "deployment.yaml"), named, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--bare", "--initial-branch=main", bare}, {"-C", work, "init", "--quiet", "--initial-branch=main"},
		{"-C", work, "add", "--all"},
		{"-C", work, "-c", "user.name=ops", "-c", "user.email=ops@example.org", "commit", "--quiet", "-m", "begin"},
		{"-C", work, "remote", "add", "origin", bare}, {"-C", work, "push", "--quiet", "origin", "main"},
	} {
		if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
			b.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	changed := filepath.Join(work, "site500", "deployment.yaml")
	text, err := os.ReadFile(changed)
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(changed, bytes.Replace(text, []byte("\nactive: main"), []byte("\nactive: standby"), 1), 0o644); err != nil {
		b.Fatal(err)
	}
	b.Chdir(work)
	for b.Loop() {
		var out bytes.Buffer
		if code := run([]string{"plan", "--exit-code"}, nil, &out, io.Discard); code != exitPending {
			b.Fatalf("exit code %d\n%s", code, out.String())
		}
	}
}
