package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"mainstay/reconcile/control"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
)

// nodeBound is how long a story waits for an agent before it gives up.
const nodeBound = time.Minute

// The stories in testdata/node are about what a person does on a node: real
// agents run, whose services are files that are there or not.
func TestNodeStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   filepath.Join("testdata", "node"),
		Setup: gitAsIs,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "paris": cmdParis, "commit": cmdCommit, "node": cmdNode, "until": cmdUntil, "edit": cmdEdit, "valid": cmdValid,
			"signs": cmdSigns, "heard": cmdHeard, "forget": cmdForget, "claim": cmdClaim, "reported": cmdReported, "screen": cmdScreen, "sees": cmdSees, "types": cmdTypes,
		},
		UpdateScripts:       os.Getenv("UPDATE") != "",
		RequireExplicitExec: true,
	})
}

func scriptGit(ts *testscript.TestScript, args ...string) string {
	c := exec.Command("git", args...)
	c.Dir = ts.MkAbs("paris")
	c.Env = append(os.Environ(), "HOME="+ts.Getenv("HOME"), "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=ops", "GIT_AUTHOR_EMAIL=ops@example.org", "GIT_COMMITTER_NAME=ops", "GIT_COMMITTER_EMAIL=ops@example.org")
	out, err := c.CombinedOutput()
	if err != nil {
		ts.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// cmdParis makes a repository and a checkout of it from the story's
// deployment.yaml, in which FLAGS stands for a folder.
func cmdParis(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: paris")
	}
	ts.Check(os.MkdirAll(ts.MkAbs("flags"), 0o755))
	ts.Check(os.MkdirAll(ts.MkAbs("paris"), 0o755))
	text := strings.ReplaceAll(ts.ReadFile("deployment.yaml"), "FLAGS", ts.MkAbs("flags"))
	ts.Check(os.WriteFile(ts.MkAbs("paris/deployment.yaml"), []byte(text), 0o644))
	scriptGit(ts, "init", "--quiet", "--bare", ts.MkAbs("paris.git"))
	scriptGit(ts, "init", "--quiet")
	scriptGit(ts, "remote", "add", "origin", ts.MkAbs("paris.git"))
	scriptGit(ts, "add", "--all")
	scriptGit(ts, "commit", "--quiet", "-m", "Describe paris")
	scriptGit(ts, "push", "--quiet", "-u", "origin", "main")
}

// cmdCommit replaces a text of the document and pushes that: commit OLD NEW, or
// commit --rewrite OLD NEW instead of the newest commit. HEAD is the commit.
func cmdCommit(ts *testscript.TestScript, neg bool, args []string) {
	rewrite := len(args) == 3 && args[0] == "--rewrite"
	if neg || len(args) != 2 && !rewrite {
		ts.Fatalf("usage: commit [--rewrite] OLD NEW")
	}
	how := []string{"commit", "--quiet", "--all", "-m", "Say something else"}
	if rewrite {
		args, how = args[1:], append(how, "--amend")
	}
	replaceIn(ts, "paris/deployment.yaml", args[0], strings.ReplaceAll(args[1], `\n`, "\n"))
	scriptGit(ts, how...)
	scriptGit(ts, "push", "--quiet", "--force", "origin", "HEAD:main")
	ts.Setenv("HEAD", scriptGit(ts, "rev-parse", "HEAD"))
}

// cmdEdit replaces a text in a file: edit FILE OLD NEW.
func cmdEdit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: edit FILE OLD NEW")
	}
	replaceIn(ts, args[0], args[1], args[2])
}

func replaceIn(ts *testscript.TestScript, file, before, after string) {
	text := ts.ReadFile(file)
	if !strings.Contains(text, before) {
		ts.Fatalf("%s does not contain %q", file, before)
	}
	ts.Check(os.WriteFile(ts.MkAbs(file), []byte(strings.Replace(text, before, after, 1)), 0o644))
}

