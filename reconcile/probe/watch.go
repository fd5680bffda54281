package probe

import (
	"context"
	"time"
)

// Clock is the time a watch goes by.
type Clock interface {
	// Boot is the time since boot, suspend included.
	Boot() time.Duration
	// Wait returns nil after d, or ctx's error when that ends first. A d of
	// zero or less returns at once.
	Wait(ctx context.Context, d time.Duration) error
}

// Result is the outcome of one try of a watched probe.
type Result struct {
	OK bool
	// Verdict says what the try proves.
	Verdict Verdict
	// Err is why there was no answer; empty when OK.
	Err string
	// At is when the try began, in time since boot: what an answer proves, it
	// proves from then on.
	At time.Duration
	// FailsInARow counts the tries without an answer since the last one with.
	// At the probe's Fail the target counts as silent.
	FailsInARow int
}

// Repeat asks at once and then after a pause that depends on the newest result, and
// hands each result to out, until ctx ends. It runs in the caller's goroutine and
// starts no other that outlives a try. A try that takes longer than the pause delays
// the next one rather than overlapping it.
func Repeat(ctx context.Context, ask Func, pause func(Result) time.Duration, clock Clock, out func(Result)) {
	fails := 0
	for {
		r := Result{At: clock.Boot()}
		err := ask(ctx)
		// A try cut short by the end of the watch says nothing about the target.
		if ctx.Err() != nil {
			return
		}
		r.Verdict = VerdictOf(err)
		if err != nil {
			fails++
			r.Err, r.FailsInARow = err.Error(), fails
		} else {
			fails = 0
			r.OK = true
		}
		out(r)
		if clock.Wait(ctx, r.At+pause(r)-clock.Boot()) != nil {
			return
		}
	}
}
