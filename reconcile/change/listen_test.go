package change

import (
	"context"
	"testing"
	"time"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// Whether a side that is to be stated off still reports is seen by looking again:
// that needs no clock but this machine's (R4, fenced).
func TestASideIsListenedTo(t *testing.T) {
	read := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	beating := &spec.Deployment{Agent: spec.AgentSettings{Heartbeat: spec.Duration(time.Millisecond)}}
	for _, c := range []struct {
		name         string
		spec         *spec.Deployment
		movesAt      int
		moved, quiet bool
	}{
		{"it reports at the third look", beating, 3, true, false},
		{"it does not for longer than it is ever silent", beating, 0, false, true},
		{"it does not, and need not yet", nil, 0, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			looks := 0
			look := func(context.Context) (*fleet.View, *fleet.Deployment, error) {
				looks++
				n := fleet.Node{Name: "m", Side: spec.Main, Stale: true, Report: &plan.Report{Status: plan.Active, Running: true}}
				if looks == c.movesAt {
					n.Moved = read
				}
				return &fleet.View{}, &fleet.Deployment{Spec: c.spec, Nodes: []fleet.Node{n}}, nil
			}
			tick := make(chan time.Time, 2)
			tick <- read
			tick <- read
			bound := 50 * time.Millisecond
			if c.movesAt > 0 {
				bound = time.Minute
			}
			_, d, err := Listen(t.Context(), look, spec.Main, bound, tick)
			if err != nil || d.Nodes[0].Moved.IsZero() == c.moved || d.Nodes[0].Silent != c.quiet {
				t.Errorf("%v, %+v", err, d.Nodes[0])
			}
		})
	}
}

func TestOnlyASilentSideThatServedIsListenedTo(t *testing.T) {
	serves := &plan.Report{Status: plan.Active, Running: true}
	for name, c := range map[string]struct {
		node fleet.Node
		want bool
	}{
		"silent":                     {fleet.Node{Side: spec.Main, Stale: true, Report: serves}, true},
		"heard":                      {fleet.Node{Side: spec.Main, Report: serves}, false},
		"silent on the other side":   {fleet.Node{Side: spec.Standby, Stale: true, Report: serves}, false},
		"silent, and it was at rest": {fleet.Node{Side: spec.Main, Stale: true, Report: &plan.Report{Status: plan.Inactive}}, false},
		"never heard":                {fleet.Node{Side: spec.Main, Stale: true}, false},
	} {
		if got := Listens(&fleet.Deployment{Nodes: []fleet.Node{c.node}}, spec.Main); got > 0 != c.want || got > ListenFor {
			t.Errorf("%s: listens for %s", name, got)
		}
	}
}
