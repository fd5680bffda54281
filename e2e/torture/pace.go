package main

import (
	"time"
)

const (
	// patience bounds the wait for what has to come, longestRun a whole run.
	patience   = 3 * time.Minute
	longestRun = 10 * time.Minute
	// slowest bounds how much longer a busy machine may make everything.
	slowest = 6
	// quick is what a commit takes on an idle machine at most.
	quick = 400 * time.Millisecond
)

// measure finds out how slow the machine is: a commit is what it is asked for most.
func (s *site) measure() error {
	s.slow = 1
	began := time.Now()
	if err := s.commit(); err != nil {
		return err
	}
	s.slow = min(slowest, 1+int(time.Since(began)/quick))
	s.say("a commit took %v: everything takes %d times as long as on an idle machine", time.Since(began), s.slow)
	return s.commit()
}

// giveUp ends a run that cannot be played as it should. What was seen until then
// counts all the same.
func (s *site) giveUp(why string) {
	if s.ctx.Err() != nil {
		return
	}
	s.say("given up: %s", why)
	s.unplayed = append(s.unplayed, why)
	if s.giveup != nil {
		s.giveup()
	}
}

// slowed is a time as it is on this machine now.
func (s *site) slowed(d time.Duration) time.Duration { return d * time.Duration(s.slow) }

// serves reports whether a service of a side beats.
func (s *site) serves(side string) bool {
	for _, p := range s.spans(side) {
		if time.Since(p.to) < fresh {
			return true
		}
	}
	return false
}

// until waits for a state. It returns false, and says so in the run's log, when it
// does not come in time.
func (s *site) until(what string, limit time.Duration, ok func() bool) bool {
	for end := time.Now().Add(limit); ; {
		if ok() {
			return true
		}
		if time.Now().After(end) || !pause(s.ctx, 50*time.Millisecond) {
			s.say("never seen: %s", what)
			return false
		}
	}
}

// comesUp waits for a side to serve.
func (s *site) comesUp(side string, limit time.Duration) bool {
	return s.until(side+" serves", limit, func() bool { return s.serves(side) })
}

// wants is comesUp for what a run cannot do without.
func (s *site) wants(side string) {
	if !s.comesUp(side, patience) {
		s.giveUp(side + " never served")
	}
}

func (s *site) goesDown(side string, limit time.Duration) bool {
	return s.until(side+" is down", limit, func() bool { return !s.serves(side) })
}

// wait lets the agents do something that cannot be seen from outside.
func (s *site) wait(d time.Duration) { pause(s.ctx, s.slowed(d)) }
