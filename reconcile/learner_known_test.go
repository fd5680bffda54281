package reconcile

import (
	"errors"
	"testing"

	"mainstay/spec"
)

// R6: a claim that can be read says nothing of a commit that could not. What a run before
// this one read may have been followed by a fencing.
func TestABranchIsKnownOnceThisRunHasReadItAtTheRepositoryItself(t *testing.T) {
	s, claims := &scholar{git: newVault(paris(spec.Main)), disk: newShelf(&journal{}), clock: newStill()}, newVault("")
	claims.claim("k1", owned(1, "main"))
	begin := func() {
		s.Learner = NewLearner(LearnerConfig{Node: "xivo-main", Instance: self, Branch: tip, Path: "deployment.yaml",
			Repository: s.git, Coordination: claims, Beside: inline, Clock: s.clock, Disk: s.disk, Log: quiet()})
	}
	known := func() bool { return s.LookWhole(t.Context()).Known }
	if begin(); !known() {
		t.Error("not when it was read and accepted")
	}
	if s.git.down = true; !known() {
		t.Error("it is forgotten while git is away")
	}
	begin()
	if s.LookAtClaims(t.Context()); known() || !s.Snapshot().Claims["xivo"].Read {
		t.Error("another run knows it without git, or does not read the claim")
	}
	s.git.down, s.git.mirror = false, true
	if known() {
		t.Error("a mirror may not have the newest commit")
	}
	s.git.mirror, s.git.refuses = false, errors.New("the line went dead")
	s.git.commit("c2", paris(spec.Standby))
	if known() {
		t.Error("there is a commit that could not be fetched")
	}
	s.git.refuses = nil
	s.git.commit("c3", "active: nobody")
	if snap := s.LookWhole(t.Context()); !snap.Known || snap.Accepted.Commit != "c1" {
		t.Error("a document that is refused for what it says was read")
	}
}
