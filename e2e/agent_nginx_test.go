//go:build e2e

package e2e

import (
	"strings"
	"testing"
)

// refusesAConfiguration pushes a template that renders what nginx does not
// accept. Users notice nothing, the operator reads nginx's own words, and the
// next good commit goes through.
func refusesAConfiguration(t *testing.T, s *site) {
	const upstream = "/etc/nginx/conf.d/upstream.conf"
	edge := s.nodes["edge"]
	before := edge.Must(t, "cat", upstream)
	workers := edge.Must(t, "pgrep", "-f", "nginx: worker")
	end := traffic(t, "http://"+edge.IP()+"/")

	template := "templates/edge-upstream.conf"
	s.commit("A configuration that is not one", map[string]string{
		template: strings.Replace(upstreamTemplate, "}\n", "\tbogus on;\n}\n", -1),
	})
	r := s.awaitStatus("edge", "Failed")
	for _, text := range []string{r.Reason, r.condition("FileRefused")} {
		if !strings.Contains(text, `unknown directive "bogus" in `+upstream) {
			t.Errorf("edge does not quote nginx: %q", text)
		}
	}
	if got := edge.Must(t, "cat", upstream); got != before {
		t.Errorf("the configuration became %q", got)
	}
	if got := edge.Must(t, "pgrep", "-f", "nginx: worker"); got != workers {
		t.Errorf("nginx was reloaded: workers %q, then %q", workers, got)
	}
	edge.Must(t, "nginx", "-t")

	var commit string
	timed(t, "the next good commit is applied", func() {
		commit = s.commit("One that is", map[string]string{template: "# by address\n" + upstreamTemplate})
		s.awaitApplied("edge", "Active", commit)
	})
	if got := edge.Must(t, "cat", upstream); got != "# by address\n"+before {
		t.Errorf("the configuration is %q", got)
	}
	answers := end()
	t.Logf("a client in a loop was answered %v", answers)
	if len(answers) != 1 || answers["200 OK"] < 50 {
		t.Errorf("traffic was not answered all the time: %v", answers)
	}
}
