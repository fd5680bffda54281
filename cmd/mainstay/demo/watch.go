package demo

import (
	"context"
	"sync"
	"time"

	"mainstay/reconcile/control"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
)

// lookEvery is how often the demo asks the agents how they are.
const lookEvery = 100 * time.Millisecond

// statuses asks every agent for its status. An agent that does not answer is
// Unknown.
func statuses(ctx context.Context, p *layout) []plan.Report {
	nodes := p.nodes()
	out := make([]plan.Report, len(nodes))
	var wg sync.WaitGroup
	for i, n := range nodes {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			s, err := control.NewClient(p.socket(n.Name), service.SystemClock{}.Boot).Status(ctx)
			out[i] = s.Node
			if err != nil {
				out[i] = plan.Report{Node: n.Name, Status: plan.Unknown, Reason: err.Error()}
			}
		})
	}
	wg.Wait()
	return out
}

// converged reports whether every node is as a commit says.
func converged(rs []plan.Report, commit string) bool {
	for _, r := range rs {
		if r.Applied != commit {
			return false
		}
	}
	return true
}

// await looks until every node is as a commit says, and shows each look.
func await(ctx context.Context, p *layout, commit string, show func([]plan.Report)) ([]plan.Report, error) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		rs := statuses(ctx, p)
		show(rs)
		if converged(rs, commit) {
			return rs, nil
		}
		select {
		case <-ctx.Done():
			return rs, ctx.Err()
		case <-tick.C:
		}
	}
}
