// Package servicetest is the conformance suite of service drivers: what every
// driver must show, written once, and an in-memory driver that shows it.
//
// It is imported by tests only. It knows nothing of any kind of service: what
// to drive and how to break it comes from the driver's own test as a Fixture.
package servicetest

import (
	"testing"
	"time"

	"mainstay/reconcile/service"
)

// Behaviour is how a service made for a test behaves.
type Behaviour string

// The behaviours that the suite asks a Fixture for.
const (
	// Behaves runs until it is asked to stop and then stops at once.
	Behaves Behaviour = "behaves"
	// Hangs runs and ignores every polite request to stop.
	Hangs Behaviour = "hangs"
	// FailsToStart cannot be started: the start order fails, or succeeds and
	// the service ends by an error at once.
	FailsToStart Behaviour = "fails to start"
	// Late comes up only some time after its start order ended well: when
	// Subject.ComeUp is called, unless it was told to stop after it came up.
	Late Behaviour = "late"
)

// Fixture tells the suite how to make services of one kind. Every service is
// new and down; what New makes is removed by t.Cleanup, which runs after the
// suite's own last look.
type Fixture struct {
	New func(t *testing.T, b Behaviour) Subject
	// Forces says that the driver can end a service that hangs, so that its
	// Stop succeeds; without it Stop must be ErrTimeout.
	Forces bool
	// Outside says that subjects can be started behind the driver's back; the
	// test that needs it runs only then.
	Outside bool
	// Late says that a start order of this kind can end well before anything of the
	// service is there to be seen.
	Late bool
	// Parallel says that subjects do not disturb each other, so that the tests
	// wait at the same time.
	Parallel bool
	// Bound is how long one change may take to be seen. The default is 20s; it
	// is reached only by a defect.
	Bound time.Duration
	// StopBound is the deadline given to the stop of a service that hangs; any
	// other stop gets Bound. The default is 1s.
	StopBound time.Duration
}

// Subject is one service under test.
type Subject struct {
	Driver service.Driver
	// Alive tells the truth about the service without asking the driver:
	// whether anything of it still runs.
	Alive func() bool
	// Settled waits until a service that is seen running behaves as asked for:
	// until one that hangs does ignore the request to stop. Nil when it does from
	// the first moment.
	Settled func(t *testing.T)
	// Crash ends the service by an error, behind the driver's back.
	Crash func(t *testing.T)
	// ComeUp lets a service that is Late come up. Needed with Fixture.Late only.
	ComeUp func(t *testing.T)
	// StartOutside starts the service behind the driver's back, as a person
	// would. Needed with Fixture.Outside only.
	StartOutside func(t *testing.T)
}

func (f Fixture) withDefaults() Fixture {
	if f.Bound == 0 {
		f.Bound = 20 * time.Second
	}
	if f.StopBound == 0 {
		f.StopBound = time.Second
	}
	return f
}
