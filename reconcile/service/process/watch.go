package process

import (
	"context"
	"errors"
)

// errPoll ends one round of watching.
var errPoll = errors.New("time to look again")

// Watch wakes when the process starts or ends. It blocks until ctx ends.
func (d *Driver) Watch(ctx context.Context, wake func()) error {
	changed := d.subscribe()
	defer d.unsubscribe(changed)
	var before group
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
		if d.awaitChange(ctx, changed, g) == nil {
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

// awaitChange returns nil once the driver changed something or the processes
// ended, errPoll when neither came for one Poll.
func (d *Driver) awaitChange(ctx context.Context, changed <-chan struct{}, g group) error {
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
	select {
	case <-ended:
		return nil
	case <-changed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (d *Driver) subscribe() chan struct{} {
	changed := make(chan struct{}, 1)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.watchers[changed] = struct{}{}
	return changed
}

func (d *Driver) unsubscribe(changed chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.watchers, changed)
}

// changed tells the watchers of this driver what no pidfd tells: a start, the
// beginning and the end of a stop.
func (d *Driver) changed() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for watcher := range d.watchers {
		select {
		case watcher <- struct{}{}:
		default:
		}
	}
}
