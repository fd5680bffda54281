package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Schedule is one run of the simulation: a deployment, and what happens to it.
type Schedule struct {
	Seed     uint64
	Settings Settings
	Timing   Timing
	// Strict keeps state files as JSON text.
	Strict bool
	// Separate, Mirror and ReadOnly are as in World.
	Separate, Mirror, ReadOnly, News bool
	Faults                           []Fault
	// Length is when all faults end, Final the side declared then.
	Length time.Duration
	Final  int
}

// weights says how often a kind of fault comes, relative to the others.
func weights() map[Kind]int {
	return map[Kind]int{
		Declare: 12, Comment: 2, Amend: 3, PauseDoc: 2, Fence: 3, BadCommit: 3, Backup: 1,
		Cut: 6, CutAll: 2, Slow: 3, Flaky: 3, ClaimFate: 5, ReportFate: 3,
		WallClock: 1, Suspend: 2, Freeze: 3, Crash: 4, CrashIn: 6, Reboot: 4, DiskFull: 2, Damage: 2, Replace: 1,
		Die: 3, BadStarts: 2, BadStops: 3, SlowOrders: 2, ByHand: 2, PauseNode: 2, Probe: 3, Takeover: 1,
	}
}

// NewSchedule draws a schedule. Each has a few kinds of faults only, so that
// they meet often.
func NewSchedule(seed uint64) Schedule {
	r := rand.New(rand.NewPCG(seed, 2))
	s := Schedule{Seed: seed, Settings: DefaultSettings(), Timing: EverydayTiming(), Final: r.IntN(2), Strict: r.IntN(16) == 0}
	set := &s.Settings
	set.Hold, set.AbsentStop, set.Witness = r.IntN(6) == 0, r.IntN(6) == 0, r.IntN(5) > 0
	if r.IntN(4) == 0 {
		set.Lease = 20 * time.Second
	}
	if r.IntN(5) == 0 {
		set.Drain = 3 * time.Second
	}
	s.Timing.Notify = r.IntN(2) == 0
	s.Separate, s.Mirror, s.ReadOnly = r.IntN(6) == 0, r.IntN(8) == 0, r.IntN(16) == 0
	s.News = s.Separate && seed%3 > 0
	kinds := drawKinds(r)
	at := 15 * time.Second
	for range 2 + r.IntN(12) {
		at += time.Duration(r.Int64N(int64(pickSpan(r)))).Round(time.Millisecond)
		s.Faults = append(s.Faults, drawFault(r, at, kinds[r.IntN(len(kinds))]))
	}
	s.Length = at + time.Duration(r.IntN(30))*time.Second
	return s
}

// drawKinds returns the kinds of a schedule, each as often as it weighs.
func drawKinds(r *rand.Rand) []Kind {
	weight := weights()
	all := make([]Kind, 0, len(weight))
	for k := range weight {
		all = append(all, k)
	}
	slices.Sort(all)
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	kinds := []Kind{Declare, Declare, Declare, Declare}
	for _, k := range all[:2+r.IntN(6)] {
		kinds = append(kinds, slices.Repeat([]Kind{k}, weight[k])...)
	}
	return kinds
}

// pickSpan is how far apart two faults are at most: often very little.
func pickSpan(r *rand.Rand) time.Duration {
	return []time.Duration{time.Second / 2, 3 * time.Second, 10 * time.Second, 40 * time.Second}[r.IntN(4)]
}

func drawFault(r *rand.Rand, at time.Duration, k Kind) Fault {
	names := nodeNames()
	machine := names[r.IntN(4)] // mostly the nodes that can do harm
	if r.IntN(8) == 0 {
		machine = names[4+r.IntN(2)]
	} else if r.IntN(2) == 0 {
		machine = names[r.IntN(2)]
	}
	f := Fault{At: at, Kind: k, Machine: machine, N: r.IntN(60), For: pickSpan(r) + time.Duration(r.IntN(20))*time.Second}
	if k == Freeze || k == Crash {
		f.For = time.Duration(1+r.IntN(20)) * time.Second // longer than that the watchdog does not allow
	}
	return f
}

// Run runs the schedule and returns the violation, or "".
func (s Schedule) Run(shelf *Library, trace func(at time.Duration, who, what string)) string {
	w := NewWorld(s.Seed, s.Settings, shelf)
	w.Timing, w.Trace = s.Timing, trace
	w.Separate, w.Mirror, w.ReadOnly, w.News = s.Separate, s.Mirror, s.ReadOnly, s.News
	for _, n := range w.nodes {
		n.disk.strict = s.Strict
		n.drift = w.rng.Int64N(1800) - 900
	}
	w.Boot()
	for _, f := range s.Faults {
		w.after(f.At, func() { w.apply(f) })
	}
	w.Run(s.Length)
	if w.Violation() != "" {
		return w.Violation()
	}
	w.heal(sideNumber(s.Final))
	w.attend()
	if !w.Until(patience, w.Settled) && w.Violation() == "" {
		return "not converged " + patience.String() + " after all faults ended: " + w.unsettled()
	}
	return w.Violation()
}

// patience bounds how long a deployment may take to converge once all faults
// ended: a lease's wait, and the longest back-off of looks, publications and
// starts one after the other. In polls of 5 s it is 72.
const patience = 6 * time.Minute

// unsettled says which nodes have not converged, and why.
func (w *World) unsettled() string {
	var all []string
	for _, n := range w.nodes {
		if n.proc != nil && !n.settled(w.server.refs[branch]) {
			r := n.proc.actuator.Report()
			all = append(all, fmt.Sprintf("%s is %s by %s: %s", n.machine, r.Status, r.Rule, r.Reason))
		}
	}
	return strings.Join(all, "; ")
}

// Shrink returns the shortest schedule found that still has a violation: what
// can be left out is left out, first in halves, then one by one.
func (s Schedule) Shrink(shelf *Library) Schedule {
	for size := (len(s.Faults) + 1) / 2; size > 0; size /= 2 {
		for from := 0; from < len(s.Faults); {
			t := s
			t.Faults = slices.Delete(slices.Clone(s.Faults), from, min(from+size, len(s.Faults)))
			if t.Run(shelf, nil) != "" {
				s = t
			} else {
				from += size
			}
		}
	}
	return s
}

// String is the schedule for people.
func (s Schedule) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, separate %v, news %v, mirror %v, read-only %v, %+v, faults end at %s with %s declared:\n", s.Seed, s.Separate, s.News, s.Mirror, s.ReadOnly, s.Settings, s.Length, sideNumber(s.Final))
	for _, f := range s.Faults {
		fmt.Fprintln(&b, " ", f)
	}
	return b.String()
}
