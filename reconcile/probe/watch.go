package probe

import (
	"context"
	"time"

	"mainstay/spec"
)

// Clock is the time a watch goes by.
type Clock interface {
	// Now is the time since boot, suspend included.
	Now() time.Duration
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

// Watch asks p's question at once and then every p.Every, and hands each result
// to out, until ctx ends. It runs in the caller's goroutine and starts no other
// that outlives a try. A try that takes longer than p.Every delays the next one
// rather than overlapping it. The error is that of a probe that cannot be made;
// the end of ctx is none.
func Watch(ctx context.Context, p spec.Probe, clock Clock, out func(Result)) error {
	p = Defaults(p)
	ask, err := New(p)
	if err != nil {
		return err
	}
	Repeat(ctx, ask, p.Every.D(), clock, out)
	return nil
}

// Repeat is Watch for a function that is already made.
func Repeat(ctx context.Context, ask Func, every time.Duration, clock Clock, out func(Result)) {
	RepeatAfter(ctx, ask, func(Result) time.Duration { return every }, clock, out)
}

// RepeatAfter is Repeat with a pause that depends on the newest result.
func RepeatAfter(ctx context.Context, ask Func, every func(Result) time.Duration, clock Clock, out func(Result)) {
	fails := 0
	for {
		r := Result{At: clock.Now()}
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
		if clock.Wait(ctx, r.At+every(r)-clock.Now()) != nil {
			return
		}
	}
}
