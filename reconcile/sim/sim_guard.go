package sim

import (
	"errors"
	"time"

	"mainstay/reconcile/guard"
	"mainstay/reconcile/plan"
)

// keeper is the guard of a machine, which is no part of the agent, and what the agent told
// it: kept where a boot ends it, and where a full or damaged disk does no harm (R7).
type keeper struct {
	n    *node
	told guard.Kept
	runs int    // how many agents there were
	turn uint64 // of the guard that runs
}

// leases is reconcile.Leases for one run of an agent.
type leases struct {
	*keeper
	run int
}

func (k *keeper) leases() leases {
	k.runs++
	return leases{k, k.runs}
}

// Tell is part of reconcile.Leases.
func (l leases) Tell(w plan.Watch) error {
	l.n.touch()
	l.told = guard.Kept{Watch: w, Agent: l.run}
	l.n.touch()
	return nil
}

// Recall is part of reconcile.Leases.
func (l leases) Recall() plan.Watch { return l.told.Watch }

// Guarded is part of reconcile.Leases.
func (l leases) Guarded() bool { return true }

// begin lets the shipping guard look at what it was told for as long as this boot lasts.
func (k *keeper) begin(boot string) {
	k.turn++
	k.told = guard.Kept{}
	mine, machine := k.turn, &guarded{n: k.n}
	g := &guard.Guard{Boot: boot, Now: k.n.boot, Log: k.n.w.log, Machine: machine,
		Read: func() (guard.Kept, error) { return k.told, nil }}
	var look func()
	look = func() {
		next := guard.Every
		switch {
		case k.turn != mine || !k.n.on:
			return
		case !k.n.suspended && !k.told.None():
			next = max(time.Millisecond, k.n.worldTime(g.Step())-k.n.w.now)
		}
		k.n.w.after(next, look)
	}
	k.n.w.after(guard.Every, look)
}

// guarded is guard.Machine: orders past the agent. An order of the agent's that is under
// way is waited for. An agent that is back, and reads the claim as its own, heals what the
// guard stopped as it heals what died.
type guarded struct {
	n     *node
	until time.Duration
}

var errGuardedUp = errors.New("still running at the deadline")

// Prepare is part of guard.Machine.
func (m *guarded) Prepare() {}

// Stop is part of guard.Machine.
func (m *guarded) Stop(limit time.Duration) {
	m.until = m.n.boot() + limit
	for _, s := range m.n.services {
		if s.up && !s.starting && !s.stopping {
			m.stop(s)
		}
	}
}

func (m *guarded) stop(s *service) {
	n := m.n
	n.w.trace(n.machine, "the guard stops %s", s.name)
	s.turn++
	turn, fails := s.turn, take(&n.stubborn.failStops)
	s.stopping = true
	n.w.after(n.w.upTo(n.w.Timing.Stop), func() {
		n.run(func() {
			if s.turn != turn {
				return
			}
			if s.stopping = false; !fails && !s.hidden {
				s.leave()
			}
			s.changed()
		})
	})
}

// Stopped is part of guard.Machine.
func (m *guarded) Stopped() (bool, error) {
	busy, up := false, false
	for _, s := range m.n.services {
		busy = busy || s.stopping || s.starting || s.outlives
		up = up || !s.run().Down()
	}
	switch {
	case !up:
		return true, nil
	case busy && m.n.boot() < m.until:
		return false, nil
	}
	return true, errGuardedUp
}

// Cancel is part of guard.Machine.
func (m *guarded) Cancel() {}

// Fence is part of guard.Machine.
func (m *guarded) Fence(string) { m.n.selfFence() }
