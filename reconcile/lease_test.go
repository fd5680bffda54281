package reconcile

import (
	"errors"
	"strings"
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// pager is Leases in memory.
type pager struct {
	j       *journal
	told    plan.Watch
	guarded bool
	deaf    bool
}

func (p *pager) Tell(w plan.Watch) error {
	if p.deaf {
		return errors.New("read-only file system")
	}
	p.told = w
	p.j.add("tell %v", w.Until)
	return nil
}

func (p *pager) Recall() plan.Watch { return p.told }
func (p *pager) Guarded() bool      { return p.guarded }

// leasedHand is to serve under a lease of 40 s, with a guard beside it.
func leasedHand(t *testing.T) (*hand, *pager) {
	t.Helper()
	h := newHand(t)
	p := &pager{j: h.j, guarded: true}
	h.Leases = p
	h.git.commit("c2", strings.Replace(paris(spec.Main), "nodes:", "handover: { lease: 40s }\nnodes:", 1))
	return h, p
}

// R7: a service that starts before the guard knows runs unguarded if the agent
// dies just then.
func TestTheGuardKnowsBeforeAnythingStarts(t *testing.T) {
	h, p := leasedHand(t)
	h.lands(h.pass())
	h.j.lines = nil
	h.pass()
	told, started := h.j.index("tell"), h.j.index("start 0")
	if told < 0 || started < told || p.told.Until != h.clock.Boot()+40*time.Second {
		t.Errorf("in this order: %q", h.j.lines)
	}
}

func TestALeaseWithoutAGuardIsSaid(t *testing.T) {
	h, p := leasedHand(t)
	h.serving()
	said := func() bool {
		h.pass()
		for _, c := range h.Report().Conditions {
			if c.Type == plan.CondNoGuard {
				return true
			}
		}
		return false
	}
	if said() {
		t.Error("a guard watches")
	}
	p.guarded = false
	if !said() {
		t.Error("no guard watches")
	}
	p.guarded, p.deaf = true, true
	h.clock.pass(time.Second)
	if !said() {
		t.Error("the guard is not told")
	}
}

// R7: the first pass of a run waits for git no longer than the kept lease lasts.
func TestAKeptLeaseIsObeyedWithoutWaitingForGit(t *testing.T) {
	h, p := leasedHand(t)
	h.serving()
	kept := NewLearner(h.learn.LearnerConfig).recalled
	for name, c := range map[string]struct {
		later time.Duration
		told  plan.Watch
		want  time.Duration
	}{
		"long":               {told: p.told, want: firstPatience},
		"short":              {later: 30 * time.Second, told: p.told, want: 10 * time.Second},
		"over":               {later: 41 * time.Second, told: p.told},
		"nothing kept":       {},
		"of another boot":    {told: plan.Watch{Boot: "boot-0", Claim: p.told.Claim, Began: p.told.Began, Until: h.clock.Boot() + time.Hour}},
		"of another reading": {told: plan.Watch{Boot: "boot-1", Claim: "older", Until: h.clock.Boot() + time.Hour}},
	} {
		p.told = c.told
		h.clock.pass(c.later)
		h.restart()
		h.Leases = p
		h.recallLease()
		if got := h.firstPass(kept); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
		h.clock.pass(-c.later)
	}
}

// R7: an agent that is replaced within its lease, and does not reach git, goes on
// until the lease ends.
func TestAReplacedAgentKeepsTheLeaseItFound(t *testing.T) {
	h, p := leasedHand(t)
	h.serving()
	h.restart()
	h.Leases = p
	h.recallLease()
	h.learn = NewLearner(h.learn.LearnerConfig)
	h.git.down = true
	h.j.lines = nil
	if h.pass(); h.Report().Status != plan.Active || h.j.has("stop") {
		t.Fatalf("within the lease: %s %s", h.Report().Status, h.Report().Reason)
	}
	h.clock.pass(41 * time.Second)
	h.pass()
	h.expect("stop 0")
}

// R7: without a guard an agent that ends gives its lease up first.
func TestALeaseThatWasGivenUpIsSeenInTheClaim(t *testing.T) {
	h, p := leasedHand(t)
	h.serving()
	o := h.letGo()
	if o.Push == nil || o.Push.Claim.Lease != 0 {
		t.Fatalf("got %+v", o)
	}
	if h.hasLetGo(h.learn.Look(t.Context())) {
		t.Error("the push has not landed")
	}
	h.lands(o)
	if !h.hasLetGo(h.learn.Look(t.Context())) || !p.told.None() || h.underLease() {
		t.Error("the push has landed")
	}
}

// R7: an agent whose disk lost the claim goes on until the lease ends that the guard was
// told of, and no longer. The guard takes it for one that obeys only while it stops.
func TestALeaseWhoseClaimWasLostEndsAllTheSame(t *testing.T) {
	h, p := leasedHand(t)
	h.serving()
	h.learn.Disk.(*shelf).damaged["claims"] = true
	h.restart()
	h.Leases = p
	h.recallLease()
	h.learn = NewLearner(h.learn.LearnerConfig)
	if got := h.firstPass(h.learn.recalled); got != firstPatience {
		t.Errorf("with a lease that lasts the first pass waits %v", got)
	}
	h.git.down = true
	h.j.lines = nil
	if h.pass(); h.Report().Status != plan.Active || h.j.has("stop") {
		t.Fatalf("within the lease: %s %s", h.Report().Status, h.Report().Reason)
	}
	if p.told.Passed != 0 {
		t.Errorf("the guard is told that it is being stopped: %+v", p.told)
	}
	h.clock.pass(41 * time.Second)
	if h.pass(); h.Report().Rule != plan.R7 || !h.j.has("stop") {
		t.Errorf("after the lease: %s %s %s", h.Report().Status, h.Report().Rule, h.Report().Reason)
	}
	if p.told.Passed != h.clock.Boot() {
		t.Errorf("the guard is not told that it is being stopped: %+v", p.told)
	}
}

// R7: without anything that tells when the lease ends, it is over.
func TestALeaseOfWhichNothingIsKnownIsOver(t *testing.T) {
	h, p := leasedHand(t)
	h.serving()
	h.learn.Disk.(*shelf).damaged["claims"] = true
	h.restart()
	p.told = plan.Watch{}
	h.Leases = p
	h.recallLease()
	h.learn = NewLearner(h.learn.LearnerConfig)
	if got := h.firstPass(h.learn.recalled); got != 0 {
		t.Errorf("the first pass waits %v", got)
	}
	h.git.down = true
	if h.pass(); h.Report().Rule != plan.R7 || !h.j.has("stop") {
		t.Errorf("%s %s %s", h.Report().Status, h.Report().Rule, h.Report().Reason)
	}
}
