package sim

import (
	"strings"
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// A service that runs and cannot be found is not down: its side releases nothing, and
// the other one does not start while anything on this machine answers.
func TestAServiceThatIsNotFoundIsNotDown(t *testing.T) { // R2, R4
	s := tell(t, nil)
	s.main.services[0].hidden = true
	s.main.services[0].changed()
	s.Declare(spec.Standby)
	s.passes(5 * time.Minute)
	s.serves(s.main)
	s.servesNot(s.stby)
	s.expect(s.holder() == spec.Main, "the claim is not released for what was not seen")
	s.main.services[0].hidden = false
	s.main.services[0].changed()
	settle(t, s.World, 5*time.Minute)
	s.serves(s.stby)
}

// A unit whose own stop is over is not down while what belongs to it runs, as the
// database does that a wrapper stands for: the claim is kept for as long.
func TestWhatBelongsToAServiceKeepsTheClaim(t *testing.T) { // R2
	s := tell(t, nil)
	db := s.main.services[0]
	db.rest = 40 * time.Second
	s.Declare(spec.Standby)
	s.until("the stop of the unit itself is over", time.Minute, func() bool { return db.outlives })
	for db.outlives {
		s.expect(s.holder() == spec.Main, "the claim is not released for a wrapper")
		s.servesNot(s.stby)
		s.passes(time.Second)
	}
	s.until("standby serves", time.Minute, s.stby.active)
	s.expect(s.server.tip("xivo").Guarantee == plan.Released, "main was seen down and said so")
}

// A wrapper that is found while what it stands for died serves nothing: its node says
// so, and starts it again.
func TestAWrapperOfWhatDiedIsStartedAgain(t *testing.T) { // R3
	s := tell(t, nil)
	db := s.main.services[0]
	db.die()
	s.until("main says that it does not serve all", time.Minute, func() bool { return s.is(s.main).Status != plan.Active })
	s.until("what died runs again", time.Minute, func() bool { return db.up && db.ready })
	s.until("main is Active", time.Minute, func() bool { return s.is(s.main).Status == plan.Active })
}

// A side on which one service runs and another one failed to start leaves as any
// other does: it stops, is seen down, and releases.
func TestABrokenSideIsLeftWithARelease(t *testing.T) { // R2
	s := tell(t, nil)
	s.broken(0, 1)
	s.Declare(spec.Standby)
	s.until("standby serves", time.Minute, s.stby.active)
	s.expect(s.server.tip("xivo").Guarantee == plan.Released, "main was seen down and said so")
	s.servesNot(s.main)
}

// broken lets a service of main die, and fail to start until its node says Failed,
// while another one runs.
func (s *story) broken(runs, fails int) {
	s.t.Helper()
	s.main.stubborn.failStarts = 1 << 20
	s.main.services[fails].fail()
	s.until("main says Failed", 5*time.Minute, func() bool { return s.is(s.main).Status == plan.Failed })
	s.expect(s.main.services[runs].up, "its other service runs")
	s.passes(10 * time.Second)
}

// What a person states while git is out of reach is written into the claim once git is
// back, so that everybody can read later who said what.
func TestAStatementMadeWithoutGitReachesTheClaim(t *testing.T) { // R9
	s := tell(t, nil)
	s.passes(10 * time.Second)
	for _, n := range s.nodes {
		n.link.cut = true
	}
	s.main.powerOff()
	s.stby.proc.take(&plan.TakeoverAsk{Attest: "main is in the lake (by eve)"})
	s.until("standby serves without git", time.Minute, s.stby.active)
	s.expect(s.holder() == spec.Main, "nothing was pushed while git was gone")
	for _, n := range s.nodes {
		n.link.cut = false
	}
	s.until("the claim holds the word of the person", time.Minute, func() bool {
		t := s.server.tip("xivo")
		return t.Holder.Side() == spec.Standby && t.Guarantee == plan.Attested && strings.Contains(t.Reason, "main is in the lake (by eve)")
	})
	s.serves(s.stby)
}
