package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/managed"
	"mainstay/reconcile/metrics"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/record"
	"mainstay/spec"
)

// ctlBound is how long a test waits for a state before it gives up.
const ctlBound = 10 * time.Second

// ctlClock is the machine's own clock, counted from when it was made.
type ctlClock struct{ began time.Time }

func (c ctlClock) Boot() time.Duration { return time.Since(c.began) }
func (c ctlClock) Wall() time.Time     { return time.Now() }

// ctlDisk keeps values in memory; while full it keeps nothing new.
type ctlDisk struct {
	mu     sync.Mutex
	values map[string][]byte
	full   bool
}

func (d *ctlDisk) Save(name string, v any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.full {
		return errors.New("no space left on device")
	}
	b, err := json.Marshal(v)
	d.values[name] = b
	return err
}

func (d *ctlDisk) Load(name string, v any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	b, ok := d.values[name]
	if !ok {
		return fs.ErrNotExist
	}
	return json.Unmarshal(b, v)
}

// ctlGit is a repository of one file and the claims and reports beside it.
type ctlGit struct {
	mu        sync.Mutex
	down      bool
	branch    []string // hashes, oldest first
	documents map[string]string
	refs      map[string]string
	claims    map[string]plan.Claim
	reports   map[string]plan.Report
}

func (g *ctlGit) with(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f()
}

// commit puts a document on the branch, after the newest commit or, rewriting
// history, instead of everything there was.
func (g *ctlGit) commit(document string, rewrite bool) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	hash := fmt.Sprintf("%08x%032x", 0xabc0000+len(g.documents), 0)
	if rewrite {
		g.branch = nil
	}
	g.branch = append(g.branch, hash)
	g.documents[hash] = document
	g.refs["refs/heads/main"] = hash
	return hash
}

func (g *ctlGit) List(context.Context) (reconcile.Listing, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.down {
		return reconcile.Listing{}, errors.New("connection refused")
	}
	g.idle()
	out := map[string]string{}
	for ref, hash := range g.refs {
		out[ref] = hash
	}
	return reconcile.Listing{Refs: out}, nil
}

// idle is the report of a standby that is down, unless a test says what it
// reports.
func (g *ctlGit) idle() {
	ref := plan.ReportRef("paris", "xivo-standby")
	if now := g.refs[ref]; now != "" && !strings.HasPrefix(now, "idle") {
		return
	}
	commit, seq := g.refs["refs/heads/main"], g.claims[g.refs[plan.ClaimRef("paris", "xivo")]].Seq
	id := fmt.Sprintf("idle %s %d", commit, seq)
	g.refs[ref] = id
	g.reports[id] = plan.Report{Deployment: "paris", Node: "xivo-standby", Role: "xivo", Side: spec.Standby, Status: plan.Inactive,
		Accepted: commit, Seq: seq}
}

type ctlRevision string

func (r ctlRevision) Read(string) ([]byte, error) { return []byte(r), nil }

func (g *ctlGit) Revision(_ context.Context, hash, accepted string) (reconcile.Revision, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if accepted != "" && !strings.Contains(strings.Join(g.branch, " "), accepted) {
		return nil, errors.New("the branch was rewound")
	}
	return ctlRevision(g.documents[hash]), nil
}

func (g *ctlGit) Claim(_ context.Context, _, hash string, known plan.Tip) (reconcile.ClaimRead, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.claims[hash]
	return reconcile.ClaimRead{Tip: plan.Tip{ID: hash, Claim: c}, Descends: c.Seq > known.Seq}, nil
}

// setClaim makes c what the server has for the role xivo.
func (g *ctlGit) setClaim(c plan.Claim) {
	g.mu.Lock()
	defer g.mu.Unlock()
	hash := fmt.Sprintf("claim-%d-%d", c.Seq, len(g.claims))
	g.claims[hash] = c
	g.refs[plan.ClaimRef("paris", "xivo")] = hash
}

func (g *ctlGit) PushClaim(_ context.Context, ref string, p plan.Push) error {
	g.mu.Lock()
	parent := g.refs[ref]
	g.mu.Unlock()
	if parent != p.Parent {
		return errors.New("non-fast-forward")
	}
	g.setClaim(p.Claim)
	return nil
}

func (g *ctlGit) Restorable(context.Context, string, string, plan.Tip) (bool, error) {
	return false, nil
}
func (g *ctlGit) Restore(context.Context, string, plan.Tip) error { return nil }

func (g *ctlGit) Reports(_ context.Context, refs map[string]string) (map[string]plan.Report, map[string]error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := map[string]plan.Report{}
	for ref, hash := range refs {
		out[ref] = g.reports[hash]
	}
	return out, nil
}

func (g *ctlGit) Publish(_ context.Context, ref string, r plan.Report) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	hash := fmt.Sprintf("report-%s-%d", r.Node, len(g.reports))
	g.reports[hash], g.refs[ref] = r, hash
	return nil
}

// ctlServices start and stop at once, and drain until they are stopped.
type ctlServices struct {
	mu       sync.Mutex
	run      []plan.Run
	draining bool
}

func (s *ctlServices) Configure(w *spec.Wanted, left []managed.Left) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.run) < len(w.Services)+len(left) {
		s.run = append(s.run, plan.Stopped)
	}
	return nil
}

func (s *ctlServices) Observed() []plan.Observed {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []plan.Observed
	for _, r := range s.run {
		o := plan.Observed{Run: r, Ready: r == plan.Running}
		if s.draining {
			o.Op, o.Left = plan.OpDrain, "3 calls"
		}
		out = append(out, o)
	}
	return out
}

