package main

import (
	"time"
)

func etcdRecipes() []recipe {
	return []recipe{
		{name: "leader-killed", is: "the leader of etcd is killed in the middle of every switch", play: leaderKilled, only: onEtcd},
		{name: "leader-frozen", is: "it hangs in the middle of a switch, and goes on when another one leads", play: leaderFrozen, only: onEtcd},
		{name: "majority-lost", is: "two members are lost in the middle of a switch, and come back", play: majorityLost, only: onEtcd},
		{name: "member-answers-lost", is: "the leader carries changes out and nobody hears of it, or much later", play: memberAnswersLost, only: onEtcd},
	}
}

// switches declares one side after the other, and lets something happen in the middle of
// each switch. What that returns makes it good again once the side serves.
func (s *site) switches(middle func() (mend func())) {
	s.declare(mainSide, hold)
	s.both()
	s.wants(mainSide)
	for i := range 4 {
		to := []string{standbySide, mainSide}[i%2]
		s.declare(to)
		s.wait(time.Duration(s.rand.IntN(700)) * time.Millisecond)
		mend := middle()
		s.wants(to)
		mend()
		s.must(s.cluster.mend(s.ctx))
	}
	s.wait(2 * time.Second)
}

func leaderKilled(s *site) {
	s.switches(func() func() {
		m := s.cluster.leader()
		s.say("%s of etcd, which leads, is killed", m.name)
		m.kill()
		return func() {}
	})
}

func leaderFrozen(s *site) {
	s.switches(func() func() {
		m := s.cluster.leader()
		s.say("%s of etcd, which leads, hangs", m.name)
		m.freeze(true)
		s.wait(time.Duration(s.rand.IntN(2500)) * time.Millisecond)
		s.say("%s goes on", m.name)
		m.freeze(false)
		return func() {}
	})
}

// majorityLost: nobody can change a claim until a member is back, and who serves goes on.
func majorityLost(s *site) {
	s.switches(func() func() {
		for _, m := range s.cluster.members[:2] {
			s.say("%s of etcd is killed", m.name)
			m.kill()
		}
		s.wait(time.Duration(500+s.rand.IntN(4000)) * time.Millisecond)
		s.must(s.cluster.startAll(s.ctx))
		return func() {}
	})
}

func memberAnswersLost(s *site) {
	s.switches(func() func() {
		m, fault := s.cluster.leader(), []func(*link){lose, holdBack}[s.rand.IntN(2)]
		s.say("the answers of %s of etcd are lost, or what it is told comes late", m.name)
		m.link.fault(fault)
		return func() { m.link.fault(nil) }
	})
}

// trouble is one thing that happens to a member, to the leader as often as not.
func (s *site) trouble() {
	m := s.cluster.leader()
	if s.rand.IntN(2) == 0 {
		m = s.cluster.members[s.rand.IntN(len(s.cluster.members))]
	}
	runs, frozen := m.state()
	switch n := s.rand.IntN(10); {
	case !runs:
		s.say("%s of etcd is started again", m.name)
		s.must(s.cluster.start(m))
	case frozen:
		s.say("%s of etcd goes on", m.name)
		m.freeze(false)
	case n < 4:
		s.say("%s of etcd is killed", m.name)
		m.kill()
	case n < 6:
		s.say("%s of etcd hangs", m.name)
		m.freeze(true)
	default:
		s.spoil("the way of everybody to "+m.name+" of etcd", m.link)
	}
}
