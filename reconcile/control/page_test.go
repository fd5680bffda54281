package control

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"mainstay/e2e/attack"
	"mainstay/reconcile/plan"
)

// A person who comes by a browser sees what the node is, and nothing can be done there.
func TestTheAgentsPortHasAPage(t *testing.T) {
	n := ctlServing(t)
	w := newAnswer()
	n.handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	h, body := w.Header(), w.Body.String()
	if w.Code != http.StatusOK || !strings.Contains(body, "<h1>xivo-main: Active</h1>") || !strings.Contains(body, "service asterisk") {
		t.Errorf("%d %s", w.Code, body)
	}
	if policy := h.Get("Content-Security-Policy"); strings.Contains(policy, "unsafe") || !strings.Contains(policy, "frame-ancestors 'none'") || h.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", h)
	}
	if code, _ := get(n.handler(), "/nothing"); code != http.StatusNotFound {
		t.Errorf("another address answers %d", code)
	}
}

func TestTheAgentsPageShowsForeignTextAsText(t *testing.T) {
	attack.Row(t, "web page", "markup and escape sequences in what a node says, on its own port", "shown as text")
	bad := "</td><script>alert(1)</script>\u202e\x1b[2J"
	body := pageOf(plan.Report{Node: bad, Status: plan.Status(bad), Reason: bad, Applied: bad,
		Services: []plan.ServiceReport{{Name: bad, Reason: bad}}, Checks: []plan.CheckReport{{Name: bad, Output: bad}}, Conditions: []plan.Condition{{Type: bad, Message: bad}}})
	for _, s := range []string{"<script", "\u202e", "\x1b"} {
		if strings.Contains(body, s) {
			t.Errorf("it carries %q: %s", s, body)
		}
	}
}
