package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/git"
	"mainstay/reconcile/gitcmd"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// fleetSize is how many deployments the benchmarks have in one repository.
const fleetSize = 1000

// manyDeployments is a repository of many deployments and a checkout of it.
type manyDeployments struct {
	b          testing.TB
	bare, work string
}

func newFleet(b testing.TB, size int) manyDeployments {
	b.Helper()
	dir := b.TempDir()
	b.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	f := manyDeployments{b, filepath.Join(dir, "bare.git"), filepath.Join(dir, "work")}
	document := f.read(filepath.Join("testdata", "site", "deployment.yaml"))
	for i := range size {
		folder := filepath.Join(f.work, siteName(i))
		if err := os.CopyFS(folder, os.DirFS(filepath.Join("testdata", "site"))); err != nil {
			b.Fatal(err)
		}
		f.write(filepath.Join(folder, "deployment.yaml"), strings.Replace(document, "name: paris", "name: "+siteName(i), 1))
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--bare", "--initial-branch=main", f.bare}, {"-C", f.work, "init", "--quiet", "--initial-branch=main"},
		{"-C", f.work, "add", "--all"},
		{"-C", f.work, "-c", "user.name=ops", "-c", "user.email=ops@example.org", "commit", "--quiet", "-m", "begin"},
		{"-C", f.work, "remote", "add", "origin", f.bare}, {"-C", f.work, "push", "--quiet", "origin", "main"},
	} {
		f.git(nil, args...)
	}
	return f
}

func siteName(i int) string { return fmt.Sprintf("site%03d", i) }

func (f manyDeployments) git(in io.Reader, args ...string) string {
	f.b.Helper()
	c := exec.Command("git", args...)
	c.Stdin = in
	out, err := c.CombinedOutput()
	if err != nil {
		f.b.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (f manyDeployments) read(file string) string {
	f.b.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		f.b.Fatal(err)
	}
	return string(text)
}

func (f manyDeployments) write(file, text string) {
	f.b.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		f.b.Fatal(err)
	}
}

// speak lets every node of every deployment have said that all is well, and main
// hold every claim.
func (f manyDeployments) speak(size int) {
	f.b.Helper()
	head := f.git(nil, "-C", f.bare, "rev-parse", "main")
	d, problems, err := fleet.Load(gitcmd.Repo{Dir: f.work}.Checked(f.b.Context()), siteName(0)+"/deployment.yaml")
	if err != nil || len(problems) > 0 {
		f.b.Fatal(err, problems)
	}
	var in bytes.Buffer
	for i := range size {
		d.Name = siteName(i) // all that the documents differ in
		s := site{doc: d, head: head}
		for _, n := range d.NodeNames() {
			note(&in, git.ReportRef(d.Name, n), "report.json", s.report(n))
		}
		for _, role := range []string{"xivo", "cc"} {
			note(&in, git.ClaimRef(d.Name, role), "claim.json", plan.Claim{
				Seq: 1, Holder: plan.HeldBy(spec.Main), Node: role + "-main", Instance: "i", Action: plan.Take,
				Guarantee: plan.Released, Commit: head, At: time.Now().UTC(),
			})
		}
	}
	f.git(&in, "-C", f.bare, "fast-import", "--quiet")
}

// note is what git's fast-import takes for a ref with one file.
func note(in *bytes.Buffer, ref, file string, content any) {
	text, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		panic(err)
	}
	now := time.Now()
	fmt.Fprintf(in, "commit %s\ncommitter node <node@example.org> %d +0000\ndata 5\nnote\n\nM 100644 inline %s\ndata %d\n%s\n\n", ref, now.Unix(), file, len(text), text)
}

// BenchmarkPlan plans a change of one of 1,000 deployments in one repository. The
// budget is 2 s.
func BenchmarkPlan(b *testing.B) {
	f := newFleet(b, fleetSize)
	changed := filepath.Join(f.work, siteName(500), "deployment.yaml")
	f.write(changed, strings.Replace(f.read(changed), "\nactive: main", "\nactive: standby", 1))
	b.Chdir(f.work)
	for b.Loop() {
		var out bytes.Buffer
		if code := run([]string{"plan", "--exit-code"}, nil, &out, io.Discard); code != exitPending {
			b.Fatalf("exit code %d\n%s", code, out.String())
		}
	}
}

// BenchmarkStatus looks at 1,000 deployments with 6,000 nodes in one repository.
func BenchmarkStatus(b *testing.B) {
	f := newFleet(b, fleetSize)
	f.speak(fleetSize)
	b.Chdir(f.work)
	for b.Loop() {
		var out bytes.Buffer
		if code := run([]string{"status"}, nil, &out, io.Discard); code != exitDone {
			b.Fatalf("exit code %d\n%.2000s", code, out.String())
		}
	}
}
