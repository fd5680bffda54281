package host

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"sync/atomic"
	"time"

	"mainstay/reconcile/guard"
	"mainstay/reconcile/machine"
	"mainstay/spec"
)

const (
	// overlap is how long a guard that ends looks whether the agent ends with
	// it: an agent that still sees the guard leaves the services to it.
	overlap = 3 * time.Second
	// finishEvery is how often a guard that is to finish looks.
	finishEvery = 200 * time.Millisecond
)

// GuardConfig is what a guard is made from.
type GuardConfig struct {
	File *spec.AgentFile
	Log  *slog.Logger
	// Finish ends the guard once nothing runs under a lease.
	Finish bool
	// Replaced ends the guard without a look at the agent: another one follows
	// at once.
	Replaced <-chan struct{}
}

// guardRun is a guard that runs on this machine.
type guardRun struct {
	GuardConfig
	file    *guard.File
	stopper *machine.Stopper
	guard   *guard.Guard
	passed  atomic.Int64
}

// RunGuard obeys the lease of an agent that does not (R7), until ctx ends or it is
// replaced. The error is guard.ErrInUse when there is a guard already.
func RunGuard(ctx context.Context, c GuardConfig) error {
	g, err := newGuard(c)
	if err != nil {
		return err
	}
	release, err := g.file.Lock()
	if err != nil && !c.Finish {
		return err
	}
	if err != nil { // the other one stops, this one waits for it
		g.stopper.OnlyObserve()
		release = func() {}
	}
	defer func() { release() }()
	keep, err := newWatchdog(func() time.Duration { return time.Duration(g.passed.Load()) }, func() {}, c.Log)
	if err != nil {
		return err
	}
	if keep != nil {
		go keep.run(ctx)
	}
	if g.watch(ctx) {
		return nil
	}
	release()
	release = func() {}
	return g.leave()
}

func newGuard(c GuardConfig) (*guardRun, error) {
	disk, boot, err := openDisk(c.File)
	if err != nil {
		return nil, err
	}
	g := &guardRun{GuardConfig: c, file: guard.Beside(c.File.Socket, boot)}
	g.stopper = machine.NewParts(context.Background(), c.File, c.Log, func() {}).NewStopper(disk)
	g.guard = &guard.Guard{Boot: boot, Now: machine.Clock{}.Boot, Read: g.file.Read, Machine: g.stopper, Log: c.Log}
	return g, nil
}

// watch steps until there is nothing more to do. It returns false when ctx ended
// first.
func (g *guardRun) watch(ctx context.Context) (done bool) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-g.Replaced:
			return true
		case <-timer.C:
		}
		next := g.guard.Step()
		now := machine.Clock{}.Boot()
		g.passed.Store(int64(now))
		wait := max(0, next-now)
		if g.Finish {
			if g.guard.Idle() {
				return true
			}
			wait = min(wait, finishEvery)
		}
		timer.Reset(wait)
	}
}

// leave ends a guard that was told to end. What runs under a lease is stopped at
// once when no agent is left either. One that runs knows from now on that nobody
// guards, and does that itself when it ends.
func (g *guardRun) leave() error {
	if !g.alone() {
		return nil
	}
	k, err := g.file.Read()
	if err != nil {
		return err
	}
	g.Log.Warn("neither an agent nor a guard is left: stopping what runs under the lease")
	return g.stopper.StopNow(k.StopTime)
}

// alone waits for a moment and reports whether something runs under a lease and
// no agent is left.
func (g *guardRun) alone() bool {
	tick := time.NewTicker(finishEvery)
	defer tick.Stop()
	end := time.NewTimer(overlap)
	defer end.Stop()
	for {
		if k, err := g.file.Read(); k.None() && (err == nil || errors.Is(err, fs.ErrNotExist)) {
			return false
		}
		if lock, err := lockState(g.File.State); err == nil {
			_ = lock.Close()
			return true
		}
		select {
		case <-tick.C:
		case <-end.C:
			return false
		}
	}
}

// endLease gives up the lease of an agent that ends, or stops what runs under it
// (R7).
func (n *Node) endLease() error {
	return n.actuator.EndLease(n.learner, n.parts.NewStopper(n.disk).StopNow)
}
