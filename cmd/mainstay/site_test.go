package main

import (
	"bufio"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v5"
	"sigs.k8s.io/yaml"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/git"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/service/process"
	"mainstay/spec"
)

// site is a repository with reports and claims in it, as if nodes had written
// them.
type site struct {
	ts             *testscript.TestScript
	bare, checkout string
	remote         *git.Remote
	doc            *spec.Deployment
	head           string
}

// cmdSite makes a bare repository and a checkout of testdata/site, in which main
// serves and every node was heard two minutes ago. HEAD and HEAD4 are its commit.
func cmdSite(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: site NAME")
	}
	s := openSite(ts, args[0])
	ts.Check(os.CopyFS(s.checkout, os.DirFS(filepath.Join(ts.Getenv("SITE"), "."))))
	s.git("init", "--quiet", "--bare", s.bare)
	s.git("-C", s.checkout, "init", "--quiet")
	s.git("-C", s.checkout, "remote", "add", "origin", s.bare)
	s.git("-C", s.checkout, "add", "--all")
	s.git("-C", s.checkout, "commit", "--quiet", "--date", "2026-01-02T03:04:05Z", "-m", "Describe paris")
	s.git("-C", s.checkout, "push", "--quiet", "-u", "origin", "main")
	s.load()
	for _, role := range []string{"xivo", "cc"} {
		s.claims(role, plan.Claim{Action: plan.Take, Holder: "main", Node: role + "-main", Guarantee: plan.Released, Reason: "the claim is free"})
	}
	for _, n := range s.doc.NodeNames() {
		s.publish(s.report(n))
	}
	ts.Setenv("HEAD7", s.head[:7])
	ts.Setenv("HEAD4", s.head[:4])
}

// openSite opens a site in the script's folder.
func openSite(ts *testscript.TestScript, name string) *site {
	s := &site{ts: ts, bare: ts.MkAbs(name + ".git"), checkout: ts.MkAbs(name)}
	var err error
	s.remote, err = git.Open(git.Options{URL: s.bare})
	ts.Check(err)
	return s
}

