package reconcile

import (
	"context"
	"time"

	"mainstay/reconcile/plan"
)

// firstPatience is how long the first pass waits for the first look.
const firstPatience = 2*DefaultTimeout + time.Second

// firstPass is how long the first pass may wait for a look at git. What was kept
// of a lease does not wait: one that has ended, or that nothing is known of, is
// obeyed at once, also by an agent that dies before git answers (R7).
func (a *Actuator) firstPass(kept *Snapshot) time.Duration {
	for _, v := range kept.Claims {
		if !a.leased(kept, v.Tip) {
			continue
		}
		if v = a.withLease(v); v.Began == 0 {
			return 0
		}
		return a.patience()
	}
	lease := kept.Accepted != nil && kept.Accepted.Deployment.Handover.Lease > 0
	switch {
	case !a.watch.None():
		return a.patience()
	case len(kept.Claims) == 0 && lease && a.mem.Stage != plan.StageIdle: // no disk knows the claim
		return 0
	}
	return firstPatience
}

// patience is how long the first pass may wait under a lease that is known.
func (a *Actuator) patience() time.Duration {
	return min(firstPatience, max(0, a.watch.Until-a.Clock.Boot()))
}

// leased reports whether a claim that was kept is of this very agent and carries
// a lease, or its document asks for one.
func (a *Actuator) leased(kept *Snapshot, t plan.Tip) bool {
	doc := kept.Accepted != nil && kept.Accepted.Deployment.Handover.Lease > 0
	return !t.Free() && t.Instance == a.Instance && (doc || t.Lease > 0)
}

// recallLease takes over what an earlier run of the agent told the guard under
// this boot.
func (a *Actuator) recallLease() {
	if a.Leases == nil {
		return
	}
	if w := a.Leases.Recall(); w.Boot == a.Boot {
		a.watch = w
	}
}

// withLease adds to a claim that this run has not read when an earlier one read
// this very tip, or what is known no more (R7): an agent that is replaced within its
// lease goes on.
func (a *Actuator) withLease(v plan.ClaimView) plan.ClaimView {
	if !v.Read && !a.watch.None() && (v.Tip.ID == "" || a.watch.Claim == v.Tip.ID) {
		v.Began = a.watch.Began
	}
	return v
}

// tellGuard says until when the lease is good, before anything starts under it.
func (a *Actuator) tellGuard() {
	w := plan.WatchOf(&a.in, a.mem, a.watch)
	if a.Leases == nil || w == a.watch && a.untold == "" {
		a.watch = w
		return
	}
	a.watch, a.untold = w, ""
	if err := a.Leases.Tell(w); err != nil {
		a.untold = err.Error()
		a.Log.Error("the guard does not know of the lease", "error", err)
	}
}

// sayGuard tells that nobody would stop the services in the agent's place.
func (a *Actuator) sayGuard(r *plan.Report) {
	if a.Leases == nil || a.watch.None() {
		return
	}
	why := ""
	switch {
	case a.untold != "":
		why = "the guard could not be told of it: " + a.untold
	case !a.Leases.Guarded():
		why = "no guard runs: systemctl enable --now mainstay-guard, or run mainstay guard"
	default:
		return
	}
	r.Conditions = append(r.Conditions, plan.Condition{Type: plan.CondNoGuard,
		Message: "this side serves under a lease, and nobody would obey it if this agent were stopped or hung: " + why})
}

// letGoWithin bounds how long an agent that ends tries to give up its lease.
const letGoWithin = 20 * time.Second

// EndLease ends an agent in order under a lease (R7). A guard keeps the lease, and
// the next agent finds the services running. Without one the claim is renewed
// without a lease; if that cannot be had, stop stops the services within a bound.
// It is for after the newest pass and look.
func (a *Actuator) EndLease(l *Learner, stop func(bound time.Duration) error) error {
	switch {
	case !a.underLease():
		return nil
	case a.Leases.Guarded():
		a.Log.Info("the guard keeps the lease")
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), letGoWithin)
	defer cancel()
	if o := a.letGo(); o.Push != nil {
		if err := l.Carry(ctx, o); err != nil {
			a.Log.Warn("give up the lease", "error", err)
		}
	}
	if a.hasLetGo(l.Look(ctx)) {
		a.Log.Info("the lease was given up: the services go on without an agent")
		return nil
	}
	a.Log.Warn("the lease cannot be given up and nobody would obey it: stopping the services")
	if err := stop(a.watch.StopTime); err != nil {
		return err
	}
	a.released()
	return nil
}

// underLease reports whether something may run here under a lease, as of the
// newest pass.
func (a *Actuator) underLease() bool { return !a.watch.None() }

// letGo is the change of the claim by which an agent that ends gives up its
// lease, empty when it has none to give up (R7).
func (a *Actuator) letGo() Order {
	if a.doc == nil {
		return Order{}
	}
	return Order{Role: a.doc.Role, Push: plan.WithoutLease(&a.in)}
}

// hasLetGo reports whether a snapshot shows this node's claim as its own without
// a lease, and tells the guard.
func (a *Actuator) hasLetGo(s *Snapshot) bool {
	if a.doc == nil || !s.OK {
		return false
	}
	v := s.Claims[a.doc.Role]
	if !v.Read || !v.Reachable || v.Regressed || v.Began < s.Began || v.Tip.Instance != a.Instance || v.Tip.Free() || v.Tip.Lease > 0 {
		return false
	}
	a.released()
	return true
}

// released tells the guard that nothing runs under a lease any more.
func (a *Actuator) released() {
	a.watch = plan.Watch{}
	if a.Leases == nil {
		return
	}
	if err := a.Leases.Tell(a.watch); err != nil {
		a.Log.Error("the guard does not know that the lease has ended", "error", err)
	}
}
