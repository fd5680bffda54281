package sim

import (
	"strings"
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// Ways by which absence was once read as proof. Each ended with both sides
// serving and the word "released" in the claim.

func hold(s *Settings) { s.Hold = true }

// loseRefs is a new git server made from a clone: it has the branch, and nothing
// of the claims and reports.
func (s *story) loseRefs() {
	for ref := range s.server.refs {
		if strings.HasPrefix(ref, "refs/mainstay/") {
			s.server.set(ref, "")
		}
	}
	for _, role := range []string{"xivo", "cc"} {
		s.check.changed[role] = s.now // a look that began before does not know of it
	}
}

// anew is a machine that knows nothing, in the place of one that is gone.
func (s *story) anew(n *node) {
	n.powerOff()
	n.replace()
}

func TestANewServerIsNoRelease(t *testing.T) { // R13; README: released
	for name, seen := range map[string]bool{"standby reaches it": true, "standby does not": false} {
		t.Run(name, func(t *testing.T) {
			s := tell(t, hold)
			s.Declare(spec.Standby)
			settle(t, s.World, time.Minute)
			s.stby.link.cut = true
			s.loseRefs()
			s.Declare(spec.Main)
			s.anew(s.main)
			s.stby.link.cut = !seen
			s.passes(2 * time.Minute)
			s.expect(!s.main.active() || !s.stby.active(), "one side serves")
			s.expect(seen || !s.main.active(), "main does not start beside a standby it knows nothing of")
		})
	}
}

func TestANewServerAndNobodyElseIsAPresumption(t *testing.T) { // R13, R4
	s := tell(t, nil)
	s.stby.powerOff()
	s.byName["cc-standby"].powerOff()
	s.loseRefs()
	s.anew(s.main)
	s.until("main serves", 2*time.Minute, s.main.active)
	s.expect(s.server.tip("xivo").Guarantee == plan.Presumed, "the claim says presumed")
}

func TestAFirstStartWaitsForOneReport(t *testing.T) { // R13
	w := NewWorld(1, DefaultSettings(), NewLibrary())
	w.Boot()
	if !w.Until(8*time.Second, w.byName["xivo-main"].active) || w.server.tip("xivo").Guarantee != plan.Released {
		t.Errorf("main serves %v, %+v", w.Serving("xivo-main"), w.server.tip("xivo").Claim)
	}
}

// presumed is a standby that has presumed a main that lives.
func (s *story) presumed() {
	s.main.frozen = true
	s.stby.lies = Silence
	s.Declare(spec.Standby)
	s.until("standby presumes", time.Minute, s.stby.active)
	s.expect(s.server.tip("xivo").Guarantee == plan.Presumed, "it is recorded")
}

func TestAPresumptionIsNotLaunderedByGivingItBack(t *testing.T) { // R12; README: presumed
	s := tell(t, func(s *Settings) { s.AbsentStop = true })
	s.presumed()
	back := s.settings
	back.Active, back.Hold = spec.Main, true
	s.Commit(back)
	s.until("standby gives the claim back", 2*time.Minute, func() bool { return s.holder() == "" })
	s.Declare(spec.Standby)
	s.passes(2 * time.Minute)
	s.servesNot(s.stby)
	s.serves(s.main)
}

func TestAWitnessThatAnswersIsAskedAboutAFreeClaimToo(t *testing.T) { // R12, R4; README: presumed
	s := tell(t, func(s *Settings) { s.AbsentStop = true })
	s.presumed()
	s.Declare(spec.Main)
	s.until("standby gives the claim back", 2*time.Minute, func() bool { return s.holder() == "" })
	s.stby.lies = Truth
	s.Declare(spec.Standby)
	s.passes(2 * time.Minute)
	s.servesNot(s.stby)
}

func TestAStatementThatWaitedIsNotCarriedOutAgainstWhoCameBack(t *testing.T) { // R9; README: attested
	s := tell(t, hold)
	s.Declare(spec.Standby)
	settle(t, s.World, time.Minute)
	s.Declare(spec.Main)
	settle(t, s.World, time.Minute)
	s.passes(10 * time.Second)
	s.main.powerOff()
	s.stby.link.cut = true
	s.server.back("xivo", 1)
	s.anew(s.stby)
	s.stby.link.cut = false
	s.until("standby waits", time.Minute, func() bool { return s.is(s.stby).Rule == plan.R10 || s.is(s.stby).Status == plan.Inactive })
	s.stby.proc.take(&plan.TakeoverAsk{Attest: "main is powered off"})
	s.passes(20 * time.Second)
	s.main.powerOn()
	s.passes(2 * time.Minute)
	s.serves(s.main)
	s.servesNot(s.stby)
}

func TestAdoptingKeepsWhatIsOwed(t *testing.T) { // R9, R7
	s := tell(t, lease)
	s.main.link.cut = true
	s.main.stubborn.failStops = 1 << 20
	s.Declare(spec.Standby)
	s.until("standby seizes", 30*time.Second, func() bool { return s.holder() == spec.Standby })
	owed := s.server.tip("xivo").Debt
	s.anew(s.stby)
	s.passes(5 * time.Second)
	s.stby.proc.take(&plan.TakeoverAsk{Attest: "the old standby is scrapped", Adopt: true})
	s.until("it is adopted", 20*time.Second, func() bool { return s.server.tip("xivo").Action == plan.Adopt })
	s.expect(s.server.tip("xivo").Debt == owed, "the wait is still owed")
	s.until("standby serves", 4*time.Minute, s.stby.active)
	s.passes(time.Minute)
}
