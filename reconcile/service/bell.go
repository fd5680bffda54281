package service

import "sync"

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
