package service

import (
	"time"

	"golang.org/x/sys/unix"
)

// Clock is the time the Manager goes by.
type Clock interface {
	// Boot is the time since the machine started, suspend included.
	Boot() time.Duration
	// After fires once when d has passed; stop gives it up.
	After(d time.Duration) (fired <-chan time.Time, stop func())
}

// SystemClock is the machine's own: CLOCK_BOOTTIME, and Go's timers.
type SystemClock struct{}

// Boot reads CLOCK_BOOTTIME.
func (SystemClock) Boot() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(bootClock, &now); err != nil {
		panic("service: this kernel has no CLOCK_BOOTTIME: " + err.Error())
	}
	return time.Duration(now.Nano())
}

// After is a timer of the runtime's.
func (SystemClock) After(d time.Duration) (<-chan time.Time, func()) {
	timer := time.NewTimer(d)
	return timer.C, func() { timer.Stop() }
}
