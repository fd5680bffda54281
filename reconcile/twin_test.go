package reconcile

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// here is where the agents of these tests read their document.
func here() plan.Source {
	return plan.Source{Repository: "ssh://git@git.example.org/paris.git", Path: "deployment.yaml"}
}

// placed is a learner that knows who it is and where it reads.
func placed(t *testing.T) *scholar {
	t.Helper()
	s := newScholar(paris(spec.Main))
	s.Learner = NewLearner(LearnerConfig{Node: "xivo-main", Branch: tip, Path: "deployment.yaml", Instance: "one", Host: "pbx1", Source: here(),
		Repository: s.git, Coordination: s.git, Shared: true, Beside: inline, Clock: s.clock, Disk: s.disk, Log: quiet()})
	s.look(t)
	return s
}

// says publishes a report of a node, made now, at a commit of its own.
func (s *scholar) says(id, node string, r plan.Report) {
	r.Deployment, r.Node, r.At = "paris", node, s.clock.Wall()
	s.git.refs[plan.ReportRef("paris", node)], s.git.reports[id] = id, r
}

func message(all []plan.Condition, kind string) string {
	for _, c := range all {
		if c.Type == kind {
			return c.Message
		}
	}
	return ""
}

// Two machines whose agents have one name are told by the instance that changes back
// and forth. One that was replaced reported before the new one did, and is no other.
func TestTwoAgentsOfOneNameAreTold(t *testing.T) { // R9
	other := plan.Report{Instance: "two", Host: "pbx2", Status: plan.Active}
	own := plan.Report{Instance: "one", Host: "pbx1", Status: plan.Held}
	ended := other
	ended.Ended = true
	for name, c := range map[string]struct {
		said []plan.Report
		then time.Duration
		twin bool
	}{
		"this one alone":                    {said: []plan.Report{own, own}},
		"this one replaced another":         {said: []plan.Report{other, own, own}},
		"the other one came after this one": {said: []plan.Report{own, other}, twin: true},
		"the other one goes on":             {said: []plan.Report{other, other}, twin: true},
		"they change back and forth":        {said: []plan.Report{other, own, other, own}, twin: true},
		"the other one ended":               {said: []plan.Report{own, other, ended}},
		"that was long ago":                 {said: []plan.Report{own, other, own}, then: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			s := placed(t)
			for i, r := range c.said {
				s.says(name+string(rune('a'+i)), "xivo-main", r)
				s.look(t)
			}
			s.clock.pass(c.then)
			snap := s.look(t)
			text := message(snap.Conditions, plan.CondTwoAgents)
			if snap.Twin != c.twin || (text != "") != c.twin {
				t.Errorf("twin %v: %s", snap.Twin, text)
			}
			if c.twin && (!strings.Contains(text, "two agents call themselves xivo-main") || !strings.Contains(text, "pbx1") ||
				!strings.Contains(text, "pbx2") || strings.Contains(text, "adopt")) {
				t.Error(text)
			}
		})
	}
}

// lyon is a node of another document that is called paris too.
func lyon(repository string) plan.Report {
	return plan.Report{Instance: "lyon", Host: "lyon1", Status: plan.Active, Seen: "f00", Accepted: "f00", Repository: repository, Path: "lyon.yaml"}
}

// Two repositories that share one place of coordination may each have a document of
// one name. Whoever finds the claim held by the other one's node names both, and
// changes no claim: a failover of one would stop the other.
func TestADocumentOfTheSameNameInAnotherRepositoryIsToldAndTakesNoClaim(t *testing.T) {
	const elsewhere = "https://git.example.org/lyon.git"
	held := func(s *scholar, id string) {
		s.git.claim(id, ClaimRead{Tip: plan.Tip{Claim: plan.Claim{Seq: 1, Holder: "main", Node: "lyon-main", Instance: "lyon"}}, Descends: true})
	}
	renamed := lyon(elsewhere)
	renamed.Seen = "c1"
	for name, c := range map[string]struct {
		set    func(*scholar)
		shared bool
	}{
		"its node holds the claim": {func(s *scholar) { s.says("r1", "lyon-main", lyon(elsewhere)); held(s, "k1") }, true},
		"its node had this name": {func(s *scholar) {
			s.says("r1", "xivo-main", plan.Report{Instance: "one"})
			s.look(t)
			s.says("r2", "xivo-main", lyon(elsewhere))
		}, true},
		"it reported long ago, and does so now": {func(s *scholar) {
			s.says("r1", "lyon-main", lyon(elsewhere))
			held(s, "k1")
			s.clock.pass(time.Hour)
			s.look(t)
			s.says("r2", "lyon-main", lyon(elsewhere))
		}, true},
		"it is dead": {func(s *scholar) {
			s.says("r1", "lyon-main", lyon(elsewhere))
			held(s, "k1")
			s.clock.pass(time.Hour)
		}, false},
		"a renamed node reads this repository": {func(s *scholar) { s.says("r1", "lyon-main", renamed); held(s, "k1") }, false},
		"it is this repository, spelled otherwise": {func(s *scholar) {
			s.says("r1", "lyon-main", lyon("https://ops@GIT.example.org:443/paris/"))
			held(s, "k1")
		}, false},
		"an agent that does not say": {func(s *scholar) { s.says("r1", "lyon-main", lyon("")); held(s, "k1") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := placed(t)
			c.set(s)
			snap := s.look(t)
			text := message(snap.Conditions, plan.CondNameShared)
			err := s.Carry(t.Context(), Order{Role: "xivo", Push: &plan.Push{}})
			if (text != "") != c.shared || (err != nil) != c.shared || len(s.git.pushed) > 0 == c.shared {
				t.Errorf("%q, carried: %v, pushed %d", text, err, len(s.git.pushed))
			}
			if c.shared && (!strings.Contains(text, here().String()) || !strings.Contains(text, "lyon.yaml of "+elsewhere)) {
				t.Error(text)
			}
		})
	}
}

// twice is a repository with two documents of one name.
type twice struct{ folders }

func (f twice) Revision(context.Context, string, string) (Revision, error) { return f, nil }

// Files lists the paths.
func (f twice) Files() ([]string, error) { return slices.Sorted(maps.Keys(f.files)), nil }

func TestTwoDocumentsOfOneNameInOneRepositoryAreRefused(t *testing.T) { // R13
	git := twice{folders{newVault(""), map[string]string{"paris.yaml": paris(spec.Main), "lyon.yaml": paris(spec.Main)}}}
	snap := NewLearner(LearnerConfig{Node: "xivo-main", Branch: tip, Path: "lyon.yaml", Repository: git, Coordination: git.vault,
		Shared: true, Beside: inline, Clock: newStill(), Disk: newShelf(&journal{}), Log: quiet()}).Look(t.Context())
	text := message(snap.Conditions, plan.CondDocumentInvalid)
	if snap.Accepted != nil || !strings.Contains(text, "lyon.yaml:3:7: name: paris.yaml names its deployment paris too") {
		t.Errorf("accepted %v: %s", snap.Accepted != nil, text)
	}
}
