package probe

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/spec"
)

// handClock is a clock that only waits move; the watch under test and the test
// share one goroutine.
type handClock struct {
	now   time.Duration
	waits []time.Duration
}

func (c *handClock) Boot() time.Duration { return c.now }

func (c *handClock) Wait(ctx context.Context, d time.Duration) error {
	c.waits = append(c.waits, d)
	c.now += max(d, 0)
	return ctx.Err()
}

func TestAWatchCountsTheFailsInARow(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	clock := &handClock{now: time.Hour}
	outcomes := []error{errors.New("a"), errors.New("b"), nil, errors.New("c")}
	ask := func(context.Context) error {
		err := outcomes[0]
		outcomes = outcomes[1:]
		return err
	}
	var got []Result
	Repeat(ctx, ask, always(time.Second), clock, func(r Result) {
		if got = append(got, r); len(outcomes) == 0 {
			cancel()
		}
	})
	want := []Result{
		{Err: "a", At: time.Hour, FailsInARow: 1},
		{Err: "b", At: time.Hour + time.Second, FailsInARow: 2},
		{OK: true, Verdict: Answered, At: time.Hour + 2*time.Second},
		{Err: "c", At: time.Hour + 3*time.Second, FailsInARow: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestASlowTryDelaysTheNextAndNeverBunchesThem(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	clock := &handClock{}
	took := []time.Duration{200 * time.Millisecond, 2500 * time.Millisecond, 0}
	ask := func(context.Context) error {
		clock.now += took[0]
		took = took[1:]
		return nil
	}
	var at []time.Duration
	Repeat(ctx, ask, always(time.Second), clock, func(r Result) {
		if at = append(at, r.At); len(took) == 0 {
			cancel()
		}
	})
	want := []time.Duration{0, time.Second, 3500 * time.Millisecond}
	if diff := cmp.Diff(want, at); diff != "" {
		t.Error(diff)
	}
}

func TestATryCutShortByTheEndOfTheWatchIsNoResult(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	ask := func(ctx context.Context) error {
		cancel()
		return ctx.Err()
	}
	Repeat(ctx, ask, always(time.Second), &handClock{}, func(r Result) { t.Errorf("result %+v", r) })
}

func TestAWatchOfARealServerSeesItFallSilent(t *testing.T) {
	answering := true
	address := serveUDP(t, func(request []byte) [][]byte {
		if answering {
			answering = false
			return [][]byte{respond(request, 200, "OK")}
		}
		return nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var got []bool
	p := spec.Probe{SIP: address, Timeout: short}
	ask, err := New(Defaults(p))
	if err != nil {
		t.Fatal(err)
	}
	Repeat(ctx, ask, always(p.Every.D()), &handClock{}, func(r Result) {
		got = append(got, r.OK)
		if r.FailsInARow == 2 {
			cancel()
		}
	})
	if diff := cmp.Diff([]bool{true, false, false}, got); diff != "" {
		t.Error(diff)
	}
}

// always is a pause of one length.
func always(d time.Duration) func(Result) time.Duration {
	return func(Result) time.Duration { return d }
}
