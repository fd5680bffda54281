//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// every calls look at an interval until the returned function, which waits for
// the last call, is called.
func every(t *testing.T, interval time.Duration, look func()) (end func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var loop sync.WaitGroup
	loop.Go(func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				look()
			case <-ctx.Done():
				return
			}
		}
	})
	end = func() { cancel(); loop.Wait() }
	t.Cleanup(end)
	return end
}

// neverBoth watches from outside that two things do not run at the same time.
// What it returns ends the watch and tells how often it looked.
func neverBoth(t *testing.T, what string, one, other func() bool) (end func() int64) {
	var looks, both atomic.Int64
	stop := every(t, 50*time.Millisecond, func() {
		looks.Add(1)
		if one() && other() {
			both.Add(1)
		}
	})
	return func() int64 {
		stop()
		if n := both.Load(); n > 0 {
			t.Errorf("%s ran on both sides in %d of %d looks", what, n, looks.Load())
		}
		return looks.Load()
	}
}

// traffic asks for a page again and again, as users do. What it returns ends
// that and tells the answers, failures among them, by how often each came.
func traffic(t *testing.T, url string) (end func() map[string]int) {
	answers := map[string]int{}
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	stop := every(t, 10*time.Millisecond, func() {
		reply, err := client.Get(url)
		if err != nil {
			answers[err.Error()]++
			return
		}
		reply.Body.Close()
		answers[reply.Status]++
	})
	return func() map[string]int { stop(); return answers }
}

// figures prints the median and the worst of some durations.
func figures(t *testing.T, what string, all []time.Duration) {
	t.Helper()
	if len(all) == 0 {
		t.Errorf("%s: nothing was measured", what)
		return
	}
	all = slices.Clone(all)
	slices.Sort(all)
	within := 0
	for _, d := range all {
		if d <= 200*time.Millisecond {
			within++
		}
	}
	line := fmt.Sprintf("%-60s n %d  median %.1f ms  worst %.1f ms  within 200 ms %d", what, len(all),
		milliseconds(all[len(all)/2]), milliseconds(all[len(all)-1]), within)
	t.Log(strings.TrimSpace(line))
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