func (s *site) git(args ...string) string {
	c := exec.Command("git", args...)
	c.Env = append(os.Environ(), "HOME="+s.ts.Getenv("HOME"), "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=ops", "GIT_AUTHOR_EMAIL=ops@example.org", "GIT_COMMITTER_NAME=ops", "GIT_COMMITTER_EMAIL=ops@example.org",
		"GIT_COMMITTER_DATE="+time.Now().Add(-90*time.Minute).Format(time.RFC3339))
	out, err := c.CombinedOutput()
	if err != nil {
		s.ts.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// load reads what the repository declares now.
func (s *site) load() {
	s.head = s.git("-C", s.bare, "rev-parse", "refs/heads/main")
	rev, err := s.remote.Revision(context.Background(), git.Branch("main"), s.head, "")
	s.ts.Check(err)
	d, problems, err := fleet.Load(rev, "deployment.yaml")
	s.ts.Check(err)
	if len(problems) > 0 {
		s.ts.Fatalf("%v", problems)
	}
	s.doc = d
}

// claims makes a change of a role's claim.
func (s *site) claims(role string, c plan.Claim) {
	ctx, ref := context.Background(), git.ClaimRef(s.doc.Name, role)
	l, err := s.remote.List(ctx)
	s.ts.Check(err)
	r, err := s.remote.Claim(ctx, ref, l.Refs[ref], plan.Tip{})
	s.ts.Check(err)
	c.Instance, c.Commit, c.Document = "instance-of-"+c.Node, s.head, s.doc.Digest()
	if c.At.IsZero() {
		c.At = time.Now().Add(-80 * time.Minute).UTC().Truncate(time.Second)
	}
	_, err = s.remote.PushClaim(ctx, ref, plan.Push{Parent: r.Tip.ID, Claim: plan.Next(r.Tip, c)})
	s.ts.Check(err)
}

// report is what a node says that is as the document declares.
func (s *site) report(name string) plan.Report {
	n, at := s.doc.Nodes[name], time.Now().Add(-122*time.Second).UTC()
	r := plan.Report{
		Deployment: s.doc.Name, Node: name, Role: n.Role, Side: n.Side, Instance: "instance-of-" + name,
		Status: plan.Active, Reason: "every service is ready", Declared: s.doc.Active, Seq: 1,
		Seen: s.head, Accepted: s.head, Applied: s.head, Document: s.doc.Digest(), Since: at, At: at, LastRead: at,
	}
	w, err := s.doc.Want(name)
	s.ts.Check(err)
	run := plan.Running
	if n.Side == "" {
		r.Serving, r.Reason, r.Seq = s.doc.Active, "pointing at "+string(s.doc.Active), 0
	} else {
		r.Holder, r.Guarantee = plan.HeldBy(s.doc.Active), plan.Released
	}
	if n.Side != "" && n.Side != s.doc.Active {
		r.Status, r.Reason, run = plan.Inactive, "the document declares "+string(s.doc.Active), plan.Stopped
	}
	for _, v := range w.Services {
		r.Services = append(r.Services, plan.ServiceReport{Name: v.Name, Run: run, Ready: run == plan.Running})
	}
	for _, c := range w.Checks {
		r.Checks = append(r.Checks, plan.CheckReport{Name: c.Name, OK: true, At: at})
	}
	r.Running = run == plan.Running && n.Side != ""
	return r
}

func (s *site) publish(r plan.Report) {
	_, err := s.remote.PublishReport(context.Background(), git.ReportRef(s.doc.Name, r.Node), r, "")
	s.ts.Check(err)
}

// cmdTakes hands the claim of a node's role over to it: takes SITE NODE.
func cmdTakes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: takes SITE NODE")
	}
	s := openSite(ts, args[0])
	s.load()
	n := s.doc.Nodes[args[1]]
	other, ok := s.doc.NodeOf(n.Role, n.Side.Other())
	if !ok {
		ts.Fatalf("%s has nobody to take over from", args[1])
	}
	now := time.Now().UTC().Truncate(time.Second)
	s.claims(n.Role, plan.Claim{Action: plan.Release, Node: other, Reason: "all services were observed down", At: now})
	s.claims(n.Role, plan.Claim{Action: plan.Take, Holder: plan.HeldBy(n.Side), Node: args[1], Guarantee: plan.Released, Reason: "the claim is free", At: now})
}

// cmdSays publishes a report: says SITE NODE [key=value…]. Without a key the node
// is as the document at the branch declares.
func cmdSays(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: says SITE NODE [status=…] [reason=…] [age=…] [left=…] [seq=N] [check=NAME] [condition=TYPE] [paused=yes] [applied=COMMIT] [phases=NAME+TIME,…]")
	}
	s := openSite(ts, args[0])
	s.load()
	r := s.report(args[1])
	for _, kv := range args[2:] {
		s.change(&r, kv)
	}
	s.publish(r)
}

func (s *site) change(r *plan.Report, kv string) {
	key, value, _ := strings.Cut(kv, "=")
	switch key {
	case "status":
		r.Status = plan.Status(value)
		r.Running = r.Side != "" && r.Status != plan.Inactive
	case "declared":
		r.Declared = spec.Side(value)
	case "reason":
		r.Reason = value
	case "age":
		d, err := time.ParseDuration(value)
		s.ts.Check(err)
		r.At = time.Now().Add(-d).UTC()
	case "left":
		d, err := time.ParseDuration(value)
		s.ts.Check(err)
		r.Until = time.Now().Add(d).UTC()
	case "seq":
		n, err := strconv.ParseUint(value, 10, 64)
		s.ts.Check(err)
		r.Seq = n
	case "check":
		r.Checks = []plan.CheckReport{{Name: value, Output: "3h old", At: r.At}}
	case "condition":
		r.Conditions = []plan.Condition{{Type: value, Message: "as the test says", Since: r.At}}
	case "paused":
		r.Status, r.Paused, r.Reason = plan.Paused, true, value
	case "fails":
		r.Services[0] = plan.ServiceReport{Name: r.Services[0].Name, Run: plan.RunFailed, Restarts: 3,
			Reason: "exit status 1\n" + strings.Repeat("bind: address in use\n", 8)}
	case "skipped":
		r.Jobs = append(r.Jobs, plan.JobReport{Name: value, OK: true, At: r.At, Output: "copied\n4 files", Skipped: "the last run is still going on"})
	case "until":
		at, err := time.Parse(time.RFC3339, value)
		s.ts.Check(err)
		r.PausedUntil = at
	case "accepted":
		r.Seen, r.Accepted, r.Applied = s.head, value, value
	case "applied":
		r.Applied = value
	case "phases":
		s.phases(r, value)
	default:
		s.ts.Fatalf("says: %q is unknown", key)
	}
}

