package fleet

import (
	"strings"
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// Who reports or holds a claim and is not in the document is told: it would not be
// seen at all otherwise.
func TestWhoTheDocumentDoesNotNameIsTold(t *testing.T) {
	read := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	report := func(name string, age time.Duration) Node {
		return Node{Name: name, Report: &plan.Report{Node: name, Status: plan.Unknown, At: read.Add(-age),
			Reason: "no document was accepted yet: deployment.yaml has no node \"" + name + "\""}}
	}
	held := Claim{Tip: plan.Tip{Claim: plan.Claim{Seq: 4, Holder: plan.HeldBy(spec.Main), Node: "old"}}}
	d := Deployment{Name: "paris", Spec: &spec.Deployment{Nodes: map[string]spec.Node{"m": {}}}, Claims: map[string]Claim{"web": held},
		strangers: []Node{report("copied", time.Second), report("gone", 48*time.Hour)},
		left:      []string{"m of main holds the claim of cc"}}
	v := View{Read: read, Coordinated: true, Deployments: []Deployment{d}}
	v.judge()
	all := strings.Join(v.Deployments[0].Findings, "\n")
	for _, want := range []string{"old holds the claim of web, and the document does not name it",
		"an agent calls itself copied, and the document has no such node; it is Unknown: no document was accepted yet", "holds the claim of cc"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	if strings.Contains(all, "gone") || v.OK {
		t.Errorf("ok %v:\n%s", v.OK, all)
	}
}

// Two repositories that share one place of coordination may each have a document of
// one name: both are named. A renamed node of this repository is not of another one,
// however the repository is spelled.
func TestADocumentOfTheSameNameInAnotherRepositoryIsTold(t *testing.T) {
	read := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		repository, seen string
		shared           bool
	}{
		"another repository":     {"ssh://git@h/lyon.git", "f00", true},
		"this one":               {"ssh://git@h/paris", "f00", false},
		"this one, spelled so":   {"https://h/paris", "c1", false},
		"an agent does not tell": {"", "f00", false},
	} {
		t.Run(name, func(t *testing.T) {
			d := Deployment{Name: "paris", Path: "deployment.yaml", Spec: &spec.Deployment{Nodes: map[string]spec.Node{"m": {}}}, strangers: []Node{
				{Name: "lyon-main", Report: &plan.Report{Status: plan.Active, At: read, Seen: c.seen, Repository: c.repository, Path: "lyon.yaml"}}}}
			v := View{Read: read, Coordinated: true, Repository: "git@h:paris.git", Commit: "c1", Deployments: []Deployment{d}}
			v.judge()
			all := strings.Join(v.Deployments[0].Findings, "\n")
			want := "two documents are called paris and share its claims: this one, deployment.yaml of git@h:paris.git, and lyon.yaml of " + c.repository
			if strings.Contains(all, want) != c.shared || v.OK {
				t.Errorf("ok %v:\n%s", v.OK, all)
			}
		})
	}
}

// An agent that goes by no document looks at no service: that it reports none running
// is no word that nothing runs (R2).
func TestAnAgentWithoutADocumentSaysNothingOfServices(t *testing.T) {
	read := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	d := Deployment{Name: "paris", Active: spec.Main, Nodes: []Node{
		{Name: "m", Role: "web", Side: spec.Main, Report: &plan.Report{At: read, Status: plan.Unknown, Reason: "no document was accepted yet"}},
		{Name: "s", Role: "web", Side: spec.Standby, Report: &plan.Report{At: read, Status: plan.Inactive}}}}
	v := View{Read: read, Coordinated: true, Deployments: []Deployment{d}}
	v.judge()
	if d := v.Deployments[0]; len(d.Outages) > 0 || !d.MayServe(d.Nodes[0]) || d.OK {
		t.Errorf("outages %q, may serve %v, ok %v", d.Outages, d.MayServe(d.Nodes[0]), d.OK)
	}
}
