// Command torture runs real agents against a hostile git server and measures
// whether two sides of an exclusive role ever served at the same time.
//
// Each run is a deployment of two nodes on loopback: agents, and under a lease
// their guards, as processes; git's own http-backend, and with -store etcd three members of
// etcd of its own, behind a proxy that delays, drops, cuts and holds back per node; services that write a heartbeat every 20 ms.
// Faults are random, from a seed, or a recipe that once ended in two active sides.
//
// An overlap counts as accepted when the claim says that a person accepted it for
// that switch (presumed, attested, fenced). Any other overlap is a violation, also
// one that a claim records as released or lease: the record is untrue then. The
// last line is "torture: N runs, V violations"; the exit code is 1 with any.
//
// Each run first measures how slow the machine is, and takes its times from that. One
// that could not be played to its end is told of and counted apart: a busy machine is
// no violation. The exit code is 1 too when not a single run was played.
//
// A supervisor ends everything that a run began, also when it is killed itself.
// The program knows the product only from outside: its commands, its files and the
// refs it pushes.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	seconds, runs, parallel int
	seed                    uint64
	recipe, program, dir    string
	store                   string
	chosen                  []recipe
	keep                    bool
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) > 0 {
		switch args[0] {
		case "beat":
			return beat(args[1:])
		case "fence":
			return fence(args[1:])
		case "work":
			return work(parse(args[1:]))
		}
	}
	if o := parse(args); o.recipe == "list" { // a mistake is told before anything begins
		fmt.Print(listing())
		return 0
	}
	return supervise(args)
}

func parse(args []string) options {
	var o options
	f := flag.NewFlagSet("torture", flag.ExitOnError)
	f.IntVar(&o.seconds, "seconds", 60, "how long to run")
	f.Uint64Var(&o.seed, "seed", 0, "the first seed; random when it is 0")
	f.IntVar(&o.runs, "runs", 0, "how many runs, however long they take; 0 goes by -seconds")
	f.IntVar(&o.parallel, "parallel", 2, "runs at a time")
	f.StringVar(&o.recipe, "recipe", "", "a recipe's name or number, \"all\", \"list\" to see them, or \"\" for random faults")
	f.StringVar(&o.program, "program", "bin/mainstay", "the program to torture")
	f.StringVar(&o.store, "store", onGit, "where claims are kept: git, or etcd, on three members for each run")
	f.StringVar(&o.dir, "dir", "", "for the supervisor's own use")
	f.BoolVar(&o.keep, "keep", false, "keep the folder of a run with violations")
	_ = f.Parse(args) // it exits
	if o.store != onGit && o.store != onEtcd {
		fmt.Fprintln(os.Stderr, "error: -store is git or etcd")
		os.Exit(2)
	}
	if o.chosen = chosen(o.recipe, o.store); o.recipe != "" && o.recipe != "list" && len(o.chosen) == 0 {
		fmt.Fprintf(os.Stderr, "error: there is no recipe %q for -store %s; these are there:\n%s", o.recipe, o.store, listing())
		os.Exit(2)
	}
	return o
}

// work makes the runs, and ends when the supervisor does.
func work(o options) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	ctx = untilParentEnds(ctx, o.dir)
	if o.seed == 0 {
		o.seed = rand.Uint64N(1_000_000_000) + 1
	}
	fmt.Printf("seed %d\n", o.seed)
	t := &tally{held: map[string]int{}, played: map[string]int{}, end: time.Now().Add(time.Duration(o.seconds) * time.Second), seed: o.seed}
	var all sync.WaitGroup
	for range max(1, o.parallel) {
		all.Go(func() {
			for ctx.Err() == nil {
				n, ok := t.next(o)
				if !ok {
					return
				}
				t.add(oneRun(ctx, o, n))
			}
		})
	}
	all.Wait()
	endAll(o.dir) // the supervisor may not be there any more
	_ = os.RemoveAll(o.dir)
	return t.summary()
}

// tally counts the runs.
type tally struct {
	mu         sync.Mutex
	end        time.Time
	seed       uint64
	begun      int
	runs       int
	unplayed   int
	violations int
	// played and held count the runs of each recipe.
	played, held map[string]int
	accepted     time.Duration
}

// next names the next run, unless there is none.
func (t *tally) next(o options) (plannedRun, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.begun
	switch {
	case o.runs > 0 && n >= o.runs*max(1, len(o.chosen)):
		return plannedRun{}, false
	case o.runs == 0 && o.recipe == "all" && n >= len(o.chosen):
		return plannedRun{}, false
	case o.runs == 0 && o.recipe != "all" && n > 0 && time.Now().Add(lastRun).After(t.end):
		return plannedRun{}, false
	}
	t.begun++
	r := plannedRun{number: n, seed: t.seed + uint64(n), recipe: recipe{play: random}}
	if len(o.chosen) > 0 {
		r.recipe = o.chosen[n%len(o.chosen)]
	}
	return r, true
}

func (t *tally) add(r result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.aborted {
		return
	}
	fmt.Printf("%s: %s\n", r.name, r.words())
	if len(r.unplayed) > 0 && len(r.violations) == 0 {
		t.unplayed++
		return
	}
	t.runs++
	t.violations += len(r.violations)
	t.accepted += r.accepted
	t.played[r.recipe]++
	if len(r.violations) == 0 {
		t.held[r.recipe]++
	}
}

func (t *tally) summary() int {
	if t.accepted > 0 {
		fmt.Printf("accepted by a person, and counted: %.2f s of two sides serving\n", t.accepted.Seconds())
	}
	for _, name := range slices.Sorted(maps.Keys(t.played)) {
		fmt.Printf("%s: %d of %d held\n", cmp.Or(name, "random faults"), t.held[name], t.played[name])
	}
	if t.unplayed > 0 {
		fmt.Printf("not played, and counted neither as held nor as a violation: %d\n", t.unplayed)
	}
	fmt.Printf("torture: %d runs, %d violations\n", t.runs, t.violations)
	if t.violations > 0 || t.runs == 0 {
		return 1
	}
	return 0
}

// lastRun is how long before its end the time is too short to begin another run.
const lastRun = 15 * time.Second

// plannedRun is one run before it is made.
type plannedRun struct {
	number int
	seed   uint64
	recipe recipe
}

// result is one run after it was made.
type result struct {
	name       string
	recipe     string
	aborted    bool
	violations []string
	unplayed   []string
	accepted   time.Duration
	took       time.Duration
}

func (r result) words() string {
	if len(r.violations) > 0 {
		return "VIOLATION: " + strings.Join(r.violations, "; ")
	}
	if len(r.unplayed) > 0 {
		return "not played: " + strings.Join(r.unplayed, "; ")
	}
	return fmt.Sprintf("held, %.0f s, %.2f s accepted by a person", r.took.Seconds(), r.accepted.Seconds())
}
