package sim

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	simSeeds = flag.Uint64("sim.seeds", 100, "how many schedules TestSimSeeds runs")
	simFresh = flag.Uint64("sim.fresh", 0, "how many more schedules it runs, from a seed of their own each time")
	simFirst = flag.Uint64("sim.first", 0, "the first of those seeds; zero draws one")
	simSeed  = flag.Uint64("sim.seed", 0, "run this one schedule of TestSimSeeds and tell what happens in it")
)

// TestSimSeeds runs random schedules of whole deployments against the
// invariants of the rules.
func TestSimSeeds(t *testing.T) {
	if *simSeed > 0 {
		replay(t, NewSchedule(*simSeed))
		return
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // a batch job with memory to spare
	shelf := NewLibrary()
	var next, done, violations atomic.Uint64
	var workers sync.WaitGroup
	first := firstFresh()
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for n := next.Add(1); n <= *simSeeds+*simFresh && violations.Load() < 5; n = next.Add(1) {
				seed := n
				if n > *simSeeds {
					seed = first + n - *simSeeds - 1
				}
				s := NewSchedule(seed)
				why := s.Run(shelf, nil)
				if done.Add(1); why != "" {
					violations.Add(1)
					short := s.Shrink(shelf)
					t.Errorf("seed %d: %s\nshortest schedule: %s\nas: %s\nreplay with -run TestSimSeeds -sim.seed=%d",
						seed, why, short, short.Run(shelf, nil), seed)
				}
			}
		})
	}
	workers.Wait()
	violations.Add(presumed(t, int(min(200, 3+*simSeeds/100)), shelf))
	fmt.Printf("sim: %d schedules, %d violations\n", done.Load(), violations.Load())
}

// firstFresh draws the seed from which on the schedules are new every time, and
// prints it: a search that always takes the same ways grows blind to the others.
func firstFresh() uint64 {
	if *simFresh == 0 {
		return 0
	}
	first := *simFirst
	if first == 0 {
		first = 1<<32 + rand.Uint64N(1<<48)
	}
	fmt.Printf("new seeds: %d from %d on; -sim.first=%d runs the same\n", *simFresh, first, first)
	return first
}

// presumed prints what a presumption can cost: for how long both sides serve when
// main is cut off from git, alive, and standby is declared. Only a presumption
// may cost anything, and a lease or a hold never does.
func presumed(t *testing.T, runs int, shelf *Library) (violations uint64) {
	for _, o := range Outages() {
		c := o.Measure(runs, shelf)
		fmt.Println(o.Row(c))
		if c.Violation != "" {
			violations++
			t.Errorf("%s for %s: %s", o.Name, o.Long, c.Violation)
		}
		risky := (o.Witness == Silence || !o.Settings.Witness) && !o.Settings.Hold && o.Settings.Lease == 0
		if c.Both > 0 && !risky || risky && c.Served < runs {
			violations++
			t.Errorf("%s", o.Row(c))
		}
	}
	return violations
}

func replay(t *testing.T, s Schedule) {
	short := s
	if s.Run(NewLibrary(), nil) != "" {
		short = s.Shrink(NewLibrary())
	}
	why := short.Run(NewLibrary(), func(at time.Duration, who, what string) {
		t.Logf("%9.3f %-12s %s", at.Seconds(), who, what)
	})
	t.Logf("%s", short)
	if why != "" {
		t.Errorf("seed %d: %s", s.Seed, why)
	}
	fmt.Printf("sim: 1 schedules, %d violations\n", pickCount(why))
}

func pickCount(why string) int {
	if why == "" {
		return 0
	}
	return 1
}

// Each of these schedules broke an invariant once: a machine that never accepted a
// document and whose agent was restarted was taken for one that had lost its record of
// services (R2), a machine was switched on while a person's word that it is off still
// counted (R9), a replaced machine waited for a word that nobody gave (R12), and a disk
// that was damaged or full let a machine take its own claim for that of a copy (R5, R1). In
// one nobody obeys the lease but the guard: its agent was dead, and then found its
// document damaged and git out of reach (R7). In another one only those who follow a role
// knew of its claim before it was lost, and waited for ever (R10). A seed is another
// schedule once agents keep another pace, so what each showed has a test of its own too.
func TestSchedulesThatBrokeAnInvariantOnce(t *testing.T) {
	shelf := NewLibrary()
	for _, seed := range []uint64{103024954190275, 103024954190054, 103024954188913, 4010, 11392, 13801, 69770691725417, 8678445528013, 279405145562622, 267013246392322, 55523, 40680, 175167809992361, 128946925369747, 149898768855374, 200724601074826} {
		if why := NewSchedule(seed).Run(shelf, nil); why != "" {
			t.Errorf("seed %d: %s", seed, why)
		}
	}
}
