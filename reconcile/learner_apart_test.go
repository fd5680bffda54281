package reconcile

import (
	"context"
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// counted is a repository that counts its listings.
type counted struct {
	*vault
	lists *int
}

func (c counted) List(ctx context.Context) (Listing, error) {
	*c.lists++
	return c.vault.List(ctx)
}

// apart is a learner whose claims are at another place than the document, with how often
// the document was asked for.
func apart(t *testing.T) (*scholar, *int) {
	t.Helper()
	s := &scholar{git: newVault(paris(spec.Main)), disk: newShelf(&journal{}), clock: newStill()}
	lists := new(int)
	s.Learner = NewLearner(LearnerConfig{Node: "xivo-main", Instance: self, Branch: tip, Path: "deployment.yaml",
		Repository: counted{s.git, lists}, Coordination: s.git, Beside: inline, Clock: s.clock, Disk: s.disk, Log: quiet()})
	s.git.claim("k1", by("xivo-standby/1", 1, "standby"))
	s.LookWhole(t.Context())
	return s, lists
}

func by(instance string, seq uint64, holder string) ClaimRead {
	read := owned(seq, holder)
	read.Tip.Instance = instance
	return read
}

// R7 goes by when the claim was read, and everything that is said of git by when that was:
// what a look did not ask for is as old as it was.
func TestALookAtTheClaimsAloneLeavesWhatIsKnownOfGitAsOldAsItIs(t *testing.T) {
	s, lists := apart(t)
	before, asked := s.Snapshot(), *lists
	s.clock.pass(time.Minute)
	s.git.commit("c2", paris(spec.Standby))
	s.git.claim("k2", by("xivo-standby/1", 2, "none"))
	snap := s.LookAtClaims(t.Context())
	if *lists != asked || snap.Seen != "c1" || snap.Accepted.Commit != "c1" || !snap.LastRead.Equal(before.LastRead) || snap.Whole != before.Whole {
		t.Errorf("%d listings, seen %s, accepted %s, git read at %s and before at %s, asked at %s",
			*lists-asked, snap.Seen, snap.Accepted.Commit, snap.LastRead, before.LastRead, snap.Whole)
	}
	if c := snap.Claims["xivo"]; c.Tip.ID != "k2" || c.Began != s.clock.boot || snap.Began != s.clock.boot {
		t.Errorf("the claim is %s, read at %s", c.Tip.ID, c.Began)
	}
	if pace := snap.Pace(); !pace.Claims {
		t.Errorf("it counts as a look at git: %+v", pace)
	}
	if snap = s.LookWhole(t.Context()); snap.Accepted.Commit != "c2" || snap.Whole != s.clock.boot || snap.Pace().Claims {
		t.Errorf("the next look accepted %s, asked at %s", snap.Accepted.Commit, snap.Whole)
	}
}

// R4: once somebody else has changed the claim, what the document states of the other side
// may be withdrawn already. This node's own change says nothing of the kind.
func TestADocumentMayBeBehindAClaimThatSomebodyElseChanged(t *testing.T) {
	s, _ := apart(t)
	s.git.claim("k2", by(self, 2, "main"))
	if snap := s.LookAtClaims(t.Context()); snap.Behind {
		t.Error("by this node's own change")
	}
	s.git.claim("k3", by("xivo-standby/1", 3, "none"))
	var early []*Snapshot
	s.early = func(e *Snapshot) { early = append(early, e) }
	if snap := s.LookAtClaims(t.Context()); !snap.Behind || len(early) != 1 || !early[0].Behind {
		t.Errorf("behind %v, told early %+v", snap.Behind, early)
	}
	if snap := s.LookAtClaims(t.Context()); !snap.Behind {
		t.Error("it is forgotten before git was asked")
	}
	if snap := s.LookWhole(t.Context()); snap.Behind {
		t.Error("git was asked after the claim was read")
	}
}

// R4: a document that was read for long was listed before a claim that is newer.
func TestADocumentThatTookLongIsBehindAClaimThatChangedMeanwhile(t *testing.T) {
	for name, c := range map[string]struct {
		look   func(*scholar, context.Context) *Snapshot
		behind bool
	}{
		"and was seen by a look at the claims": {func(s *scholar, ctx context.Context) *Snapshot { return s.LookAtClaims(ctx) }, true},
		"and was seen by a look at both":       {func(s *scholar, ctx context.Context) *Snapshot { return s.Look(ctx) }, true},
		"and was not seen":                     {func(s *scholar, _ context.Context) *Snapshot { return s.Snapshot() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := apart(t)
			free := s.stuck()
			s.git.commit("c2", paris(spec.Standby))
			s.within(t)
			s.git.claim("k2", by("xivo-standby/1", 2, "standby"))
			c.look(s, t.Context())
			free()
			<-s.studied()
			if snap := s.catchUp(t.Context()); snap.Accepted.Commit != "c2" || snap.Behind != c.behind {
				t.Errorf("accepted %s, behind %v", snap.Accepted.Commit, snap.Behind)
			}
		})
	}
}

// R4: a fencing in a document that may not be the newest is not believed.
func TestAFencingIsNotBelievedInADocumentThatIsBehind(t *testing.T) {
	h := newHand(t)
	h.pass()
	for _, behind := range []bool{true, false} {
		s := *h.learn.Snapshot()
		s.Behind = behind
		h.See(&s)
		if h.Pass(); h.in.Stale != behind {
			t.Errorf("behind %v: the decision was told %v", behind, h.in.Stale)
		}
	}
}

// R5: a machine that was frozen has looked at git again only when it asked git.
func TestALookAtTheClaimsAloneIsNoLookAtGitForALatePass(t *testing.T) {
	h := newHand(t)
	h.pass()
	h.clock.pass(time.Minute)
	h.Pass()
	if !h.in.Late {
		t.Fatal("a pass that came a minute too late is not late")
	}
	s := *h.learn.Snapshot()
	s.Began = h.clock.boot
	h.See(&s)
	if h.Pass(); !h.in.Late {
		t.Error("it counts as a look at git")
	}
	s.Whole = h.clock.boot
	h.See(&s)
	if h.Pass(); h.in.Late {
		t.Error("git was looked at")
	}
}

// A person who waits for git waits for a look at git.
func TestAWaitForGitIsNotOverByALookAtTheClaims(t *testing.T) {
	s, _ := apart(t)
	a := NewAgent(s.Learner, &Actuator{ActuatorConfig: ActuatorConfig{Clock: s.clock, Log: quiet()}}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.clock.pass(time.Minute)
	a.handOutSnapshot(s.LookAtClaims(t.Context()))
	a.passes.Set(progress{edition: 1 << 60})
	if _, err := a.SyncWait(ctx); err == nil {
		t.Error("it is over")
	}
	a.handOutSnapshot(s.LookWhole(t.Context()))
	if _, err := a.SyncWait(ctx); err != nil {
		t.Errorf("it is not over: %v", err)
	}
}

// One place is asked once for both.
func TestWhereClaimsAndDocumentAreInOnePlaceEveryLookAsksForBoth(t *testing.T) {
	s := newScholar(paris(spec.Main))
	s.look(t)
	s.git.commit("c2", paris(spec.Standby))
	if snap := s.LookAtClaims(t.Context()); snap.Seen != "c2" || snap.Whole != snap.Began {
		t.Errorf("seen %s, asked at %s of %s", snap.Seen, snap.Whole, snap.Began)
	}
}

// What another node says at the place of claims makes this node look there, and no
// more; a poll and a person make it ask git.
func TestAnAgentThatHearsOfClaimsAsksGitNothing(t *testing.T) {
	s, lists := apart(t)
	s.Instance = "nobody" // it orders nothing
	r := &rack{j: &journal{}, seen: make([]plan.Observed, 2)}
	r.are(plan.Stopped)
	agent := NewAgent(s.Learner, NewActuator(ActuatorConfig{Node: "xivo-main", Boot: "boot-1", Instance: "nobody", Coordinated: true, Clock: s.clock, Disk: s.disk, Log: quiet(),
		Machine: Machine{Services: r, Files: noFiles{}, Probes: rackProbes{r}}}), nil)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = agent.Run(ctx)
	}()
	defer func() {
		cancel()
		<-ended
	}()
	looked := func(more func()) (snap *Snapshot, asked bool) {
		t.Helper()
		within, done := context.WithTimeout(t.Context(), bound)
		defer done()
		before, _ := agent.known.Wait(within, func(s *Snapshot) bool { return s != nil && !s.Pending })
		was := *lists
		more()
		snap, err := agent.known.Wait(within, func(s *Snapshot) bool { return s != nil && s.Looks > before.Looks && !s.Pending })
		if err != nil {
			t.Fatal("no look came")
		}
		return snap, *lists > was
	}
	for commit, news := range map[string]bool{"": false, "c1": false, "c2": true} {
		if snap, asked := looked(func() { agent.Hear(commit) }); asked != news || snap.Whole == 0 {
			t.Errorf("told of commit %q, it asked git: %v", commit, asked)
		}
	}
	if _, asked := looked(agent.Sync); !asked {
		t.Error("it did not ask git when it was told to")
	}
}
