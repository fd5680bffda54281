package reconcile

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/e2e/attack"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// scholar is a Learner with everything around it.
type scholar struct {
	*Learner
	git   *vault
	disk  *shelf
	clock *still
}

func newScholar(document string) *scholar {
	s := &scholar{git: newVault(document), disk: newShelf(&journal{}), clock: newStill()}
	s.restart()
	return s
}

func (s *scholar) restart() {
	s.Learner = NewLearner(LearnerConfig{Node: "xivo-main", Branch: tip, Path: "deployment.yaml",
		Repository: s.git, Coordination: s.git, Shared: true, Beside: inline, Clock: s.clock, Disk: s.disk, Log: quiet()})
}

func (s *scholar) look(t *testing.T) *Snapshot {
	t.Helper()
	return s.Look(t.Context())
}

func hasCondition(all []plan.Condition, kind string) bool {
	return slices.ContainsFunc(all, func(c plan.Condition) bool { return c.Type == kind })
}

func TestAnAgentStartsFromTheDiskWithNoGit(t *testing.T) {
	s := newScholar(paris(spec.Main))
	s.git.claim("k1", ClaimRead{Tip: plan.Tip{Claim: plan.Claim{Seq: 7, Holder: "main"}}, Descends: true})
	s.look(t)
	s.git.down = true
	s.restart()
	snap := s.look(t)
	if snap.OK || snap.Accepted == nil || snap.Accepted.Commit != "c1" {
		t.Fatalf("OK %v, accepted %+v", snap.OK, snap.Accepted)
	}
	if c := snap.Claims["xivo"]; c.Tip.Seq != 7 || c.Read || c.Reachable {
		t.Errorf("R6: the claim on disk is known and was not read: %+v", c)
	}
	if !hasCondition(snap.Conditions, plan.CondGitUnreachable) {
		t.Error("nobody is told that git is out of reach")
	}
}

func TestADocumentThatDoesNotFitThisNodeIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ document, condition string }{
		"renamed":        {strings.Replace(paris(spec.Standby), "name: paris", "name: lyon", 1), plan.CondDeploymentRenamed},
		"of a new role":  {telephony(), plan.CondRoleRenamed},
		"without a node": {strings.ReplaceAll(paris(spec.Standby), "xivo-main:", "xivo-other:"), plan.CondNodeUnknown},
		"invalid":        {"kind: Deployment\n", plan.CondDocumentInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScholar(paris(spec.Main))
			s.look(t)
			s.git.commit("c2", c.document)
			snap := s.look(t)
			if snap.Accepted.Commit != "c1" || snap.Seen != "c2" {
				t.Errorf("accepted %s, seen %s", snap.Accepted.Commit, snap.Seen)
			}
			fetched := s.git.fetched
			if snap = s.look(t); !hasCondition(snap.Conditions, c.condition) {
				t.Errorf("conditions are %v", snap.Conditions)
			}
			if s.git.fetched != fetched {
				t.Error("what will not get better is fetched again")
			}
		})
	}
}

func TestAPersonMayAcceptARenamedDeployment(t *testing.T) {
	s := newScholar(paris(spec.Main))
	s.git.claim("k1", ClaimRead{Tip: plan.Tip{Claim: plan.Claim{Seq: 7, Holder: "main"}}, Descends: true})
	s.look(t)
	s.git.commit("c2", strings.Replace(paris(spec.Standby), "name: paris", "name: lyon", 1))
	s.look(t)
	s.Override("c2", "seen down")
	snap := s.look(t)
	if snap.Accepted.Commit != "c2" {
		t.Fatalf("accepted %s", snap.Accepted.Commit)
	}
	if c := snap.Claims["xivo"]; c.Tip.Seq != 0 {
		t.Errorf("the claim of the other name is still believed: %+v", c)
	}
}

