// Package latest hands the newest value of something to those who only look on.
package latest

import (
	"context"
	"sync"
)

// Value holds the newest value of something for those who only look on, and
// wakes them when it changes. The zero Value is ready to use.
type Value[T any] struct {
	mu      sync.Mutex
	value   T
	changed chan struct{}
}

// Set replaces the value.
func (l *Value[T]) Set(v T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.value = v
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// Get returns the value, and a channel that is closed once it is replaced.
func (l *Value[T]) Get() (T, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.value, l.changed
}

// Wait returns the first value that is good, or ctx's error.
func (l *Value[T]) Wait(ctx context.Context, good func(T) bool) (T, error) {
	for {
		v, changed := l.Get()
		if good(v) {
			return v, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return v, ctx.Err()
		}
	}
}
