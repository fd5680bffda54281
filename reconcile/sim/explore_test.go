package sim

import (
	"flag"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"mainstay/reconcile/sim/explore"
)

var exploreStates = flag.Int("explore.states", 40_000, "how many states of the handover rules to visit")

var exploreOnly = flag.String("explore.only", "", "the space to search, if not all")

// TestExplore searches what the shipping decision can reach. No state may break
// an invariant of the handover rules.
func TestExplore(t *testing.T) {
	states, violations := 0, 0
	spaces := explore.Configs()
	if *exploreOnly != "" {
		spaces = slices.DeleteFunc(spaces, func(c *explore.Config) bool { return c.Name != *exploreOnly })
	}
	for _, r := range exploreAll(t, spaces, *exploreStates) {
		states, violations = states+r.States, violations+r.Violations
		if r.Violations > 0 {
			t.Errorf("%s", r.Trace)
		}
	}
	fmt.Printf("explore: %d states, %d violations\n", states, violations)
}

// exploreAll searches the small spaces first, each until it is exhausted, and
// shares what is left among the others by their weight, two at a time. A quarter is
// always left, so that a short search sees something of every space.
func exploreAll(t *testing.T, configs []*explore.Config, states int) []explore.Result {
	var small, large []*explore.Config
	for _, c := range configs {
		if c.Exhaustive {
			small = append(small, c)
		} else {
			large = append(large, c)
		}
	}
	quarter := states / 4
	results := exploreSome(t, small, func(*explore.Config) int { return quarter })
	for _, r := range results {
		states -= r.States
	}
	states = max(states, quarter)
	weights := 0
	for _, c := range large {
		weights += c.Weight
	}
	return append(results, exploreSome(t, large, func(c *explore.Config) int { return states*c.Weight/weights + 1 })...)
}

func exploreSome(t *testing.T, configs []*explore.Config, limit func(*explore.Config) int) []explore.Result {
	var (
		mu      sync.Mutex
		results []explore.Result
		group   sync.WaitGroup
		free    = make(chan struct{}, 2)
	)
	for _, c := range configs {
		free <- struct{}{}
		group.Go(func() {
			defer func() { <-free }()
			r, err := explore.Run(c, limit(c))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Errorf("%s: %v", c.Name, err)
			}
			fmt.Println(exploreLine(r))
			results = append(results, r)
		})
	}
	group.Wait()
	return results
}

func exploreLine(r explore.Result) string {
	how := fmt.Sprintf("all to depth %d, %d deeper", r.Depth, r.Dived)
	if r.Exhausted {
		how = "exhausted"
	}
	return fmt.Sprintf("%-34s %8d states (%s), %d at an accepted risk, %d calmed within %d polls, %s",
		r.Name, r.States, how, r.Risked, r.Calmed, r.Rounds, r.Took.Round(10*time.Millisecond))
}