// R10, R13: a listing that was asked for the claims of the name before says nothing of
// those of the new one: they are not known to be absent.
func TestAListingForAnotherNameSaysNothingOfAClaim(t *testing.T) {
	s := newScholar(paris(spec.Main))
	s.look(t)
	s.git.commit("c2", strings.Replace(paris(spec.Standby), "name: paris", "name: lyon", 1))
	s.git.refs[plan.ClaimRef("lyon", "xivo")] = "k9"
	s.git.claims["k9"] = ClaimRead{Tip: plan.Tip{ID: "k9", Claim: plan.Claim{Seq: 9, Holder: "main"}}, Descends: true}
	s.look(t)
	s.Override("c2", "seen down")
	if snap := s.look(t); snap.Accepted.Commit != "c2" || snap.Claims["xivo"].Read {
		t.Errorf("accepted %s, and the claim is read as %+v", snap.Accepted.Commit, snap.Claims["xivo"])
	}
	if c := s.look(t).Claims["xivo"]; !c.Read || c.Tip.Seq != 9 {
		t.Errorf("the next look reads %+v", c)
	}
}

// telephony is the document with the role renamed.
func telephony() string {
	return strings.NewReplacer("role: xivo", "role: telephony", "  xivo:\n", "  telephony:\n").Replace(paris(spec.Standby))
}

// R13: a shared role runs on several nodes, so making it exclusive proves nothing of
// the other side. A role that comes back under its name is no other role.
func TestAPersonMayAcceptWhatChangesARole(t *testing.T) {
	shared := strings.NewReplacer("exclusive: true", "exclusive: false", "side: main,", "", "side: standby,", "").Replace(paris(spec.Main))
	for name, c := range map[string]struct{ first, second, condition string }{
		"renamed":        {paris(spec.Main), telephony(), plan.CondRoleRenamed},
		"made exclusive": {shared, paris(spec.Standby), plan.CondRoleRetyped},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScholar(c.first)
			s.look(t)
			s.git.commit("c2", c.second)
			if snap := s.look(t); snap.Accepted == nil || snap.Accepted.Commit != "c1" || !hasCondition(snap.Conditions, c.condition) {
				t.Fatalf("accepted %+v, conditions %v", snap.Accepted, snap.Conditions)
			}
			s.Override("c2", "")
			if snap := s.look(t); snap.Accepted.Commit != "c1" || !hasCondition(snap.Conditions, c.condition) {
				t.Errorf("accepted %s although nobody stated anything, conditions %v", snap.Accepted.Commit, snap.Conditions)
			}
			s.Override("c2", "seen down")
			if snap := s.look(t); snap.Accepted.Commit != "c2" {
				t.Errorf("accepted %s although a person said so", snap.Accepted.Commit)
			}
		})
	}
}

func TestACommitThatCouldNotBeFetchedIsTriedAgain(t *testing.T) {
	s := newScholar(paris(spec.Main))
	s.git.refuses = errors.New("connection reset")
	if s.look(t).Accepted != nil {
		t.Fatal("accepted what was not fetched")
	}
	s.git.refuses = nil
	if s.look(t).Accepted == nil {
		t.Error("not tried again")
	}
}

func TestAFailedLookKeepsWhatWasKnown(t *testing.T) {
	s := newScholar(paris(spec.Main))
	s.git.claim("k1", ClaimRead{Tip: plan.Tip{Claim: plan.Claim{Seq: 3, Holder: "main"}}, Descends: true})
	first := s.look(t)
	s.git.down = true
	snap := s.look(t)
	if snap.OK || snap.Accepted != first.Accepted || snap.LastRead != first.LastRead {
		t.Errorf("OK %v, accepted %v, last read %v", snap.OK, snap.Accepted, snap.LastRead)
	}
	if c := snap.Claims["xivo"]; !c.Read || c.Reachable || c.Began != first.Began {
		t.Errorf("R7: the read that counts is the last good one: %+v", c)
	}
	if !first.Claims["xivo"].Reachable {
		t.Error("an earlier snapshot was changed")
	}
}

func TestAReadOfTheClaimBeganWhenTheLookBegan(t *testing.T) { // R7
	s := newScholar(paris(spec.Main))
	s.look(t)
	s.clock.pass(time.Second)
	if c := s.look(t).Claims["xivo"]; c.Began != s.clock.boot {
		t.Errorf("began at %s, want %s", c.Began, s.clock.boot)
	}
}

