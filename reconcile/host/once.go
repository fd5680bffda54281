package host

import (
	"context"
	"errors"
	"time"

	"mainstay/reconcile/plan"
)

// settleTime bounds how long Once waits for what it began.
const settleTime = 2 * time.Minute

// Once looks at git, makes one pass, carries out what it decided and waits
// until the operations it began have ended. It returns the report then, or
// ErrStateInUse beside a running agent.
func (n *Node) Once(ctx context.Context) (plan.Report, error) {
	release, err := n.alone()
	if err != nil {
		return plan.Report{}, err
	}
	defer release()
	r, err := n.once(ctx)
	return r, errors.Join(err, n.endLease())
}

func (n *Node) once(ctx context.Context) (plan.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	n.actuator.See(n.learner.LookWhole(ctx))
	n.services.Look(ctx)
	order, _ := n.actuator.Pass()
	if !order.Empty() {
		if err := n.learner.Carry(ctx, order); err != nil {
			n.log.Warn("claim push", "error", err)
		}
		n.actuator.See(n.learner.LookWhole(ctx))
	}
	n.settled(ctx)
	r := n.actuator.Report()
	if n.publish == nil {
		return r, ctx.Err()
	}
	if n.publish.Offer(r, false); !n.publish.Due() {
		return r, ctx.Err()
	}
	return r, n.publish.Publish(ctx)
}

// settled waits until no operation on a service is under way.
func (n *Node) settled(ctx context.Context) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		busy := false
		for _, o := range n.services.Observed() {
			busy = busy || o.Op != plan.OpNone
		}
		if !busy {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}
