package fleet

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// That nobody serves is said first, with who sees it: silence of a node is no proof
// (R4), and a node that was heard since it fell silent may serve.
func TestNobodyServes(t *testing.T) {
	read := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	active := plan.Report{Side: spec.Main, Status: plan.Active, Running: true, At: read.Add(-4 * time.Minute), Since: read.Add(-time.Hour)}
	down := plan.Report{Side: spec.Main, Status: plan.Failed, At: read, Since: read.Add(-time.Minute)}
	quiet := plan.Report{Side: spec.Standby, Status: plan.Inactive, At: read, Since: read.Add(-time.Hour)}
	sees := quiet
	sees.Conditions = []plan.Condition{{Type: plan.CondWitnessSilent, Since: read.Add(-20 * time.Second)}}
	const back = "if main cannot be mended soon: `mainstay failover --to standby` shows what would happen, and asks"
	for _, c := range []struct {
		name          string
		main, standby plan.Report
		outage, way   string
	}{
		{name: "main serves", main: active, standby: quiet},
		{name: "main says that it is down", main: down, standby: quiet, outage: "nobody serves web, since 2030-01-01 11:59:00Z", way: back},
		{name: "main is dead, and its last word fresh", main: active, standby: sees,
			outage: "nobody serves web, since 2030-01-01 11:59:40Z, as far as s sees: m does not answer", way: back},
		{name: "only the standby cannot reach main", main: change(active, func(r *plan.Report) { r.At = read.Add(time.Minute) }), standby: sees},
		{name: "main was not heard for long", main: change(active, func(r *plan.Report) { r.At = read.Add(-12 * time.Minute) }), standby: quiet,
			outage: "nobody is known to serve web: m served, and was last heard 12m ago", way: back},
		{name: "the standby was not heard for long", main: down, standby: change(quiet, func(r *plan.Report) { r.At = read.Add(-12 * time.Minute) })},
		{name: "main is coming up", main: change(down, func(r *plan.Report) { r.Status = plan.Activating }), standby: quiet,
			outage: "nobody serves web, since 2030-01-01 11:59:00Z", way: "m is Activating: `mainstay status --watch` shows how far it is"},
		{name: "standby is going down", main: change(down, func(r *plan.Report) { r.Status = plan.Held }),
			standby: change(quiet, func(r *plan.Report) { r.Status = plan.Deactivating }),
			outage:  "nobody serves web, since 2030-01-01 11:59:00Z", way: "s is Deactivating: `mainstay status --watch` shows how far it is"},
		{name: "main is paused", main: change(down, func(r *plan.Report) { r.Status, r.Paused = plan.Paused, true }), standby: quiet,
			outage: "nobody serves web, since 2030-01-01 11:59:00Z", way: "m is paused: `mainstay resume` on it lets it serve"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Deployment{Name: "paris", Active: spec.Main, Nodes: []Node{
				{Name: "m", Role: "web", Side: spec.Main, Report: &c.main}, {Name: "s", Role: "web", Side: spec.Standby, Report: &c.standby}}}
			v := View{Read: read, Coordinated: true, Deployments: []Deployment{d}}
			v.judge()
			d = v.Deployments[0]
			var outages, ways []string
			if c.outage != "" {
				outages = []string{c.outage}
			}
			if c.way != "" {
				ways = []string{c.way}
			}
			if diff := cmp.Diff(outages, d.Outages) + cmp.Diff(ways, d.Ways); diff != "" {
				t.Error(diff)
			}
			if c.outage != "" && (d.OK || v.OK) {
				t.Error("all is said to be well")
			}
		})
	}
}

func change(r plan.Report, by func(*plan.Report)) plan.Report {
	by(&r)
	return r
}
