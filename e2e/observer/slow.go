package observer

import (
	"sync/atomic"
	"time"
)

// Slow makes a look out of one that takes long, such as a request over the
// network: it is made in a goroutine of its own, again and again, and the
// track shows the newest answer. Whoever calls it calls stop, which looks once
// more and returns with the answer.
func Slow(every time.Duration, look func() string) (newest func() string, stop func()) {
	var value atomic.Value
	value.Store("")
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			value.Store(look())
			select {
			case <-tick.C:
			case <-end:
				value.Store(look())
				return
			}
		}
	}()
	return func() string { return value.Load().(string) }, func() { close(end); <-done }
}
