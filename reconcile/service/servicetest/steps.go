package servicetest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"mainstay/reconcile/service"
)

// stepBound is how long a step of a driver's own tests may take; it is reached
// only by a defect.
const stepBound = 10 * time.Second

// Bounded is a context that only a defect makes end before the test.
func Bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), stepBound)
	t.Cleanup(cancel)
	return ctx
}

// Wants fails unless err is the sentinel and none of the others, and says the
// words. A nil sentinel is an error that is none of them.
func Wants(t *testing.T, err, sentinel error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %v %q", sentinel, words)
	}
	for _, s := range sentinels() {
		if errors.Is(err, s) != (s == sentinel) {
			t.Errorf("%v: is %q: %v", err, s, errors.Is(err, s))
		}
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
}

func sentinels() []error {
	return []error{service.ErrNotFound, service.ErrMasked, service.ErrTimeout, service.ErrRefused, service.ErrFailed, service.ErrUnavailable}
}

// Observed is one observation, which must succeed.
func Observed(t *testing.T, d service.Driver) service.State {
	t.Helper()
	seen, err := d.Observe(Bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// Watched begins a watch until the test ends and returns its wakes, the first
// one taken.
func Watched(t *testing.T, d service.Driver) <-chan struct{} {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	woken, ended := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(ended)
		_ = d.Watch(ctx, func() {
			select {
			case woken <- struct{}{}:
			default:
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	Await(t, "the first wake", woken)
	return woken
}

// Await waits for a signal.
func Await(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(stepBound):
		t.Fatalf("%s did not come", what)
	}
}

// Forget drops a signal that came already.
func Forget(c <-chan struct{}) {
	select {
	case <-c:
	default:
	}
}

// Until waits for a state.
func Until(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	bound := time.After(stepBound)
	for !is() {
		select {
		case <-tick.C:
		case <-bound:
			t.Fatalf("%s did not come about", what)
		}
	}
}
