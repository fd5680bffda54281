package fleet

import (
	"fmt"
	"testing"
	"time"

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
