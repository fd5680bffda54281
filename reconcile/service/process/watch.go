package process

import (
	"context"
	"errors"
	"time"
)

// errPoll ends one round of watching.
var errPoll = errors.New("time to look again")

// Watch wakes when the process starts or ends. It blocks until ctx ends.
func (d *Driver) Watch(ctx context.Context, wake func()) error {
	changed, stop := d.bell.Listen()
	defer stop()
	var before group
	var near arrivals
	for first := true; ; first = false {
		// Found before the wake: whatever ends after this is seen by the wait
		// below, and whatever ended earlier by whoever is woken.
		g, err := d.find(ctx, false)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if first || err != nil || !same(before, g) {
			wake()
		}
		before = g
		if d.awaitChange(ctx, changed, g, &near) == nil {
			wake()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		d.boundLog()
	}
}

// same compares what is up; with a main process there is nothing else to
// compare.
func same(a, b group) bool {
	if (a.main == nil) != (b.main == nil) || len(a.all) != len(b.all) {
		return false
	}
	return a.main == nil || a.main.is(*b.main)
}

// awaitChange returns nil once the driver changed something, the processes ended or,
// where there were none, one came; errPoll when nothing did for one Poll.
func (d *Driver) awaitChange(ctx context.Context, changed <-chan struct{}, g group, near *arrivals) error {
	ctx, cancel := context.WithTimeoutCause(ctx, d.poll, errPoll)
	defer cancel()
	watched := g.all
	if g.main != nil {
		watched = []proc{*g.main}
	}
	ended := make(chan struct{})
	if len(watched) > 0 {
		go func() {
			if waitAll(ctx, watched) == nil {
				close(ended)
			}
		}()
	}
	var arrival <-chan time.Time // nobody looks for one that is there
	if len(watched) == 0 {
		tick := time.NewTicker(arrivalsEvery)
		defer tick.Stop()
		arrival = tick.C
	}
	for {
		select {
		case <-ended:
			return nil
		case <-changed:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-arrival:
			if near.came(ctx, d) {
				return nil
			}
		}
	}
}

// arrivalsEvery is how often a service that is down is looked for among the processes
// that have come since: on the side that must not serve, a person may start it.
const arrivalsEvery = time.Second

// arrivals are the processes of the machine, with how often each was looked at.
type arrivals struct{ looked map[int]int }

// came reports whether a process that is new on the machine is of the service. A new
// one is looked at twice, for it may still become what it was started for. Those that
// were there before cost nothing.
func (a *arrivals) came(ctx context.Context, d *Driver) bool {
	var env environs
	now := make(map[int]int, len(a.looked))
	found, err := scan(ctx, func(pid int) (bool, error) {
		n := a.looked[pid]
		now[pid] = min(n+1, 2)
		if n >= 2 {
			return false, nil
		}
		return d.carries(&env, pid)
	})
	if err == nil {
		a.looked = now
	}
	return len(found) > 0
}

// changed tells the watchers of this driver what no pidfd tells: a start, the
// beginning and the end of a stop.
func (d *Driver) changed() { d.bell.Ring() }
