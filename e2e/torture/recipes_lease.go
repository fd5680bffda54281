package main

import (
	"syscall"
	"time"
)

// bound is how long the holder of a lease of these runs may serve on at most, L + W of
// R7: a stop takes 5 s, and 30 s are for agent and guard. A seizer waits a little more.
func (s *site) bound() time.Duration { return s.slowed(shortLease) + 35*time.Second }

func leaseRecipes() []recipe {
	return []recipe{
		{5, "lease-agent-stopped", "the agent of a lease's holder is told to end", func(s *site) { s.leaseLost(func() { s.end(mainSide, syscall.SIGTERM) }) }, "", ""},
		{5, "lease-agent-killed", "it is killed", func(s *site) { s.leaseLost(func() { s.end(mainSide, syscall.SIGKILL) }) }, "", ""},
		{5, "lease-agent-frozen", "it hangs", func(s *site) { s.leaseLost(func() { s.signal(mainSide, syscall.SIGSTOP) }) }, "", ""},
		{5, "lease-no-guard-stopped", "it is told to end, and nobody guards", leaseNoGuard, "", ""},
		{6, "lease-crash-loop", "git hangs, and the agent dies faster than it can notice", leaseCrashLoop, "", ""},
		{10, "adopt-debt", "standby seizes by lease, dies, and its replacement adopts", adoptDebt, "", ""},
	}
}

// leaseLost: the holder of a lease loses its agent, and the other side is declared.
func (s *site) leaseLost(lose func()) {
	s.nodes[mainSide].guarded = true
	s.declare(mainSide, leased, hold)
	s.both()
	s.wants(mainSide)
	s.wait(2 * time.Second)
	lose()
	s.declare(standbySide)
	s.wants(standbySide)
	s.wait(2 * time.Second)
}

// leaseCrashLoop: git hangs, and the agent dies faster than it can notice.
func leaseCrashLoop(s *site) {
	s.nodes[mainSide].guarded = true
	s.declare(mainSide, leased, hold)
	s.both()
	s.wants(mainSide)
	s.wait(2 * time.Second)
	s.git.links[mainSide].fault(hang)
	s.declare(standbySide)
	for end := time.Now().Add(patience); time.Now().Before(end) && !s.serves(standbySide); {
		s.end(mainSide, syscall.SIGKILL)
		s.start(mainSide)
		if !pause(s.ctx, time.Duration(200+s.rand.IntN(800))*time.Millisecond) {
			return
		}
	}
	if !s.serves(standbySide) && s.ctx.Err() == nil {
		s.giveUp("standby never took over")
	}
	s.wait(2 * time.Second)
}

// leaseNoGuard: nobody guards, and the agent is told to end.
func leaseNoGuard(s *site) {
	s.declare(mainSide, leased, hold)
	s.both()
	s.wants(mainSide)
	s.wait(2 * time.Second)
	if s.rand.IntN(2) == 0 {
		s.git.links[mainSide].fault(cut)
		s.wait(200 * time.Millisecond)
	}
	s.end(mainSide, syscall.SIGTERM)
	s.declare(standbySide)
	s.comesUp(standbySide, s.bound()+soon)
	s.wait(2 * time.Second)
}

// adoptDebt: standby seizes by lease and dies before it has waited; its replacement
// adopts the claim and owes the wait all the same.
func adoptDebt(s *site) {
	s.declare(mainSide, leased, hold)
	s.both()
	s.wants(mainSide)
	s.wait(2 * time.Second)
	s.git.links[mainSide].fault(cut)
	s.declare(standbySide)
	var seized time.Time
	held := func() bool {
		for _, c := range s.claims() {
			if c.Holder == standbySide {
				seized = c.At
			}
		}
		return !seized.IsZero()
	}
	if !s.until("standby holds the claim", patience, held) {
		s.giveUp("standby never seized")
		return
	}
	s.end(standbySide, syscall.SIGKILL)
	s.wipe(standbySide)
	s.start(standbySide)
	adopted := func() bool {
		return s.ask(standbySide, "takeover", "--adopt", "--attest", "the old machine is in the skip") == 0
	}
	if !s.until("the claim is adopted", patience, adopted) {
		s.giveUp("the claim could not be adopted")
		return
	}
	s.wants(standbySide)
	// The claim tells its time before the push, and a span begins after the start: what
	// is measured is longer than what was waited, however busy the machine is.
	for _, p := range spans(s.nodes[standbySide].folder, standbySide) {
		if waited := p.from.Sub(seized); waited < s.bound() {
			s.found = append(s.found, "standby started "+waited.Round(time.Second).String()+" after the seizure, within main's lease and stop bound")
		}
	}
	s.wait(2 * time.Second)
}
