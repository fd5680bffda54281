package service

import (
	"context"
	"sync"
	"time"
)

// Bell tells the watchers of a driver that something changed. The zero value is ready.
type Bell struct {
	mu       sync.Mutex
	watchers map[chan struct{}]struct{}
}

// Listen returns a channel that gets a token after every Ring, until stop is called.
func (b *Bell) Listen() (rung <-chan struct{}, stop func()) {
	watcher := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.watchers == nil {
		b.watchers = map[chan struct{}]struct{}{}
	}
	b.watchers[watcher] = struct{}{}
	return watcher, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.watchers, watcher)
	}
}

// Ring tells every watcher.
func (b *Bell) Ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for watcher := range b.watchers {
		notify(watcher)
	}
}

// Watch is a driver's Watch where nothing but its own orders has events: it wakes after
// every Ring, and when what is observed changed, which it looks at this often.
func (b *Bell) Watch(ctx context.Context, every time.Duration, observe func(context.Context) (State, error), wake func()) error {
	rung, stop := b.Listen()
	defer stop()
	tick := time.NewTicker(every)
	defer tick.Stop()
	last, _ := observe(ctx)
	wake()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-rung:
			wake()
		case <-tick.C:
			if now, _ := observe(ctx); now != last && ctx.Err() == nil {
				last = now
				wake()
			}
		}
	}
}
