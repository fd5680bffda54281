package sim

import (
	"time"

	"mainstay/reconcile/managed"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// service is one real service of a machine.
type service struct {
	n    *node
	name string
	// up is true from the moment it may serve until it cannot any more; ready
	// once it answers.
	up, ready bool
	// starting says that a start order is under way in the service's manager.
	starting, stopping bool
	// byHand says that somebody else than the agent started it.
	byHand bool
	// hidden says that nothing is found where the service is looked for, and that no
	// stop reaches it.
	hidden bool
	// rest is how long what belongs to it outlives its own stop, as the database does
	// that a wrapper stands for; outlives says that this is so now. hollow says that what
	// it stands for died: it is found, and nothing runs.
	rest             time.Duration
	outlives, hollow bool
	// turn numbers the orders, so that an order replaced by another one comes
	// to nothing.
	turn uint64
}

// stubborn counts how many of the next orders go wrong, and how.
type stubborn struct {
	failStarts, failStops, hangStarts, hangStops int
}

func (s *service) run() plan.Run {
	switch {
	case s.hidden:
		return plan.RunUnsure
	case s.stopping, s.outlives:
		return plan.Stopping
	case s.starting && !s.up, s.hollow:
		return plan.Starting
	case s.up:
		return plan.Running
	}
	return plan.Stopped
}

// vanish is the end of a service by the end of its machine.
func (s *service) vanish() {
	s.turn++
	s.up, s.ready, s.starting, s.stopping, s.byHand = false, false, false, false, false
	s.outlives, s.hollow = false, false
}

// orphan is what becomes of an order when the agent that gave it dies: the
// manager carries on, or the order is forgotten.
func (s *service) orphan() {
	if !s.starting && !s.stopping || s.n.w.chance(2) {
		return
	}
	s.turn++
	s.starting, s.stopping, s.ready = false, false, s.up
}

// fail is the service dying by itself.
func (s *service) fail() {
	s.up, s.ready = false, false
	s.changed()
}

// die is the end of what it stands for: its wrapper stays.
func (s *service) die() {
	s.hollow = true
	s.fail()
}

// leave is the end of its own stop: it is down once all that belongs to it is.
func (s *service) leave() {
	if s.rest == 0 || !s.up {
		s.up, s.byHand, s.hollow = false, false, false
		return
	}
	s.outlives = true
	s.n.w.after(s.rest, func() {
		s.n.run(func() {
			if s.outlives {
				s.outlives, s.up, s.byHand = false, false, false
				s.changed()
			}
		})
	})
}

// byHandStart is somebody starting the service past the agent.
func (s *service) byHandStart() {
	if !s.up && !s.starting && s.n.on {
		s.up, s.ready, s.byHand = true, true, true
		s.changed()
	}
}

// changed lets the agent notice, a while later.
func (s *service) changed() {
	if p := s.n.proc; p != nil {
		p.later(s.n.w.upTo(s.n.w.Timing.Notice), p.observe)
	}
}

// getReady lets a service that runs answer after a while.
func (s *service) getReady(turn uint64) {
	s.n.w.after(s.n.w.upTo(s.n.w.Timing.Ready), func() {
		s.n.run(func() {
			if s.turn == turn && s.up {
				s.ready = true
				s.changed()
			}
		})
	})
}

// services is reconcile.Services: what the agent knows of the services and the
// orders it gives.
type services struct {
	p    *proc
	seen []plan.Observed
}

func newServices(p *proc) *services {
	return &services{p: p, seen: make([]plan.Observed, len(p.n.services))}
}

// Configure is part of reconcile.Services.
func (s *services) Configure(*spec.Wanted, []managed.Left) error { return nil }

// Observed is part of reconcile.Services.
func (s *services) Observed() []plan.Observed {
	return append([]plan.Observed(nil), s.seen...)
}

// ByHand is part of reconcile.Services.
func (s *services) ByHand(i int) string { return "systemctl stop " + s.p.n.services[i].name }

// observe observes every service, and reports whether anything changed.
func (s *services) observe() bool {
	changed := false
	for i, r := range s.p.n.services {
		o := s.seen[i]
		o.Run, o.Ready, o.Detail, o.Holdoff = r.run(), r.up && r.ready && !r.stopping && !r.outlives, "", r.hollow
		if o.Op == plan.OpNone && r.up && r.ready {
			o.Err = ""
		}
		changed = changed || o != s.seen[i]
		s.seen[i] = o
	}
	return changed
}

// Start is part of reconcile.Services.
func (s *services) Start(i int) {
	n, r := s.p.n, s.p.n.services[i]
	n.touch()
	n.w.trace(n.machine, "starts %s", r.name)
	turn := s.begin(i, plan.OpStart)
	r.starting, r.stopping, r.byHand, r.outlives, r.hollow = true, false, false, false, false
	fails, hangs := take(&n.stubborn.failStarts), take(&n.stubborn.hangStarts)
	d := n.w.upTo(n.w.Timing.Start)
	if hangs {
		d, fails = time.Minute, true
	}
	s.finish(r, turn, d, func() {
		r.starting = false
		if r.up = r.up || !fails; r.up {
			r.getReady(turn)
		}
	}, func() { s.ended(i, fails, "exit code 1") })
	n.touch()
}

// Stop is part of reconcile.Services.
func (s *services) Stop(i int) {
	n, r := s.p.n, s.p.n.services[i]
	n.touch()
	n.w.trace(n.machine, "stops %s", r.name)
	turn := s.begin(i, plan.OpStop)
	r.up = r.up || r.starting // until it was seen down, whatever an earlier start may still bring about
	r.stopping, r.starting, r.ready = true, false, r.ready && r.hidden
	fails, hangs := take(&n.stubborn.failStops), take(&n.stubborn.hangStops)
	d := n.w.upTo(n.w.Timing.Stop)
	if hangs {
		d, fails = n.w.settings.StopTimeout, true
	}
	s.finish(r, turn, d, func() {
		r.stopping, r.ready = false, fails || r.ready
		if !fails && !r.hidden {
			r.leave()
		}
	}, func() { s.ended(i, fails, "still running at the deadline") })
	n.touch()
}

// Drain is part of reconcile.Services.
func (s *services) Drain(i int) {
	s.p.n.touch()
	turn := s.begin(i, plan.OpDrain)
	r := s.p.n.services[i]
	if r.up && !r.ready {
		r.getReady(turn) // it goes on getting ready, whatever is asked of it meanwhile
	}
	s.finish(r, turn, s.p.n.w.upTo(2*s.p.n.w.Timing.Stop), func() {}, func() {
		s.seen[i].Drained = true
		s.ended(i, false, "")
	})
}

func take(count *int) bool {
	if *count == 0 {
		return false
	}
	*count--
	return true
}

func (s *services) begin(i int, op plan.Op) uint64 {
	s.seen[i].Op, s.seen[i].Err, s.seen[i].Drained = op, "", false
	r := s.p.n.services[i]
	r.turn++
	return r.turn
}

// finish lets an order end in the manager, and the agent hear of it if it is
// the one that gave the order.
func (s *services) finish(r *service, turn uint64, d time.Duration, real, heard func()) {
	n, p := s.p.n, s.p
	n.w.after(d, func() {
		n.run(func() {
			if r.turn != turn {
				return
			}
			real()
			if n.proc != p {
				r.changed()
				return
			}
			p.later(0, func() {
				if r.turn == turn {
					heard()
				}
			})
		})
	})
}

// ended is the end of an order as the agent hears of it: with a fresh look at
// the service.
func (s *services) ended(i int, failed bool, why string) {
	s.seen[i].Op = plan.OpNone
	if failed {
		s.seen[i].Err = why
	}
	s.observe()
	s.p.wake()
}