func TestClaimsAreNeverReadFromAMirror(t *testing.T) {
	s := newScholar(paris(spec.Main))
	s.git.mirror = true
	s.git.claim("k1", ClaimRead{Tip: plan.Tip{Claim: plan.Claim{Seq: 3, Holder: "main"}}, Descends: true})
	snap := s.look(t)
	if snap.Accepted == nil || !snap.OK {
		t.Error("a mirror's document counts")
	}
	if c := snap.Claims["xivo"]; c.Known() || c.Reachable {
		t.Errorf("a mirror's claim counts: %+v", c)
	}
	if !hasCondition(snap.Conditions, plan.CondCoordinationUnreachable) {
		t.Error("nobody is told")
	}
}

func TestAClaimThatDoesNotDescendIsNotBelieved(t *testing.T) { // R10
	s := newScholar(paris(spec.Main))
	s.git.claim("k5", ClaimRead{Tip: plan.Tip{Claim: plan.Claim{Seq: 5, Holder: "main"}}, Descends: true})
	s.look(t)
	s.git.restorable = true
	s.git.claim("k9", ClaimRead{Tip: plan.Tip{Claim: plan.Claim{Seq: 9, Holder: "standby"}}})
	c := s.look(t).Claims["xivo"]
	if c.Tip.Seq != 5 || !c.Regressed || c.Server != "k9" || c.ServerSeq != 9 || !c.Restorable {
		t.Errorf("got %+v", c)
	}
	s.git.restorable, s.git.chainErr = false, errors.New("the newest changes are damaged")
	if snap := s.look(t); !hasCondition(snap.Conditions, plan.CondClaimRegressed) || snap.Claims["xivo"].Restorable {
		t.Errorf("nobody is told that it cannot be put back: %+v", snap.Conditions)
	}
	s.git.chainErr = nil
	if snap := s.look(t); hasCondition(snap.Conditions, plan.CondClaimRegressed) {
		t.Errorf("it is still said: %+v", snap.Conditions)
	}
	delete(s.git.refs, plan.ClaimRef("paris", "xivo"))
	if c = s.look(t).Claims["xivo"]; !c.Regressed || c.Server != "" || c.Tip.Seq != 5 {
		t.Errorf("a claim that is gone went back: %+v", c)
	}
	s.git.claim("k10", ClaimRead{Tip: plan.Tip{Claim: plan.Claim{Seq: 10, Holder: "main"}}, Rerooted: true})
	if c = s.look(t).Claims["xivo"]; c.Regressed || c.Tip.Seq != 10 {
		t.Errorf("a person vouched for it: %+v", c)
	}
}

func TestAReportAboveTheClaimIsNoticed(t *testing.T) { // R10
	s := newScholar(paris(spec.Main))
	s.git.claim("k5", ClaimRead{Tip: plan.Tip{Claim: plan.Claim{Seq: 5}}, Descends: true})
	s.git.report("r1", plan.Report{Deployment: "paris", Node: "xivo-standby", Seq: 8})
	if c := s.look(t).Claims["xivo"]; c.Elsewhere != 8 {
		t.Errorf("elsewhere is %d", c.Elsewhere)
	}
}

func TestAReportOnTheWrongRefIsNotBelieved(t *testing.T) {
	s := newScholar(paris(spec.Main))
	s.git.report("r1", plan.Report{Deployment: "paris", Node: "xivo-main", Status: plan.Active})
	snap := s.look(t)
	if snap.Reports["xivo-standby"] != nil || !hasCondition(snap.Conditions, plan.CondReportUnreadable) {
		t.Errorf("got %+v, conditions %v", snap.Reports["xivo-standby"], snap.Conditions)
	}
}

