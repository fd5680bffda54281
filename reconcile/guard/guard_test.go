package guard

import (
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"testing"
	"time"

	"mainstay/reconcile/plan"
)

// site is a machine, its clock, and what an agent wrote, moved by a test.
type site struct {
	now   time.Duration
	kept  Kept
	err   error
	calls []string
	ended bool
	stop  error
}

func (s *site) Prepare()               {}
func (s *site) Stop(time.Duration)     { s.calls, s.ended = append(s.calls, "stop"), false }
func (s *site) Stopped() (bool, error) { return s.ended, s.stop }
func (s *site) Cancel()                { s.calls = append(s.calls, "cancel") }
func (s *site) Fence(string)           { s.calls = append(s.calls, "fence") }
func (s *site) read() (Kept, error)    { return s.kept, s.err }
func (s *site) did(what string) int {
	n := 0
	for _, c := range s.calls {
		if c == what {
			n++
		}
	}
	return n
}

// run steps the guard as its owner would until a moment, with a hook before each
// step.
func (s *site) run(g *Guard, until time.Duration, before ...func()) {
	for s.now < until {
		for _, f := range before {
			f()
		}
		next := g.Step()
		s.now = min(max(next, s.now+time.Millisecond), until)
	}
}

const (
	ends     = 100 * time.Second
	stopTime = 30 * time.Second
)

func leased() (*site, *Guard) {
	s := &site{now: 80 * time.Second, kept: Kept{plan.Watch{Boot: "b", Claim: "c", Began: 70 * time.Second, Until: ends, StopTime: stopTime}, 7}}
	return s, &Guard{Boot: "b", Now: func() time.Duration { return s.now }, Read: s.read, Machine: s, Log: slog.New(slog.DiscardHandler)}
}

// R7: a lease that nobody renews is obeyed by the guard, within the time that a
// seizer counts for it.
func TestADeadAgentsLeaseIsObeyed(t *testing.T) { // README: lease
	s, g := leased()
	s.run(g, ends)
	if len(s.calls) > 0 {
		t.Fatalf("within the lease: %q", s.calls)
	}
	s.run(g, ends+patience+2*Every)
	if s.did("stop") != 1 {
		t.Fatalf("got %q", s.calls)
	}
	s.ended = true
	s.run(g, ends+9*time.Second)
	if !g.Idle() || s.did("fence") > 0 {
		t.Errorf("all is down: %q", s.calls)
	}
	// Somebody starts a service by hand: it is stopped again.
	s.run(g, ends+9*time.Second+lookAgain+2*Every)
	if s.did("stop") != 2 {
		t.Errorf("got %q", s.calls)
	}
}

// R7: a stop that is not seen in time ends in the self-fence, inside the time a
// seizer waits, and again while nothing comes of it.
func TestAStopThatHangsEndsInTheFence(t *testing.T) {
	s, g := leased()
	s.run(g, ends+patience+stopTime+3*Every)
	if s.did("fence") != 1 {
		t.Fatalf("got %q", s.calls)
	}
	s.run(g, s.now+fenceAgain+2*Every)
	if s.did("fence") != 2 {
		t.Errorf("got %q", s.calls)
	}
}

// A stop that fails is tried again until it succeeds.
func TestAStopThatFailsIsTriedAgain(t *testing.T) {
	s, g := leased()
	s.stop = errors.New("still up")
	s.run(g, ends+10*time.Second, func() { s.ended = true })
	if s.did("stop") < 3 {
		t.Errorf("got %q", s.calls)
	}
}

// An agent that passes is at it: two must not stop the same service.
func TestAnAgentThatObeysIsLeftAlone(t *testing.T) {
	s, g := leased()
	s.run(g, ends+stopTime, func() { s.kept.Passed = s.now })
	if len(s.calls) > 0 {
		t.Fatalf("got %q", s.calls)
	}
	// It freezes in the middle of the stop.
	frozen := s.now
	s.run(g, frozen+patience+2*Every)
	if s.did("stop") != 1 {
		t.Errorf("got %q", s.calls)
	}
}

// An agent that is killed again and again passes again and again, and never ends
// a stop.
func TestACrashLoopIsNotAnAgent(t *testing.T) {
	s, g := leased()
	s.run(g, ends+5*time.Second, func() { s.kept.Passed = s.now; s.kept.Agent++ })
	if s.did("stop") != 1 {
		t.Errorf("got %q", s.calls)
	}
}

// A lease that is renewed, or given up, ends what the guard began.
func TestARenewedLeaseEndsTheStop(t *testing.T) {
	for name, renew := range map[string]func(*site){
		"renewed":  func(s *site) { s.kept.Until += time.Hour },
		"given up": func(s *site) { s.kept = Kept{} },
	} {
		s, g := leased()
		s.run(g, ends+8*time.Second)
		renew(s)
		s.run(g, ends+200*time.Second)
		if want := []string{"stop", "cancel"}; !slices.Equal(s.calls, want) {
			t.Errorf("%s: got %q, want %q", name, s.calls, want)
		}
	}
}

// What cannot be read says nothing: what was read before is in force.
func TestAFileThatCannotBeReadReleasesNobody(t *testing.T) {
	for _, err := range []error{errors.New("damaged"), fs.ErrNotExist} {
		s, g := leased()
		s.run(g, ends-time.Second)
		s.kept, s.err = Kept{}, err
		s.run(g, ends+8*time.Second)
		if s.did("stop") != 1 || g.Idle() {
			t.Errorf("%v: got %q", err, s.calls)
		}
	}
}

// A guard that finds a lease long over gives the services the time they need: a
// reboot would come too late to help anybody.
func TestALateGuardDoesNotRebootAtOnce(t *testing.T) {
	s, g := leased()
	s.now = ends + time.Hour
	s.run(g, s.now+stopTime-time.Second)
	if s.did("stop") != 1 || s.did("fence") > 0 {
		t.Fatalf("got %q", s.calls)
	}
	s.run(g, s.now+5*time.Second)
	if s.did("fence") != 1 {
		t.Errorf("got %q", s.calls)
	}
}