// cmdNode runs the agent of a node in the background: node NAME [CLAIMS] writes NAME.yaml,
// with a place of claims if one is named, and returns once the agent has made a pass. ! node
// NAME ends it.
func cmdNode(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 && (neg || len(args) != 2) {
		ts.Fatalf("usage: [!] node NAME [CLAIMS]")
	}
	pid := ts.MkAbs(args[0] + ".ended")
	if neg {
		ts.Check(os.WriteFile(pid+".ask", nil, 0o644))
		waitFor(ts, args[0]+" to end", func() bool { _, err := os.Stat(pid); return err == nil })
		return
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	config := fmt.Sprintf("node: %s\nrepository: { url: %q }\nallow: { commands: [[touch, \"*\"], [rm, \"*\"], [test, \"*\"], [sh, \"*\"]] }\n"+
		"listen: \"off\"\nstate: %s/state\nsocket: %s/s\n", args[0], ts.MkAbs("paris.git"), dir, dir)
	config += trusting(ts)
	if len(args) == 2 {
		config += fmt.Sprintf("coordination: { url: %q }\n", ts.MkAbs(args[1]))
	}
	ts.Check(os.WriteFile(dir+".yaml", []byte(config), 0o644))
	startAgent(ts, dir, pid)
	waitFor(ts, args[0]+" to make a pass", func() bool {
		v, err := control.NewClient(dir+"/s", service.SystemClock{}.Boot).Status(context.Background())
		return err == nil && v.Node.Status != plan.Unknown && v.Node.Accepted != ""
	})
}

// startAgent runs an agent until the story ends or asks for it.
func startAgent(ts *testscript.TestScript, dir, ended string) {
	_, _ = os.Remove(ended), os.Remove(ended+".ask")
	log, err := os.Create(dir + ".log")
	ts.Check(err)
	c := exec.Command("mainstay", "agent", "--config", dir+".yaml")
	c.Env = append(os.Environ(), "HOME="+ts.Getenv("HOME"), "GIT_CONFIG_SYSTEM=/dev/null")
	c.Stderr = log
	ts.Check(c.Start())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Wait()
		_ = log.Close()
		_ = os.WriteFile(ended, nil, 0o644)
	}()
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		asked := func() bool { _, err := os.Stat(ended + ".ask"); return err == nil }
		_ = poll(ctx, asked)
		_ = c.Process.Signal(syscall.SIGTERM)
	}()
	ts.Defer(func() {
		cancel()
		select {
		case <-done:
		case <-time.After(nodeBound):
			_ = c.Process.Kill()
			<-done
		}
	})
}

// cmdUntil waits until a node has a status, and its reason some words: until NAME
// STATUS [WORDS].
func cmdUntil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 && len(args) != 3 {
		ts.Fatalf("usage: until NAME STATUS [WORDS]")
	}
	words := strings.Join(args[2:], "")
	agent := control.NewClient(ts.MkAbs(args[0]+"/s"), service.SystemClock{}.Boot)
	var last plan.Report
	waitFor(ts, args[0]+" to be "+args[1], func() bool {
		v, err := agent.Status(context.Background())
		if err == nil && (v.Node.Status != last.Status || v.Node.Reason != last.Reason) {
			last = v.Node
			ts.Logf("%s is %s: %s", last.Node, last.Status, last.Reason)
		}
		return err == nil && string(v.Node.Status) == args[1] && strings.Contains(v.Node.Reason, words)
	})
}

// cmdClaim waits until a repository, beside the story's checkout, has a claim of a side:
// claim REPOSITORY ROLE SIDE.
func cmdClaim(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: claim REPOSITORY ROLE SIDE")
	}
	repo := filepath.Join(ts.Getenv("WORK"), args[0])
	waitFor(ts, "the claim to be of "+args[2], func() bool {
		c := exec.Command("git", "-C", repo, "cat-file", "blob", "refs/mainstay/paris/claim/"+args[1]+":claim.json")
		out, err := c.Output()
		var claim plan.Claim
		return err == nil && json.Unmarshal(out, &claim) == nil && string(claim.Holder) == args[2]
	})
}

// cmdReported waits until a repository has a node's report with a status.
func cmdReported(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: reported REPOSITORY NODE STATUS")
	}
	repo := filepath.Join(ts.Getenv("WORK"), args[0])
	waitFor(ts, args[1]+" to report "+args[2], func() bool {
		c := exec.Command("git", "-C", repo, "cat-file", "blob", "refs/mainstay/paris/report/"+args[1]+":report.json")
		out, err := c.Output()
		var report plan.Report
		return err == nil && json.Unmarshal(out, &report) == nil && string(report.Status) == args[2]
	})
}

func waitFor(ts *testscript.TestScript, what string, good func() bool) {
	ctx, cancel := context.WithTimeout(context.Background(), nodeBound)
	defer cancel()
	if poll(ctx, good) != nil {
		logs, _ := filepath.Glob(ts.MkAbs("*.log"))
		for _, l := range logs {
			ts.Logf("%s:\n%s", filepath.Base(l), ts.ReadFile(l))
		}
		ts.Fatalf("waited %s in vain for %s", nodeBound, what)
	}
}

// poll asks until the answer is yes, or ctx ends.
func poll(ctx context.Context, good func() bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !good() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