func TestWhatTheDiskRefusedIsSaidAndSavedLater(t *testing.T) {
	s := newScholar(paris(spec.Main))
	s.disk.full = true
	snap := s.look(t)
	if snap.Accepted == nil || !hasCondition(snap.Conditions, plan.CondStateNotSaved) {
		t.Errorf("accepted %v, conditions %v", snap.Accepted, snap.Conditions)
	}
	if snap = s.look(t); !hasCondition(snap.Conditions, plan.CondStateNotSaved) {
		t.Error("it is said once only")
	}
	s.disk.full = false
	if snap = s.look(t); hasCondition(snap.Conditions, plan.CondStateNotSaved) || s.disk.values["accepted"] == nil {
		t.Errorf("it was not saved later: %v", snap.Conditions)
	}
}

func TestADamagedDocumentOnDiskIsLearntAgain(t *testing.T) {
	attack.Row(t, "accident", "the accepted document on disk is damaged", "learnt again from git")
	s := newScholar(paris(spec.Main))
	s.look(t)
	s.disk.damaged["accepted"] = true
	s.restart()
	if s.Snapshot().Accepted != nil {
		t.Error("a damaged document is trusted")
	}
	if s.look(t).Accepted == nil {
		t.Error("it was not learnt again")
	}
}

func TestAnOrderIsAPushOfTheTipItWasDecidedOn(t *testing.T) {
	s := newScholar(paris(spec.Main))
	s.look(t)
	o := Order{Role: "xivo", Push: &plan.Push{Parent: "k1", Claim: plan.Claim{Seq: 2, Action: plan.Take}}}
	if err := s.Carry(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if len(s.git.pushed) != 1 || s.git.pushed[0].Parent != "k1" || s.git.pushed[0].Claim.At != s.clock.wall {
		t.Errorf("pushed %+v", s.git.pushed)
	}
}

// listed is a vault that says when it is listed.
type listed struct {
	*vault
	say func()
}

func (l listed) List(ctx context.Context) (Listing, error) {
	l.say()
	return l.vault.List(ctx)
}

// A claim that is newer than the document would be held against a word that no
// longer stands.
func TestClaimsKeptElsewhereAreListedBeforeTheDocument(t *testing.T) {
	var order []string
	git := newVault(paris(spec.Main))
	say := func(what string) listed { return listed{git, func() { order = append(order, what) }} }
	l := NewLearner(LearnerConfig{Node: "xivo-main", Branch: tip, Path: "deployment.yaml", Repository: say("document"),
		Coordination: say("claims"), Beside: inline, Clock: newStill(), Disk: newShelf(&journal{}), Log: quiet()})
	for range 2 {
		order = nil
		l.Look(t.Context())
		if diff := cmp.Diff([]string{"claims", "document"}, order); diff != "" {
			t.Error(diff)
		}
	}
}

func TestJoinedIsWhereANodeCameToAChain(t *testing.T) { // R13
	first := ClaimRead{Tip: plan.Tip{Claim: plan.Claim{Seq: 1, Holder: "main"}}, Descends: true}
	later := ClaimRead{Tip: plan.Tip{Claim: plan.Claim{Seq: 7, Holder: "main"}}, Descends: true}
	for name, c := range map[string]struct {
		absent bool
		read   ClaimRead
		want   uint64
	}{
		"the creation was seen":      {absent: true, read: first, want: 0},
		"it was there already":       {read: first, want: 1},
		"it is an old one come back": {absent: true, read: later, want: 7},
		"it was there for long":      {read: later, want: 7},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScholar(paris(spec.Main))
			if c.absent {
				s.look(t)
			}
			s.git.claim("k1", c.read)
			if got := s.look(t).Claims["xivo"].Joined; got != c.want {
				t.Errorf("joined at %d, want %d", got, c.want)
			}
			s.git.claim("k2", ClaimRead{Tip: plan.Tip{Claim: plan.Claim{Seq: c.read.Tip.Seq + 1, Holder: "none"}}, Descends: true})
			s.look(t)
			s.restart()
			if got := s.look(t).Claims["xivo"].Joined; got != c.want {
				t.Errorf("joined at %d after a restart, want %d", got, c.want)
			}
		})
	}
}
