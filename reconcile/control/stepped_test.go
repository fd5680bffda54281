package control

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// steppedNode is one agent that is stepped by hand: a look at git, then a pass.
type steppedNode struct {
	t        *testing.T
	name     string
	git      *ctlGit
	disk     *ctlDisk
	services *ctlServices
	readOnly bool
	learner  *reconcile.Learner
	actuator *reconcile.Actuator
}

func newSteppedNode(t *testing.T, name string) *steppedNode {
	t.Helper()
	return &steppedNode{t: t, name: name, services: &ctlServices{}, disk: &ctlDisk{values: map[string][]byte{}},
		git: &ctlGit{documents: map[string]string{}, refs: map[string]string{},
			claims: map[string]plan.Claim{}, reports: map[string]plan.Report{}}}
}

// start begins an agent anew on the same machine and disk.
func (n *steppedNode) start() {
	log, clock := slog.New(slog.DiscardHandler), ctlClock{time.Now()}
	lc := reconcile.LearnerConfig{Node: n.name, Branch: "refs/heads/main", Path: "deployment.yaml", Repository: n.git,
		Beside: func(read func()) { read() },
		Clock:  clock, Disk: n.disk, Log: log}
	if !n.readOnly {
		lc.Coordination, lc.Shared = n.git, true
	}
	n.learner = reconcile.NewLearner(lc)
	n.actuator = reconcile.NewActuator(reconcile.ActuatorConfig{Node: n.name, Boot: "boot", Instance: n.name + "-1", Coordinated: !n.readOnly,
		Clock: clock, Disk: n.disk, Log: log,
		Machine: reconcile.Machine{Services: n.services, Files: ctlFiles{}, Probes: ctlProbes{}}})
}

// passes looks at git and makes a pass.
func (n *steppedNode) passes() (reconcile.Order, plan.Report) {
	n.t.Helper()
	n.actuator.See(n.learner.Look(n.t.Context()))
	order, _ := n.actuator.Pass()
	return order, n.actuator.Report()
}

// carries makes a pass and pushes what it ordered.
func (n *steppedNode) carries() {
	n.t.Helper()
	order, _ := n.passes()
	if err := n.learner.Carry(n.t.Context(), order); err != nil {
		n.t.Fatal(err)
	}
}

// R8: a statement that the other side is off counts once this run of the agent
// has read it, not when only the disk says so.
func TestFencingThatOnlyTheDiskKnowsStartsNothing(t *testing.T) {
	n := newSteppedNode(t, "xivo-main")
	n.readOnly = true
	n.git.commit(ctlDocument(spec.Main, "fenced: standby"), false)
	n.start()
	n.passes()
	n.services.set(0, plan.Stopped)
	n.git.with(func() { n.git.down = true })
	n.start()
	if _, r := n.passes(); r.Status != plan.Held || n.services.Observed()[0].Run != plan.Stopped {
		t.Errorf("%s: %s; the service is %v", r.Status, r.Reason, n.services.Observed())
	}
	n.git.with(func() { n.git.down = false })
	n.passes()
	if n.services.Observed()[0].Run != plan.Running {
		t.Error("the statement was read and nothing started")
	}
}

// R8: nor does one in a document that is not the newest on the branch: the one
// after it may have withdrawn it.
func TestFencingBelowACommitThatIsNotAcceptedStartsNothing(t *testing.T) {
	n := newSteppedNode(t, "xivo-main")
	n.readOnly = true
	n.git.commit(ctlDocument(spec.Main, "fenced: standby"), false)
	n.start()
	n.passes()
	n.services.set(0, plan.Stopped)
	n.git.commit("not: a document", false)
	n.start()
	if _, r := n.passes(); r.Status != plan.Held || n.services.Observed()[0].Run != plan.Stopped {
		t.Errorf("%s: %s; the service is %v", r.Status, r.Reason, n.services.Observed())
	}
	n.git.commit(ctlDocument(spec.Main, "fenced: standby"), false)
	n.passes()
	if n.services.Observed()[0].Run != plan.Running {
		t.Error("the statement is the newest again and nothing started")
	}
}

// R9: a person's word counts although the one before has just ended.
func TestTakeoverRightAfterTheEndOfAnotherCounts(t *testing.T) {
	n := newSteppedNode(t, "xivo-standby")
	n.git.commit(ctlDocument(spec.Main, ""), false)
	n.git.setClaim(plan.Claim{Seq: 1, Holder: "main", Node: "xivo-main", Instance: "xivo-main-1", Action: plan.Take, Start: 1})
	n.start()
	n.passes()
	if err := n.actuator.SetTakeover(&plan.TakeoverAsk{Attest: "main is off"}); err != nil {
		t.Fatal(err)
	}
	n.carries()
	if _, r := n.passes(); r.Status != plan.Activating && r.Status != plan.Active {
		t.Fatalf("%s: %s", r.Status, r.Reason)
	}
	seq := n.learner.Snapshot().Claims["xivo"].Tip.Seq
	n.git.setClaim(plan.Claim{Seq: seq + 1, Holder: "main", Node: "xivo-main", Instance: "xivo-main-1", Action: plan.Seize,
		Start: 2, Guarantee: plan.Fenced})
	n.passes()
	if n.actuator.Report().Takeover != "" {
		t.Fatal("the takeover did not end with the claim")
	}
	if err := n.actuator.SetTakeover(&plan.TakeoverAsk{Attest: "main is off again"}); err != nil {
		t.Fatal(err)
	}
	n.passes()
	n.passes()
	order, r := n.passes()
	if n.actuator.Report().Takeover == "" || order.Push == nil || order.Push.Claim.Reason != "main is off again" {
		t.Errorf("%s: %s; ordered %+v", r.Status, r.Reason, order.Push)
	}
}

// R6: whoever lost its memory may have a push on its way, so it does not start
// on a presumption.
func TestDamagedMemoryCountsAsAPushOfUnknownOutcome(t *testing.T) {
	n := newSteppedNode(t, "xivo-main")
	n.git.commit(ctlDocument(spec.Main, ""), false)
	n.start()
	n.carries()
	n.passes()
	n.services.set(0, plan.Stopped)
	n.git.with(func() { n.git.down = true })
	n.disk.values["memory"] = []byte("{damaged")
	n.start()
	_, r := n.passes()
	if want := "a push of this node has an unknown outcome"; r.Status != plan.Held || !strings.Contains(r.Reason, want) {
		t.Errorf("%s: %s", r.Status, r.Reason)
	}
	n.git.with(func() { n.git.down = false })
	n.carries()
	if _, r = n.passes(); r.Rule != plan.R3 { // it listens before it renews its claim
		t.Errorf("with git %s: %s", r.Status, r.Reason)
	}
}