func (s *ctlServices) set(i int, r plan.Run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run[i], s.draining = r, false
}

func (s *ctlServices) ByHand(int) string { return "systemctl stop asterisk" }
func (s *ctlServices) Start(i int)       { s.set(i, plan.Running) }
func (s *ctlServices) Stop(i int)        { s.set(i, plan.Stopped) }
func (s *ctlServices) Drain(int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
}

type ctlFiles struct{}

func (ctlFiles) Configure(*spec.Wanted, func(string, spec.Side) ([]byte, error)) error { return nil }
func (ctlFiles) States(spec.Side) []plan.FileState                                     { return nil }
func (ctlFiles) Render(int, spec.Side)                                                 {}
func (ctlProbes) Configure(*spec.Wanted) error                                         { return nil }
func (ctlProbes) Witness() plan.ProbeView                                              { return plan.ProbeView{} }
func (ctlProbes) AskWitnessOften(bool)                                                 {}
func (ctlProbes) Forget()                                                              {}
func (ctlProbes) Detect() map[spec.Side]plan.ProbeView {
	return nil
}

type ctlProbes struct{}

// ctlDocument is a deployment of two xivo nodes and a proxy; extra is added at
// its top level.
func ctlDocument(active spec.Side, extra string) string {
	return fmt.Sprintf(`apiVersion: mainstay/v1
kind: Deployment
name: paris
active: %s
%s
agent: { poll: 5m, timeout: 2s, heartbeat: 5m }
nodes:
  xivo-main: { role: xivo, side: main, address: 127.0.0.1 }
  xivo-standby: { role: xivo, side: standby, address: 127.0.0.1 }
  edge: { role: edge, address: 127.0.0.1 }
roles:
  xivo:
    exclusive: true
    services:
      - { name: asterisk, systemd: asterisk.service }
  edge:
    follows: xivo
    services:
      - { name: nginx, systemd: nginx.service }
`, active, extra)
}

// ctlNode is a running agent and everything around it.
type ctlNode struct {
	t        *testing.T
	git      *ctlGit
	disk     *ctlDisk
	services *ctlServices
	journal  *record.Journal
	metrics  *metrics.Metrics
	agent    *reconcile.Agent
	clock    ctlClock
	passed   chan struct{}
	control  *Control
}

// ctlObserver wakes the test after every pass.
type ctlObserver struct {
	*metrics.Metrics
	passed chan struct{}
}

func (o ctlObserver) Passed(d plan.Decision, took time.Duration) {
	o.Metrics.Passed(d, took)
	select {
	case o.passed <- struct{}{}:
	default:
	}
}

// ctlRun runs the agent of a node until the test ends.
func ctlRun(t *testing.T, node string, prepare func(*ctlNode)) *ctlNode {
	t.Helper()
	n := newCtlNode(t, node, prepare)
	n.run()
	return n
}

// newCtlNode is a node whose agent does not run yet.
func newCtlNode(t *testing.T, node string, prepare func(*ctlNode)) *ctlNode {
	t.Helper()
	n := &ctlNode{t: t, journal: record.NewJournal(), passed: make(chan struct{}, 1), clock: ctlClock{time.Now()}, services: &ctlServices{}, disk: &ctlDisk{values: map[string][]byte{}},
		git: &ctlGit{documents: map[string]string{}, refs: map[string]string{},
			claims: map[string]plan.Claim{}, reports: map[string]plan.Report{}}}
	prepare(n)
	clock, log := n.clock, slog.New(slog.DiscardHandler)
	learner := reconcile.NewLearner(reconcile.LearnerConfig{Node: node, Branch: "refs/heads/main", Path: "deployment.yaml",
		Repository: n.git, Coordination: n.git, Shared: true, Clock: clock, Disk: n.disk, Log: log})
	actuator := reconcile.NewActuator(reconcile.ActuatorConfig{Node: node, Boot: "boot", Instance: node + "-1", Coordinated: true, Clock: clock,
		Disk: n.disk, Machine: reconcile.Machine{Services: n.services, Files: ctlFiles{}, Probes: ctlProbes{}},
		Recorder: n.journal, Log: log})
	n.agent = reconcile.NewAgent(learner, actuator, nil)
	n.metrics = metrics.New(n.agent, clock.Boot, map[string]string{"version": "test"})
	n.agent.Observe(ctlObserver{n.metrics, n.passed})
	n.control = &Control{Agent: n.agent, Journal: n.journal}
	return n
}

func (n *ctlNode) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = n.agent.Run(ctx)
	}()
	n.t.Cleanup(func() { cancel(); <-done })
}

// until waits for a pass that leaves the node as good says.
func (n *ctlNode) until(what string, good func(plan.Report) bool) plan.Report {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), ctlBound)
	defer cancel()
	for {
		r, _ := n.agent.Status()
		if good(r) {
			return r
		}
		select {
		case <-n.passed:
		case <-ctx.Done():
			n.t.Fatalf("never %s: %s (%s): %s", what, r.Status, r.Rule, r.Reason)
		}
	}
}

func (n *ctlNode) untilStatus(s plan.Status) plan.Report {
	n.t.Helper()
	return n.until(string(s), func(r plan.Report) bool { return r.Status == s })
}

// ctlServing is an agent whose document declares its own side.
func ctlServing(t *testing.T) *ctlNode {
	t.Helper()
	n := ctlRun(t, "xivo-main", func(n *ctlNode) { n.git.commit(ctlDocument(spec.Main, ""), false) })
	n.untilStatus(plan.Active)
	return n
}
