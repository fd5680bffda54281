package machine

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
	"mainstay/reconcile/state"
	"mainstay/spec"
)

// refusedBound is how long these tests wait for a state.
const refusedBound = 20 * time.Second

// bench is one node's machine under an actuator, without git: the test says
// what was learnt.
type bench struct {
	t        *testing.T
	file     *spec.AgentFile
	disk     *state.Folder
	services *Services
	actuator *reconcile.Actuator
	learner  *reconcile.Learner
	git      oneCommit
	order    reconcile.Order
	woken    chan struct{}
}

// newBench is the machine of the node xivo-main.
func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, woken: make(chan struct{}, 1)}
	b.file = &spec.AgentFile{Node: "xivo-main", State: t.TempDir()}
	b.file.Allow.Commands = [][]string{{"/bin/sleep", "600"}}
	b.start()
	t.Cleanup(func() {
		for i := range b.services.Observed() {
			b.services.Stop(i)
		}
		b.until("everything stopped", func() bool { return len(b.services.Observed()) == 0 || b.all(plan.Run.Down) })
	})
	return b
}

// start begins an agent anew on the same machine.
func (b *bench) start() {
	b.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	wake := func() {
		select {
		case b.woken <- struct{}{}:
		default:
		}
	}
	var err error
	if b.disk, err = state.Open(b.file.State); err != nil {
		b.t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	p := NewParts(ctx, b.file, log, wake)
	manager := service.NewManager(ctx, Clock{}, wake, log)
	b.t.Cleanup(func() {
		cancel()
		manager.Wait() // for who still writes to the state folder
	})
	b.services = &Services{parts: p, manager: manager, also: func(*spec.Wanted) {}}
	b.learner = reconcile.NewLearner(reconcile.LearnerConfig{Node: "xivo-main", Branch: "refs/heads/main", Path: "deployment.yaml",
		Repository: &b.git, Coordination: &b.git, Shared: true, Clock: Clock{}, Disk: b.disk, Log: log})
	b.actuator = reconcile.NewActuator(reconcile.ActuatorConfig{
		Node: "xivo-main", Boot: "boot", Instance: "main-1", Coordinated: true, Clock: Clock{}, Disk: b.disk, Log: log,
		Machine: reconcile.Machine{Services: b.services, Files: &Files{parts: p}, Probes: newProbes(p.ctx, b.file.Allow, nil, p.wake), SelfFence: func(string) {}},
	})
}

// learns gives the actuator a document with these services, and a claim that is
// this node's.
func (b *bench) learns(commit string, active spec.Side, services string) {
	b.t.Helper()
	text := fmt.Sprintf(`apiVersion: mainstay/v1
kind: Deployment
name: paris
active: %s
agent: { poll: 100ms }
nodes:
  xivo-main: { role: xivo, side: main, address: 127.0.0.1 }
  xivo-standby: { role: xivo, side: standby, address: 127.0.0.1 }
roles:
  xivo:
    exclusive: true
%s`, active, services)
	start := uint64(1)
	if b.order.Push != nil {
		start = b.order.Push.Claim.Start
	}
	b.git.seq++
	b.git.commit, b.git.document = commit, text
	b.git.claim = plan.Claim{Seq: b.git.seq, Holder: plan.HeldBy(spec.Main), Node: "xivo-main", Instance: "main-1",
		Start: start, Commit: commit, StopBound: spec.Duration(time.Minute)}
	s := b.learner.LookWhole(b.t.Context())
	if s.Accepted == nil || s.Accepted.Commit != commit {
		b.t.Fatal(s.Conditions)
	}
	b.actuator.See(s)
}

// oneCommit is a repository of one commit, the claim of the role xivo, and the
// standby's report that it is ready for both.
type oneCommit struct {
	commit, document string
	seq              uint64
	claim            plan.Claim
}

func (g *oneCommit) List(context.Context) (reconcile.Listing, error) {
	mark := fmt.Sprint(g.seq)
	return reconcile.Listing{Refs: map[string]string{"refs/heads/main": g.commit,
		plan.ClaimRef("paris", "xivo"): mark, plan.ReportRef("paris", "xivo-standby"): mark}}, nil
}

func (g *oneCommit) Revision(context.Context, string, string) (reconcile.Revision, error) {
	return g, nil
}
func (g *oneCommit) Read(string) ([]byte, error) { return []byte(g.document), nil }

func (g *oneCommit) Claim(_ context.Context, _, hash string, _ plan.Tip) (reconcile.ClaimRead, error) {
	return reconcile.ClaimRead{Tip: plan.Tip{ID: hash, Claim: g.claim}, Descends: true}, nil
}

func (g *oneCommit) Reports(_ context.Context, refs map[string]string) (map[string]plan.Report, map[string]error) {
	out := map[string]plan.Report{}
	for ref := range refs {
		out[ref] = plan.Report{Deployment: "paris", Node: "xivo-standby", Ready: true, Accepted: g.commit, Seq: g.seq}
	}
	return out, nil
}

func (g *oneCommit) PushClaim(context.Context, string, plan.Push) error { return nil }
func (g *oneCommit) Restorable(context.Context, string, string, plan.Tip) (bool, error) {
	return false, nil
}
func (g *oneCommit) Restore(context.Context, string, plan.Tip) error    { return nil }
func (g *oneCommit) Publish(context.Context, string, plan.Report) error { return nil }

// passes makes passes until the report is as good says.
func (b *bench) passes(what string, good func(plan.Report) bool) plan.Report {
	b.t.Helper()
	b.until(what, func() bool {
		b.order, _ = b.actuator.Pass()
		return good(b.actuator.Report())
	})
	return b.actuator.Report()
}

func (b *bench) until(what string, good func() bool) {
	b.t.Helper()
	limit := time.After(refusedBound)
	for !good() {
		select {
		case <-b.woken:
		case <-time.After(50 * time.Millisecond):
		case <-limit:
			r := b.actuator.Report()
			b.t.Fatalf("never %s: %s %s: %s, services %v", what, r.Status, r.Rule, r.Reason, b.services.Observed())
		}
	}
}

func (b *bench) all(is func(plan.Run) bool) bool {
	for _, o := range b.services.Observed() {
		if !is(o.Run) {
			return false
		}
	}
	return len(b.services.Observed()) > 0
}

const (
	allowedServices = `    services:
      - { name: asterisk, process: { command: [/bin/sleep, "600"] } }
`
	refusedServices = allowedServices + `      - { name: monit, process: { command: [/bin/cat] } }
`
)

// serving is a bench whose node serves under an allowed document.
func serving(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.learns("c1", spec.Main, allowedServices)
	b.passes("renewing the claim", func(plan.Report) bool { return b.order.Push != nil })
	b.learns("c1", spec.Main, allowedServices)
	b.passes("Active", func(r plan.Report) bool { return r.Status == plan.Active })
	return b
}

// R1, R2: a document that asks for what this node does not allow changes
// nothing of what it runs, which is still healed, stopped and seen down before
// the claim is released.
func TestRefusedDocumentStillStepsDownWithEverythingItRuns(t *testing.T) {
	b := serving(t)
	b.learns("c2", spec.Main, refusedServices)
	r := b.passes("Active", func(r plan.Report) bool { return r.Status == plan.Active })
	if !hasCondition(r, plan.CondBlocked) || r.Applied == "c2" {
		t.Errorf("the refusal does not show: applied %q, conditions %v", r.Applied, r.Conditions)
	}
	b.learns("c3", spec.Standby, refusedServices)
	b.passes("released", func(plan.Report) bool { return b.order.Push != nil && b.order.Push.Claim.Action == plan.Release })
	if !b.all(plan.Run.Down) {
		t.Errorf("released while services run: %v", b.services.Observed())
	}
}

// R2: an agent that begins with a document it does not allow still knows what
// it ran before, and releases nothing that it has not seen down.
func TestRestartUnderARefusedDocumentStillKnowsWhatRuns(t *testing.T) {
	b := serving(t)
	b.start()
	b.learns("c2", spec.Standby, refusedServices)
	b.passes("released", func(plan.Report) bool { return b.order.Push != nil && b.order.Push.Claim.Action == plan.Release })
	if !b.all(plan.Run.Down) {
		t.Errorf("released while services run: %v", b.services.Observed())
	}
}

// A witness runs a command only if this node allows it.
func TestRefusedWitnessIsNotRun(t *testing.T) {
	p := newProbes(t.Context(), spec.Allow{}, nil, func() {})
	err := p.Configure(&spec.Wanted{Witness: &spec.Probe{Command: []string{"/bin/true"}}})
	if err == nil || p.witness != nil {
		t.Errorf("the witness is %v, and the error %v", p.witness, err)
	}
}

func hasCondition(r plan.Report, kind string) bool {
	for _, c := range r.Conditions {
		if c.Type == kind {
			return true
		}
	}
	return false
}
