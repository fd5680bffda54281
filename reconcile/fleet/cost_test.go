package fleet

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"mainstay/e2e/made"
	"mainstay/reconcile/git"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// A place of claims may be that of many repositories: what nodes say below names that this
// one does not have is looked through once, not once for every deployment of it.
func TestNamesThatNobodyHasAreLookedThroughOnce(t *testing.T) {
	const many = 1000
	s := &Source{reports: map[string]plan.Report{}, tips: map[string]plan.Tip{}, beats: map[string]beat{}, now: time.Now}
	v, own := &View{Commit: "c1"}, refsOf{}
	nodes := map[string]spec.Node{"xivo-main": {}, "xivo-standby": {}, "cc-main": {}, "cc-standby": {}, "edge": {}}
	for i := range many {
		d := Deployment{Name: fmt.Sprintf("here-%d", i), Spec: &spec.Deployment{Nodes: nodes}}
		there := fmt.Sprintf("there-%d", i)
		own[git.RefsOf(there)] = git.Refs{}
		for node := range nodes {
			d.Nodes = append(d.Nodes, Node{Name: node})
			ref := git.ReportRef(there, node)
			own[git.RefsOf(there)][ref] = ref
			s.reports[ref] = plan.Report{Deployment: there, Node: node, Seen: "c2"}
		}
		v.Deployments = append(v.Deployments, d)
	}
	began := time.Now()
	s.renamed(t.Context(), v, own)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %s", took)
	}
}

// The page looks for months, and every report is a commit of its own: what was read is kept
// only while a ref is there.
func TestWhatIsOnNoRefAnyMoreIsNotKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "voice.git")
	if _, err := made.New(dir, time.Now(), made.Site{Name: "paris", State: made.Fine}); err != nil {
		t.Fatal(err)
	}
	for _, deployment := range []string{"", "paris"} {
		s, err := Open(Location{URL: dir, Branch: "main", Deployment: deployment})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, err := s.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
		reports, tips, beats := len(s.reports), len(s.tips), len(s.beats)
		for i := range 1000 {
			s.reports[fmt.Sprint(i)], s.tips[fmt.Sprint(i)], s.beats[fmt.Sprint(i)] = plan.Report{}, plan.Tip{}, beat{}
		}
		v, err := s.Read(t.Context())
		if err != nil || v.Deployments[0].Nodes[0].Report == nil {
			t.Fatalf("%v: %+v", err, v)
		}
		if len(s.reports) != reports || len(s.tips) != tips || len(s.beats) != beats || reports == 0 || beats == 0 {
			t.Errorf("of %q: %d reports, %d claims and %d beats are kept", deployment, len(s.reports), len(s.tips), len(s.beats))
		}
	}
}
