package sim

import (
	"fmt"
	"time"

	"mainstay/spec"
)

// Outage is the case that a presumption is made for, and its worst one: main is
// cut off from git and alive, and standby is declared meanwhile.
type Outage struct {
	// Name says what is special about it.
	Name     string
	Settings Settings
	// Witness is what standby's probe of main says.
	Witness Lie
	// Long is how long main is cut off.
	Long time.Duration
}

// Outages are the cases whose cost is measured.
func Outages() []Outage {
	base := DefaultSettings()
	none, hold, leased := base, base, base
	none.Witness, hold.Hold, leased.Lease = false, true, 20*time.Second
	return []Outage{
		{"witness silent", base, Silence, 30 * time.Second},
		{"witness silent", base, Silence, 2 * time.Minute},
		{"witness silent", base, Silence, 10 * time.Minute},
		{"no witness", none, Truth, 2 * time.Minute},
		{"witness answers", base, Truth, 2 * time.Minute},
		{"unconfirmed: hold", hold, Silence, 2 * time.Minute},
		{"lease: 20s", leased, Silence, 2 * time.Minute},
	}
}

// Cost is what an outage cost over some runs.
type Cost struct {
	Runs int
	// Both counts the runs in which both sides of the xivo role were active, for
	// Mean on average and at most for Longest.
	Both          int
	Mean, Longest time.Duration
	// Served counts the runs in which standby served during the outage, After
	// is how long after it was declared, on average.
	Served int
	After  time.Duration
	// Violation is the first violation of an invariant.
	Violation string
}

// Measure lets an outage happen, once per seed.
func (o Outage) Measure(runs int, shelf *Library) Cost {
	c := Cost{Runs: runs}
	for seed := range uint64(runs) {
		o.once(seed+1, shelf, &c)
	}
	if c.Both > 0 {
		c.Mean /= time.Duration(c.Both)
	}
	if c.Served > 0 {
		c.After /= time.Duration(c.Served)
	}
	return c
}

func (o Outage) once(seed uint64, shelf *Library, c *Cost) {
	w := NewWorld(seed, o.Settings, shelf)
	w.Boot()
	w.Until(time.Minute, w.Settled)
	w.Run(w.upTo(10 * time.Second))
	for _, n := range w.nodes {
		n.link.cut = n.side == spec.Main
		n.lies = o.Witness
	}
	w.Run(w.upTo(5 * time.Second))
	w.Declare(spec.Standby)
	declared := w.Now()
	if w.Until(o.Long, w.byName["xivo-standby"].active) {
		c.Served++
		c.After += w.Now() - declared
	}
	w.Run(max(0, declared+o.Long-w.Now()))
	for _, n := range w.nodes {
		n.link.cut = false
	}
	w.Until(5*time.Minute, w.Settled)
	if long := w.check.dual[0].long; long > 0 {
		c.Both++
		c.Mean += long
		c.Longest = max(c.Longest, long)
	}
	if w.Violation() != "" && c.Violation == "" {
		c.Violation = fmt.Sprintf("seed %d: %s", seed, w.Violation())
	}
}

// Row is a cost as one line of a table.
func (o Outage) Row(c Cost) string {
	after := "never"
	if c.Served > 0 {
		after = c.After.Round(time.Second / 10).String()
	}
	return fmt.Sprintf("presumed: %-18s %8s  both active in %3d of %d runs, mean %7s, longest %7s; standby served in %3d, after %s",
		o.Name, o.Long, c.Both, c.Runs, c.Mean.Round(time.Second/10), c.Longest.Round(time.Second/10), c.Served, after)
}
