package guard

import (
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"mainstay/reconcile/plan"
)

// The guard's times. Together with the restart of a dead guard (8 s, see its
// unit) they are inside spec.WatchdogBound, by which a seizer counts (R7).
const (
	// Every is how often the guard looks at the file.
	Every = time.Second
	// patience is how old the newest pass of an agent that is at it may be. An
	// agent passes every 2 s at least.
	patience = 5 * time.Second
	// Reaction is the latest moment after the lease and the stops' own time at
	// which the node is fenced.
	Reaction = 20 * time.Second
	// leastStop is how long a stop that begins late may take before the node is fenced.
	leastStop = 5 * time.Second
	// fenceAgain is how often a self-fence that had no effect is ordered again.
	fenceAgain = 10 * time.Second
	// lookAgain is how often the guard makes sure that all is still down.
	lookAgain = 10 * time.Second
)

// Machine is what the guard acts on. No method waits.
type Machine interface {
	// Prepare keeps in mind what the agent manages now.
	Prepare()
	// Stop begins to stop all of that within a limit, unless a stop is under
	// way.
	Stop(limit time.Duration)
	// Stopped says whether the newest stop has ended, and with an error unless
	// everything was seen down.
	Stopped() (ended bool, err error)
	// Cancel gives up a stop that is under way.
	Cancel()
	// Fence runs the node's self-fence.
	Fence(reason string)
}

// Guard obeys a lease that its agent does not obey. Step is all it does; whoever
// owns it calls that on time.
type Guard struct {
	Boot string
	// Now reads CLOCK_BOOTTIME.
	Now     func() time.Duration
	Read    func() (Kept, error)
	Machine Machine
	Log     *slog.Logger

	kept  Kept // the newest that could be read
	until plan.Time
	agent int // the process that was at it when this lease ended
	// began is when the present attempt to bring all down began, zero for none,
	// due when the node is fenced unless that is seen, downAt when it last was.
	began, due, downAt plan.Time
	failed             string
}

// Step looks once and does what is due. It returns when to look again at the
// latest.
func (g *Guard) Step() plan.Time {
	now := g.Now()
	switch k, err := g.Read(); {
	case err == nil:
		g.kept, g.failed = k, ""
	case errors.Is(err, fs.ErrNotExist) && g.kept.None(): // nobody said anything yet
	case g.failed != err.Error(): // what was read last is still in force
		g.failed = err.Error()
		g.Log.Error("the guard cannot read the lease", "error", err)
	}
	switch {
	case g.kept.None():
		g.rest()
	case !g.kept.Over(g.Boot, now):
		g.rest()
		g.Machine.Prepare()
		return min(now+Every, g.kept.Until+1)
	default:
		g.obey(now)
	}
	return now + Every
}

// Idle reports whether nothing runs under a lease, as far as the guard knows.
func (g *Guard) Idle() bool {
	return g.failed == "" && (g.kept.None() || g.downAt > 0)
}

// rest forgets a lease that was renewed or given up.
func (g *Guard) rest() {
	if g.began > 0 {
		g.Log.Info("the lease holds again, or nothing runs under it")
		g.Machine.Cancel()
	}
	g.until, g.began, g.due, g.downAt = 0, 0, 0, 0
}

// obey does what the agent should do under a lease that has ended: it stops the
// services at once, and fences the node when that cannot be seen (R7). An agent
// that is at it is left alone.
func (g *Guard) obey(now plan.Time) {
	if g.until != g.kept.Until {
		g.rest()
		g.until, g.agent = g.kept.Until, g.kept.Agent
		g.Log.Warn("the lease has ended", "agent", g.agent)
	}
	if g.began == 0 && g.attended(now) {
		return
	}
	if g.began == 0 {
		g.begin(now)
		return
	}
	switch ended, err := g.Machine.Stopped(); {
	case ended && err == nil:
		if g.downAt == 0 {
			g.Log.Warn("everything is down")
		}
		g.downAt, g.began = now, 0
		return
	case ended:
		g.Log.Error("the services are not seen down", "error", err)
		g.Machine.Stop(g.kept.StopTime)
	}
	g.fence(now)
}

// attended reports whether nobody is needed: the very agent that was there when
// the lease ended is at it, or everything was seen down just now. One that is
// started again and again is not at it.
func (g *Guard) attended(now plan.Time) bool {
	if g.downAt > 0 && now-g.downAt < lookAgain {
		return true
	}
	at := max(g.kept.Passed, g.kept.Until)
	return g.kept.Agent == g.agent && now-at < patience
}

// begin begins to bring all down. What is stopped for the first time has to be
// down when a seizer counts on it; what somebody started again since, or is found
// long after that, gets the time it needs.
func (g *Guard) begin(now plan.Time) {
	last := g.until + g.kept.StopTime + Reaction
	g.began, g.due = now, now+g.kept.StopTime
	if g.downAt == 0 {
		g.Log.Warn("no agent obeys the lease: stopping the services", "agent", g.kept.Agent)
		if now < last {
			g.due = min(g.due, max(last, now+leastStop))
		}
	}
	g.Machine.Prepare()
	g.Machine.Stop(g.kept.StopTime)
}

// fence orders the self-fence once the stop was not seen in time, and again
// while it is not.
func (g *Guard) fence(now plan.Time) {
	if now < g.due {
		return
	}
	g.downAt, g.due = 0, now+fenceAgain
	g.Machine.Fence("the lease has ended, no agent obeys it, and the services are not seen down within " + g.kept.StopTime.String())
}
