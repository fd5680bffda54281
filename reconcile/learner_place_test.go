package reconcile

import (
	"strings"
	"testing"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// moveTo restarts the agent with another place of coordination.
func (s *scholar) moveTo(place string) {
	s.Learner = NewLearner(LearnerConfig{Node: "xivo-main", Branch: tip, Path: "deployment.yaml", Place: place,
		Repository: s.git, Coordination: s.git, Shared: true, Beside: inline, Clock: s.clock, Disk: s.disk, Log: quiet()})
}

// resident is a learner that knows a claim, seq 7, from a place.
func resident(t *testing.T, place string) *scholar {
	t.Helper()
	s := newScholar(paris(spec.Main))
	s.moveTo(place)
	s.look(t)
	s.git.claim("k1", ClaimRead{Tip: plan.Tip{Claim: plan.Claim{Seq: 1, Holder: "main"}}, Descends: true})
	s.look(t)
	s.git.claim("k7", ClaimRead{Tip: plan.Tip{Claim: plan.Claim{Seq: 7, Holder: "main"}}, Descends: true})
	if c := s.look(t).Claims["xivo"]; c.Tip.Seq != 7 || c.Joined != 0 {
		t.Fatalf("knows %+v", c)
	}
	s.git.restorable = true
	return s
}

func TestAClaimIsNotRestoredToAnotherPlace(t *testing.T) { // R10, R13
	s := resident(t, "https://a/claims.git")
	delete(s.git.refs, plan.ClaimRef("paris", "xivo"))
	s.moveTo("https://b/claims.git")
	for range 2 { // and a restart later it is still known from the first place
		snap := s.look(t)
		c := snap.Claims["xivo"]
		if c.Tip.Seq != 7 || !c.Regressed || c.Restorable || !hasCondition(snap.Conditions, plan.CondCoordinationMoved) {
			t.Errorf("got %+v, conditions %v", c, snap.Conditions)
		}
		s.moveTo("https://b/claims.git")
	}
	s.moveTo("https://a/claims.git")
	if c := s.look(t).Claims["xivo"]; !c.Regressed || !c.Restorable {
		t.Errorf("in its own place it is restored: %+v", c)
	}
}

func TestWhatAnotherPlaceSaidProvesNothingHere(t *testing.T) { // R13
	for name, c := range map[string]struct {
		id   string
		read ClaimRead
	}{
		"the same claim":      {"k7", ClaimRead{Tip: plan.Tip{Claim: plan.Claim{Seq: 7, Holder: "main"}}}},
		"one that goes on":    {"k9", ClaimRead{Tip: plan.Tip{Claim: plan.Claim{Seq: 9, Holder: "none"}}, Descends: true}},
		"one that was seized": {"k8", ClaimRead{Tip: plan.Tip{Claim: plan.Claim{Seq: 8, Holder: "standby"}}, Descends: true}},
	} {
		t.Run(name, func(t *testing.T) {
			s := resident(t, "https://a/claims.git")
			s.git.claim(c.id, c.read)
			s.moveTo("https://b/claims.git")
			snap := s.look(t)
			got := snap.Claims["xivo"]
			if got.Regressed || got.Tip.ID != c.id || got.Joined != 7 || hasCondition(snap.Conditions, plan.CondCoordinationMoved) {
				t.Errorf("got %+v", got)
			}
			// Now it is known of this place, and what it proves begins here for good.
			s.moveTo("https://b/claims.git")
			delete(s.git.refs, plan.ClaimRef("paris", "xivo"))
			if got = s.look(t).Claims["xivo"]; !got.Restorable || got.Joined != 7 {
				t.Errorf("after a restart: %+v", got)
			}
		})
	}
}

func TestAnotherChainInAnotherPlaceIsNotBelieved(t *testing.T) { // R10
	s := resident(t, "https://a/claims.git")
	s.git.claim("x9", ClaimRead{Tip: plan.Tip{Claim: plan.Claim{Seq: 9, Holder: "none"}}})
	s.moveTo("https://b/claims.git")
	snap := s.look(t)
	if c := snap.Claims["xivo"]; c.Tip.Seq != 7 || !c.Regressed || c.Restorable || !hasCondition(snap.Conditions, plan.CondCoordinationMoved) {
		t.Errorf("got %+v", c)
	}
}

// newFollower is an agent that follows the role whose claim standby holds.
func newFollower() *scholar {
	s := newScholar(strings.Replace(paris(spec.Main)+"  edge: { follows: xivo }\n", "roles:", "  edge: { role: edge, address: 10.0.0.3 }\nroles:", 1))
	s.Node = "edge"
	return s
}

func held(seq uint64) plan.Claim {
	return plan.Claim{Seq: seq, Holder: "standby", Node: "xivo-standby", Instance: "i1"}
}

func active(seq, beat uint64) plan.Report {
	return plan.Report{Deployment: "paris", Node: "xivo-standby", Instance: "i1", Status: plan.Active, Seq: seq, Beat: beat}
}

// R10: nobody but those who follow a role may remember its claim. They believe one that
// went back once its holder reports that it is Active under it, and not before: a report
// from before may have come back with the claim.
func TestAFollowerGoesOnFromAClaimThatWentBackOnceItsHolderDoes(t *testing.T) {
	s := newFollower()
	s.git.claim("k5", ClaimRead{Tip: plan.Tip{Claim: held(5)}, Descends: true})
	s.look(t)
	s.git.claim("k2", ClaimRead{Tip: plan.Tip{Claim: held(2)}})
	s.git.report("r2", active(2, 9))
	for range 2 {
		if c := s.look(t).Claims["xivo"]; !c.Regressed || c.Tip.Seq != 5 {
			t.Fatalf("a claim and a report that came back together are believed: %+v", c)
		}
	}
	s.git.report("r3", active(3, 10))
	s.look(t)
	if c := s.look(t).Claims["xivo"]; !c.Regressed {
		t.Errorf("a report of another claim counts: %+v", c)
	}
	s.git.report("r4", active(2, 11))
	s.look(t)
	if c := s.look(t).Claims["xivo"]; c.Regressed || c.Tip.Seq != 2 {
		t.Errorf("its holder is Active under it, and it is not believed: %+v", c)
	}
}

// R10: the claim of a role that this agent knows from the disk may be gone at its very
// first look, when it knows no document yet.
func TestAClaimMayHaveGoneBackBeforeTheFirstDocument(t *testing.T) {
	s := newScholar(paris(spec.Main))
	s.git.claim("k5", ClaimRead{Tip: plan.Tip{Claim: plan.Claim{Seq: 5, Holder: "main"}}, Descends: true})
	s.look(t)
	delete(s.git.refs, plan.ClaimRef("paris", "xivo"))
	s.disk.damaged["accepted"] = true
	s.restart()
	if c := s.look(t).Claims["xivo"]; !c.Regressed || c.Tip.Seq != 5 {
		t.Errorf("got %+v", c)
	}
}

// R10: that no report is there proves nothing, and one that was read before the claim went
// back says nothing of what came after.
func TestAFollowerTakesNoReportFromBeforeAClaimWentBack(t *testing.T) {
	s := newFollower()
	s.git.claim("k5", ClaimRead{Tip: plan.Tip{Claim: held(5)}, Descends: true})
	s.git.report("r2", active(2, 9)) // late: it was on its way when the claim was taken
	s.look(t)
	s.git.claim("k2", ClaimRead{Tip: plan.Tip{Claim: held(2)}})
	delete(s.git.refs, plan.ReportRef("paris", "xivo-standby"))
	for range 3 {
		if c := s.look(t).Claims["xivo"]; !c.Regressed || c.Tip.Seq != 5 {
			t.Fatalf("believed: %+v", c)
		}
	}
	s.git.report("r2", active(2, 9))
	s.look(t)
	if c := s.look(t).Claims["xivo"]; !c.Regressed {
		t.Errorf("the old report came back, and is believed: %+v", c)
	}
}
