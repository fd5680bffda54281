package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"mainstay/e2e/gitserver"
)

// runner carries out a workflow as its host would, up to what only the host has:
// it serves the program and takes comments.
type runner struct {
	ts       *testscript.TestScript
	host     string
	dir      string
	url      string
	variable map[string]string
	path     string
	// output is where a step leaves what the next job is given.
	output string
	failed int
}

const runnerToken = "t0ken-of-the-job"

// cmdRunner carries out the workflow of a host for a branch that is to be merged
// into main: runner CODE HOST SITE BRANCH [tampered]. CODE is the exit code of the
// first step that fails, or 0. What the comment says becomes comment.md. A tampered
// program is not the one whose checksum is known.
func cmdRunner(t testing.TB) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) < 4 || len(args) > 5 {
			ts.Fatalf("usage: runner CODE HOST SITE BRANCH [tampered]")
		}
		r := &runner{ts: ts, host: args[1], dir: ts.MkAbs("runner-" + args[1])}
		ts.Check(os.RemoveAll(r.dir))
		ts.Check(os.MkdirAll(filepath.Join(r.dir, "temp"), 0o755))
		_ = os.Remove(ts.MkAbs("comment.md"))
		server := httptest.NewServer(http.HandlerFunc(r.serve))
		t.Cleanup(server.Close)
		r.url = server.URL
		r.know(args[2], args[3])
		if len(args) == 5 {
			r.variable["vars.MAINSTAY_SHA256"] = strings.Repeat("0", 64)
		}
		r.standIns()
		j, err := readWorkflow(r.host)
		ts.Check(err)
		for _, s := range j.steps {
			r.step(s, args[2], args[3])
		}
		r.artifact()
		if got := strconv.Itoa(r.failed); got != args[0] {
			ts.Fatalf("the workflow ended with %s, want %s", got, args[0])
		}
	}
}

// know fills in what the host tells a job.
func (r *runner) know(site, branch string) {
	sum := sha256.Sum256(r.program())
	digest := hex.EncodeToString(sum[:])
	r.variable = map[string]string{
		"github.event.pull_request.head.sha": r.git("-C", r.ts.MkAbs(site+".git"), "rev-parse", branch),
		"github.event.pull_request.base.sha": r.git("-C", r.ts.MkAbs(site+".git"), "rev-parse", "main"),
		"github.base_ref":                    "main", "github.token": runnerToken, "github.event.pull_request.number": "7",
		"vars.MAINSTAY_URL": r.url + "/mainstay", "vars.MAINSTAY_SHA256": digest,
	}
	r.path = filepath.Join(r.dir, "github-path")
	r.output = filepath.Join(r.dir, "github-output")
	for _, file := range []string{r.path, r.output} {
		r.ts.Check(os.WriteFile(file, nil, 0o644))
	}
}

// handed is the text that the first job hands to the second, empty when it wrote none
// to its end.
func (r *runner) handed() string {
	all, err := os.ReadFile(r.output)
	r.ts.Check(err)
	head, rest, _ := strings.Cut(string(all), "\n")
	_, end, _ := strings.Cut(head, "text<<")
	text, _, ok := strings.Cut(rest, "\n"+end+"\n")
	if !ok || end == "" {
		return ""
	}
	return text
}

// artifact is what a host without comments shows: the plan itself.
func (r *runner) artifact() {
	text, err := os.ReadFile(filepath.Join(r.dir, "work", "plan.md"))
	if r.host == "gitlab" && err == nil {
		r.ts.Check(os.WriteFile(r.ts.MkAbs("comment.md"), text, 0o644))
	}
}

// program is what MAINSTAY_URL serves: this very program, under its own name.
func (r *runner) program() []byte {
	here, err := exec.LookPath("mainstay")
	r.ts.Check(err)
	return []byte("#!/bin/sh\nexec " + here + " \"$@\"\n")
}

// standIns puts in place what only the host's machine has: its package manager
// and its own client, and curl where this machine has none.
func (r *runner) standIns() {
	tool, err := exec.LookPath("host-tool")
	r.ts.Check(err)
	bin := filepath.Join(r.dir, "bin")
	r.ts.Check(os.MkdirAll(bin, 0o755))
	names := []string{"gh", "apk"}
	if _, err := exec.LookPath("curl"); err != nil {
		names = append(names, "curl")
	}
	for _, n := range names {
		r.ts.Check(os.WriteFile(filepath.Join(bin, n), []byte("#!/bin/sh\nexec "+tool+" "+n+" \"$@\"\n"), 0o755))
	}
}

