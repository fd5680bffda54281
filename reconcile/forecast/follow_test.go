package forecast

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// chained is a deployment in which a follows b, and b follows c, and a shared node
// follows each of b and c.
const chained = `
apiVersion: mainstay/v1
kind: Deployment
name: paris
active: SIDE
handover: { unconfirmed: UNCONFIRMED }
nodes:
  a1: { role: a, side: main }
  a2: { role: a, side: standby }
  b1: { role: b, side: main }
  b2: { role: b, side: standby }
  c1: { role: c, side: main }
  c2: { role: c, side: standby }
  sb: { role: sharedb }
  sc: { role: sharedc }
roles:
  c: { exclusive: true, services: [{ name: one, systemd: one.service, stopTimeout: 10s, startTimeout: 20s }] }
  b: { exclusive: true, follows: c, services: [{ name: one, systemd: one.service, stopTimeout: 10s, startTimeout: 20s }] }
  a: { exclusive: true, follows: b, services: [{ name: one, systemd: one.service, stopTimeout: 10s, startTimeout: 20s }] }
  sharedb: { follows: b }
  sharedc: { follows: c }
`

// chain is the switch of such a deployment, of which the nodes in silent were never
// heard.
func chain(t *testing.T, unconfirmed string, silent ...string) *Forecast {
	t.Helper()
	load := func(side string) *spec.Deployment {
		text := strings.NewReplacer("SIDE", side, "UNCONFIRMED", unconfirmed).Replace(chained)
		d, problems := spec.Load("d.yaml", []byte(text), nil)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return d
	}
	from := load("main")
	now := &fleet.Deployment{Name: "paris", Claims: map[string]fleet.Claim{}}
	for _, role := range []string{"a", "b", "c"} {
		now.Claims[role] = fleet.Claim{Tip: plan.Tip{ID: "x", Claim: plan.Claim{Seq: 1, Holder: "main"}}}
	}
	for _, name := range from.NodeNames() {
		n := fleet.Node{Name: name, Report: &plan.Report{Status: plan.Active, Running: true}}
		if slices.Contains(silent, name) {
			n.Report, n.Stale = nil, true
		}
		now.Nodes = append(now.Nodes, n)
	}
	return Of(Input{From: from, To: load("standby"), Now: now, Coordinated: true})
}

// What follows starts once the role that it follows is Active, so that one's bound
// is part of its own.
func TestABoundCountsTheRolesThatAreWaitedFor(t *testing.T) {
	got := map[string]float64{}
	var order []string
	for _, h := range chain(t, "start").Handovers {
		got[h.Role] = h.Longest
		order = append(order, h.Role)
	}
	if diff := cmp.Diff(map[string]float64{"c": 30, "b": 60, "a": 90}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"c", "b", "a"}, order); diff != "" {
		t.Error(diff)
	}
	for _, h := range chain(t, "hold", "c1").Handovers {
		if h.Longest != 0 {
			t.Errorf("%s waits for a person, and is to be over after %v s", h.Role, h.Longest)
		}
	}
}

// A shared node points at the new side once the role that it follows is Active
// there, whatever follows that role too.
func TestSharedNodesComeAfterTheRoleThatTheyFollow(t *testing.T) {
	var got []string
	for _, s := range chain(t, "start").Steps {
		if s.Do == DoTake || s.Do == DoPoint {
			got = append(got, string(s.Do)+" "+s.Node)
		}
	}
	if diff := cmp.Diff([]string{"take c2", "point sc", "take b2", "point sb", "take a2"}, got); diff != "" {
		t.Error(diff)
	}
}
