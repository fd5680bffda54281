package console

import (
	"strings"
	"testing"
	"time"

	"mainstay/reconcile/fleet"
)

// Deployments are found by how long their most silent node was not heard.
func TestDeploymentsAreFilteredByAge(t *testing.T) {
	old, mute := calm("old"), calm("mute")
	old.Nodes[1].Age = (2 * time.Hour).Seconds()
	mute.Nodes[1].Report = nil
	all := []fleet.Deployment{calm("fresh"), old, mute}
	s := newSite(t, Options{}, &repository{view: viewOf(all...)})
	for age, want := range map[string]string{"": "fresh old mute", "1m0s": "old mute", "1h0m0s": "old mute", "24h0m0s": "mute", "never": "mute", "x": "fresh old mute"} {
		body := s.wants("/?q=&age="+age, "en", "Oldest word", "1 h 00 min or older")
		for _, d := range all {
			if got := strings.Contains(body, `href="/d/`+d.Name+`"`); got != strings.Contains(want, d.Name) {
				t.Errorf("age %q: %s is shown: %t", age, d.Name, got)
			}
		}
	}
}
