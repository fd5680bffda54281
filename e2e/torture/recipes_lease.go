package main

import (
	"syscall"
	"time"
)

// seizeBound is how long the seizer of a claim with the lease of these runs waits at
// most: D of R7 with a lease of 7 s, a stop of 5 s and the 30 s for agent and guard,
// and then some.
const seizeBound = 80 * time.Second

func leaseRecipes() []recipe {
	return []recipe{
		{"lease-agent-stopped", func(s *site) { s.leaseLost(func() { s.end(mainSide, syscall.SIGTERM) }) }},
		{"lease-agent-killed", func(s *site) { s.leaseLost(func() { s.end(mainSide, syscall.SIGKILL) }) }},
		{"lease-agent-frozen", func(s *site) { s.leaseLost(func() { s.signal(mainSide, syscall.SIGSTOP) }) }},
		{"lease-crash-loop", leaseCrashLoop},
		{"lease-no-guard-stopped", leaseNoGuard},
		{"adopt-debt", adoptDebt},
	}
}

// leaseLost: the holder of a lease loses its agent, and the other side is declared.
func (s *site) leaseLost(lose func()) {
	s.nodes[mainSide].guarded = true
	s.declare(mainSide, leased, hold)
	s.both()
	s.wants(mainSide, soon)
	s.wait(2 * time.Second)
	lose()
	s.declare(standbySide)
	s.wants(standbySide, seizeBound)
	s.wait(2 * time.Second)
}

// leaseCrashLoop: git hangs, and the agent dies faster than it can notice.
func leaseCrashLoop(s *site) {
	s.nodes[mainSide].guarded = true
	s.declare(mainSide, leased, hold)
	s.both()
	s.wants(mainSide, soon)
	s.wait(2 * time.Second)
	s.git.links[mainSide].fault(hang)
	s.declare(standbySide)
	for end := time.Now().Add(seizeBound); time.Now().Before(end) && !s.serves(standbySide); {
		s.end(mainSide, syscall.SIGKILL)
		s.start(mainSide)
		if !pause(s.ctx, time.Duration(200+s.rand.IntN(800))*time.Millisecond) {
			return
		}
	}
	if !s.serves(standbySide) && s.ctx.Err() == nil {
		s.found = append(s.found, "standby never took over, so the recipe was not played")
	}
	s.wait(2 * time.Second)
}

// leaseNoGuard: nobody guards, and the agent is told to end.
func leaseNoGuard(s *site) {
	s.declare(mainSide, leased, hold)
	s.both()
	s.wants(mainSide, soon)
	s.wait(2 * time.Second)
	if s.rand.IntN(2) == 0 {
		s.git.links[mainSide].fault(cut)
		s.wait(200 * time.Millisecond)
	}
	s.end(mainSide, syscall.SIGTERM)
	s.declare(standbySide)
	s.comesUp(standbySide, seizeBound-10*time.Second)
	s.wait(2 * time.Second)
}

// adoptDebt: standby seizes by lease and dies before it has waited; its replacement
// adopts the claim and owes the wait all the same.
func adoptDebt(s *site) {
	s.declare(mainSide, leased, hold)
	s.both()
	s.wants(mainSide, soon)
	s.wait(2 * time.Second)
	s.git.links[mainSide].fault(cut)
	s.declare(standbySide)
	held := func() bool {
		c := s.claims()
		return len(c) > 0 && c[len(c)-1].Holder == standbySide
	}
	if !s.until("standby holds the claim", soon, held) {
		s.found = append(s.found, "standby never seized, so the recipe was not played")
		return
	}
	seized := time.Now()
	s.end(standbySide, syscall.SIGKILL)
	s.wipe(standbySide)
	s.start(standbySide)
	s.wait(time.Second)
	s.ask(standbySide, "takeover", "--adopt", "--attest", "the old machine is in the skip")
	s.comesUp(standbySide, seizeBound)
	if waited := time.Since(seized); s.serves(standbySide) && waited < 42*time.Second {
		s.found = append(s.found, "standby started "+waited.Round(time.Second).String()+" after the seizure, within main's lease and stop bound")
	}
	s.wait(2 * time.Second)
}
