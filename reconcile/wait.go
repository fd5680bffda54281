package reconcile

import "context"

// Known is what the newest look at git left this node knowing, nil before the
// first has ended. It must not be changed.
func (a *Agent) Known() *Snapshot {
	s, _ := a.known.Get()
	return s
}

// progress counts the passes that have ended, and says which snapshot the newest
// knew.
type progress struct{ passes, edition uint64 }

// SyncWait looks at git now and returns what is known once a look that began
// after the call has ended, its document included, and a pass that knew it. The
// error is ctx's.
func (a *Agent) SyncWait(ctx context.Context) (*Snapshot, error) {
	asked := a.clock.Boot()
	a.Sync()
	s, err := a.known.Wait(ctx, func(s *Snapshot) bool { return s != nil && s.Whole >= asked && !s.Pending })
	if err != nil {
		return s, err
	}
	_, err = a.passes.Wait(ctx, func(p progress) bool { return p.edition >= s.Edition })
	return s, err
}

// doWait is between, and waits for the pass that follows unless nothing is known yet
// to make one from. The order's own error comes first; otherwise the error is
// ctx's.
func (a *Agent) doWait(ctx context.Context, order func(*Actuator) error) error {
	var before uint64
	var blind bool
	err := a.between(ctx, func(act *Actuator) error {
		before, blind = act.passes, act.snap == nil
		return order(act)
	})
	if err != nil || blind {
		return err
	}
	_, err = a.passes.Wait(ctx, func(p progress) bool { return p.passes > before })
	return err
}
