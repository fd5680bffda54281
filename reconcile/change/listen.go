package change

import (
	"context"
	"time"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// ListenFor is for how long a side that is to be stated off is listened to.
const ListenFor = 10 * time.Second

// Listens says for how long to listen to a side before it is stated to be off, zero
// when it need not be: its nodes were heard, or their last word was that they do not
// serve. How old a report is goes by two clocks; that it moves needs none.
func Listens(d *fleet.Deployment, side spec.Side) time.Duration {
	for _, n := range d.Nodes {
		if n.Side == side && side != "" && n.Stale && n.Report != nil && (n.Report.Running || n.Report.Status == plan.Active) {
			return min(ListenFor, fleet.Beat(d.Spec)+time.Second)
		}
	}
	return 0
}

// Listen looks at every tick until a silent node of a side reports, or until bound
// is over, and returns what it saw last. A node that did not report for as long as
// it has to counts as silent, whatever its clock.
func Listen(ctx context.Context, look Look, side spec.Side, bound time.Duration, tick <-chan time.Time) (*fleet.View, *fleet.Deployment, error) {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	v, d, err := look(ctx)
	for err == nil {
		if heard(d, side) {
			return v, d, nil
		}
		select {
		case <-ctx.Done():
			for i, n := range d.Nodes {
				d.Nodes[i].Silent = n.Side == side && n.Moved.IsZero() && bound > fleet.Beat(d.Spec)
			}
			return v, d, nil
		case <-tick:
		}
		next, deployment, e := look(ctx)
		if e != nil && ctx.Err() != nil {
			continue
		}
		v, d, err = next, deployment, e
	}
	return nil, nil, err
}

func heard(d *fleet.Deployment, side spec.Side) bool {
	for _, n := range d.Nodes {
		if n.Side == side && !n.Moved.IsZero() {
			return true
		}
	}
	return false
}
