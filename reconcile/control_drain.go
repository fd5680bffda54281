package reconcile

import (
	"context"

	"mainstay/reconcile/plan"
)

// check returns a Misused for an order that does not end a drain.
func (r DrainRequest) check() error {
	if !r.End {
		return &Misused{Reason: "a drain begins with a commit that moves the service away, and in no other way",
			Advice: "--end ends one that is under way"}
	}
	return nil
}

// drain ends the wait for calls: the planned stop goes on at once, and everything
// after it is as it would have been (R2).
func (c *Control) drain(ctx context.Context, r DrainRequest) (Answer, error) {
	if err := r.check(); err != nil {
		return Answer{}, err
	}
	_, err := c.do(ctx, (*Actuator).mayEndDrain, func(a *Actuator) error {
		a.Log.Warn("drain ended by a person", "was", a.last.Reason)
		a.endDrain = true
		return nil
	})
	if err != nil {
		return Answer{}, err
	}
	return c.answer("the drain has ended; the services stop now", nil), nil
}

// mayEndDrain returns a Refused when nothing drains, or when nothing would come
// of the order.
func (a *Actuator) mayEndDrain() error {
	switch {
	case a.doc == nil:
		return refusef(plan.R2, "", "no document was accepted on this node yet, so nothing drains")
	case a.mem.Stage != plan.StageDraining:
		return refusef(plan.R2, "", "nothing drains on this node: it is %s: %s", a.last.Status, a.last.Reason)
	case a.activePause() != nil:
		return refusef(plan.R11, "run mainstay resume first", "this node is paused: %s", a.pause.Reason)
	case a.doc.Paused:
		return refusef(plan.R11, "commit a document that does not pause it", "the document pauses this node: %s", a.doc.Reason)
	}
	return nil
}
