package main

import (
	"syscall"
	"time"
)

// random is a run of faults that its seed chooses, and a quiet end.
func random(s *site) {
	s.shape()
	s.both()
	s.wants(mainSide)
	frozen := map[string]bool{}
	for range 6 + s.rand.IntN(10) {
		if s.ctx.Err() != nil {
			return
		}
		s.step(frozen)
		s.wait(time.Duration(100+s.rand.IntN(2500)) * time.Millisecond)
	}
	if s.cluster != nil {
		s.must(s.cluster.mend(s.ctx))
	}
	for side, m := range s.nodes {
		s.git.links[side].fault(nil)
		m.answer(true)
		if frozen[side] {
			s.signal(side, syscall.SIGCONT)
		}
	}
	s.both()
	s.wait(6 * time.Second)
}

// shape chooses the deployment.
func (s *site) shape() {
	s.doc.witness = s.rand.IntN(3) > 0
	if s.rand.IntN(3) == 0 {
		s.doc.unconfirmed = "hold"
	}
	if s.rand.IntN(4) == 0 {
		s.doc.absent = "stop"
	}
	if s.rand.IntN(3) == 0 {
		leased(&s.doc)
		for _, m := range s.nodes {
			m.guarded = true
		}
	}
	s.must(s.commit())
}

// step is one fault or one commit.
func (s *site) step(frozen map[string]bool) {
	side := []string{mainSide, standbySide}[s.rand.IntN(2)]
	switch n := s.rand.IntN(20); {
	case n < 6:
		s.flip(side)
	case n < 11:
		s.disturb(side)
	case n < 12 && s.cluster != nil:
		s.trouble()
	case n < 13:
		s.say("link of %s is whole", side)
		s.git.links[side].fault(nil)
	case n < 15:
		s.end(side, syscall.SIGKILL)
		frozen[side] = false
		s.wait(time.Duration(s.rand.IntN(1500)) * time.Millisecond)
		s.start(side)
	case n < 16:
		s.end(side, syscall.SIGTERM)
		frozen[side] = false
		s.start(side)
	case n < 18 && !frozen[side]:
		s.signal(side, syscall.SIGSTOP)
		frozen[side] = true
	case n < 19 || frozen[side]:
		s.signal(side, syscall.SIGCONT)
		frozen[side] = false
	default:
		yes := s.rand.IntN(2) == 0
		s.say("witness of %s answers: %t", side, yes)
		s.nodes[side].answer(yes)
	}
}

// flip declares a side, now and then with other words for the handover.
func (s *site) flip(side string) {
	switch s.rand.IntN(6) {
	case 0:
		s.declare(side, hold)
	case 1:
		s.declare(side, presume)
	case 2:
		s.declare(side, absentStop)
	default:
		s.declare(side)
	}
}

// disturb spoils a node's way to git and to etcd, or troubles a member of that.
func (s *site) disturb(side string) {
	if s.cluster != nil && s.rand.IntN(2) == 0 {
		s.trouble()
		return
	}
	s.spoil("link of "+side, s.git.links[side])
}

func (s *site) spoil(what string, l *link) {
	faults := []struct {
		name string
		is   func(*link)
	}{
		{"is cut", cut}, {"hangs", hang}, {"loses answers to pushes", lose}, {"holds pushes back", holdBack},
		{"is slow", func(l *link) { l.delay = 400 * time.Millisecond }},
	}
	f := faults[s.rand.IntN(len(faults))]
	s.say("%s %s", what, f.name)
	l.fault(f.is)
}
