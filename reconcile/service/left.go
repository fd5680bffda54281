package service

import (
	"context"
	"fmt"

	"mainstay/reconcile/plan"
)

// StopOnly drives a service that this node started once and may not start any
// more: it is observed and stopped.
type StopOnly struct{ Driver }

// Start is refused.
func (StopOnly) Start(context.Context) error {
	return fmt.Errorf("%w: this node may only stop it: it is in no document any more, or agent.yaml does not allow it any more", ErrRefused)
}

// StopByHand is the driver's own.
func (s StopOnly) StopByHand() string {
	if h, ok := s.Driver.(ByHand); ok {
		return h.StopByHand()
	}
	return ""
}

// Unseen drives what cannot be observed: it is down only while Why, which says
// why it cannot, returns nil.
type Unseen struct {
	Why    func() error
	ByHand string
}

// Observe answers RunUnsure, or Stopped.
func (u Unseen) Observe(ctx context.Context) (State, error) {
	if err := Ended(ctx); err != nil {
		return State{Run: plan.RunUnsure}, err
	}
	if err := u.Why(); err != nil {
		return State{Run: plan.RunUnsure, Detail: err.Error()}, nil
	}
	return State{Run: plan.Stopped}, nil
}

// Start is refused.
func (u Unseen) Start(ctx context.Context) error { return StopOnly{}.Start(ctx) }

// Stop does nothing, and is an error until it is seen down.
func (u Unseen) Stop(ctx context.Context) error {
	if err := Ended(ctx); err != nil {
		return err
	}
	return u.Why()
}

// StopByHand is what a person does instead.
func (u Unseen) StopByHand() string { return u.ByHand }

// Watch has no events: the Manager looks from time to time.
func (u Unseen) Watch(ctx context.Context, wake func()) error {
	wake()
	<-ctx.Done()
	return ctx.Err()
}