// serve is the host: it hands out the program, and takes a comment from whoever
// has the job's token.
func (r *runner) serve(w http.ResponseWriter, q *http.Request) {
	if q.URL.Path == "/mainstay" {
		_, _ = w.Write(r.program())
		return
	}
	want := map[string]string{
		"/api/v1/repos/voice/paris/issues/7/comments": "token " + runnerToken,
		"/gh/repos/voice/paris/issues/7/comments":     runnerToken,
	}[q.URL.Path]
	got := q.Header.Get("Authorization")
	if q.Method != http.MethodPost || want == "" || got != want {
		http.Error(w, "no", http.StatusForbidden)
		return
	}
	body := q.PostFormValue("body")
	if body == "" {
		http.Error(w, "a comment wants a body", http.StatusUnprocessableEntity)
		return
	}
	if err := os.WriteFile(r.ts.MkAbs("comment.md"), []byte(body), 0o644); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func (r *runner) step(s step, site, branch string) {
	if r.failed != 0 && !s.always {
		return
	}
	work := filepath.Join(r.dir, "work")
	if s.posts {
		text := r.handed()
		if text == "" {
			return
		}
		r.variable["needs.plan.outputs.text"], work = text, filepath.Join(r.dir, "temp") // no checkout there
	}
	if s.checkout {
		// As hosts do: whole history, and no branch but the commit.
		r.git("clone", "--quiet", r.ts.MkAbs(site+".git"), work)
		r.git("-C", work, "checkout", "--quiet", "--detach", "origin/"+branch)
		return
	}
	shell := []string{"bash", "-e", "-o", "pipefail", "-c", s.run}
	if r.host == "gitlab" {
		shell = []string{"sh", "-e", "-c", s.run}
	}
	c := exec.Command(shell[0], shell[1:]...)
	c.Dir, c.Env = work, r.environment(s)
	out, err := c.CombinedOutput()
	r.ts.Logf("$ %s\n%s", s.run, out)
	var e *exec.ExitError
	if err != nil && !errors.As(err, &e) {
		r.ts.Fatalf("%v", err)
	}
	if e != nil && r.failed == 0 {
		r.failed = e.ExitCode()
	}
}

// environment is what a step of the host's own is given, and nothing else of this
// machine.
func (r *runner) environment(s step) []string {
	added, err := os.ReadFile(r.path)
	r.ts.Check(err)
	path := filepath.Join(r.dir, "bin") + ":"
	for l := range strings.Lines(string(added)) {
		path = strings.TrimSpace(l) + ":" + path
	}
	env := append(gitserver.Env(), "PATH="+path+withoutProgram(r.ts.Getenv("PATH")), "HOST_API="+r.url, "HOME="+r.dir, "TMPDIR="+filepath.Join(r.dir, "temp"))
	known := map[string]string{
		"RUNNER_TEMP": filepath.Join(r.dir, "temp"), "GITHUB_PATH": r.path, "GITHUB_OUTPUT": r.output, "GITHUB_API_URL": r.url + "/api/v1", "GITHUB_REPOSITORY": "voice/paris",
	}
	if r.host == "gitlab" {
		known = map[string]string{
			"MAINSTAY_URL": r.variable["vars.MAINSTAY_URL"], "MAINSTAY_SHA256": r.variable["vars.MAINSTAY_SHA256"],
			"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
		}
	}
	for name, value := range known {
		env = append(env, name+"="+value)
	}
	for name, value := range s.env {
		value, err := filled(value, r.variable)
		r.ts.Check(err)
		env = append(env, name+"="+value)
	}
	return env
}

// withoutProgram leaves the folder of this program out of a path: a workflow has
// to fetch it.
func withoutProgram(path string) string {
	var kept []string
	for _, dir := range filepath.SplitList(path) {
		if _, err := os.Stat(filepath.Join(dir, "mainstay")); err != nil {
			kept = append(kept, dir)
		}
	}
	return strings.Join(kept, string(os.PathListSeparator))
}

func (r *runner) git(args ...string) string {
	c := exec.Command("git", args...)
	c.Env = append(gitserver.Env(), "HOME="+r.dir)
	out, err := c.CombinedOutput()
	if err != nil {
		r.ts.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}