// phases are moments counted from when the node saw the commit: ready+0.4s,….
func (s *site) phases(r *plan.Report, list string) {
	seen := time.Now().Add(-time.Minute).UTC()
	r.Phases = []plan.Phase{{Name: "seen", At: seen}}
	for p := range strings.SplitSeq(list, ",") {
		name, after, _ := strings.Cut(p, "+")
		d, err := time.ParseDuration(after)
		if err != nil && p != "seen" {
			s.ts.Fatalf("phase %q: %v", p, err)
		}
		if p != "seen" {
			r.Phases = append(r.Phases, plan.Phase{Name: name, At: seen.Add(d)})
		}
	}
}

// cmdValid holds a JSON file against a schema: valid SCHEMA FILE.
func cmdValid(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: valid SCHEMA FILE")
	}
	c := jsonschema.NewCompiler()
	text, err := os.ReadFile(filepath.Join(ts.Getenv("SCHEMAS"), args[0]+".schema.json"))
	ts.Check(err)
	ts.Check(c.AddResource("output.json", strings.NewReader(string(text))))
	compiled, err := c.Compile("output.json")
	ts.Check(err)
	var v any
	ts.Check(yaml.Unmarshal([]byte(ts.ReadFile(args[1])), &v))
	if err := compiled.Validate(v); err != nil {
		ts.Fatalf("%s: %#v", args[1], err)
	}
}

// cmdDemo starts the demo's deployment with real agents and waits until main
// serves. DEMO is its folder; it is ended with the script.
func cmdDemo(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: demo")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // that of a busy machine, too
	c := exec.CommandContext(ctx, "mainstay", "demo", "--stay", "--switches", "0")
	c.Env = append(os.Environ(), "PATH="+ts.Getenv("PATH"))
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = time.Minute
	out, err := c.StdoutPipe()
	ts.Check(err)
	ts.Check(c.Start())
	ts.Defer(func() { cancel(); _ = c.Wait() })
	where := regexp.MustCompile(`^  cd (\S+)/checkout$`)
	lines := bufio.NewScanner(out)
	var seen []string
	for lines.Scan() {
		seen = append(seen, lines.Text())
		if m := where.FindStringSubmatch(lines.Text()); m != nil {
			ts.Setenv("DEMO", m[1])
			go func() {
				for lines.Scan() {
				}
			}()
			return
		}
	}
	ts.Fatalf("the demo did not come up:\n%s", strings.Join(seen, "\n"))
}

// cmdEnds ends what agents of the template local leave running: ends FOLDER NAME.
func cmdEnds(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: ends FOLDER NAME")
	}
	for _, node := range []string{"a", "b"} {
		folder := ts.MkAbs(filepath.Join(args[0], ".run", node, "services"))
		services, err := os.ReadDir(folder)
		ts.Check(err)
		for _, service := range services {
			endProcess(ts, args[1]+"/"+node+"/"+service.Name(), filepath.Join(folder, service.Name()))
		}
	}
}

func endProcess(ts *testscript.TestScript, marker, folder string) {
	d, err := process.New(process.Config{
		Marker: marker, Folder: folder,
		Process: spec.ProcessService{Command: []string{"true"}}, Log: slog.New(slog.DiscardHandler),
	})
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	ts.Check(d.Stop(ctx))
}
