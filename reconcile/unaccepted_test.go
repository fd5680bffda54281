package reconcile

import (
	"strings"
	"testing"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// An agent that never accepted a document says so where people look: its report tells
// why, and nothing that another node could take for a proof.
func TestAnAgentThatNeverAcceptedADocumentReportsWhy(t *testing.T) {
	for name, c := range map[string]struct{ document, reason string }{
		"a word is wrong":          {strings.Replace(paris(spec.Main), "active: main", "active: mian", 1), "mian"},
		"the node is not in it":    {strings.ReplaceAll(paris(spec.Main), "xivo-main", "other"), `has no node "xivo-main"`},
		"no name of a deployment":  {strings.Replace(paris(spec.Main), "name: paris", "name: a/claim/b", 1), ""},
		"the document was emptied": {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHand(t)
			h.git.commit("c2", c.document)
			h.pass()
			r := h.Report()
			if (r.Deployment == "paris") != (c.reason != "") || !strings.Contains(r.Reason, c.reason) {
				t.Errorf("of %q: %s", r.Deployment, r.Reason)
			}
			if r.Status != plan.Unknown || r.Ready || r.Running || r.Accepted != "" || r.Seq != 0 || len(r.Services) > 0 {
				t.Errorf("it says more than it knows: %+v", r)
			}
		})
	}
}
