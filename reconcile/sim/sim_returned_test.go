package sim

import (
	"maps"
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// A machine that came back goes by what it knew only after it has listened: what it
// knows and what git says may be from one old backup, and it may be a copy.

// backup is the git server and main's machine at one moment.
type backup struct {
	refs    map[string]string
	reports map[string]plan.Report
	disk    *disk
}

func (s *story) backUp() backup {
	return backup{refs: s.server.refs, reports: maps.Clone(s.server.reports), disk: s.main.disk.copyTo(s.main)}
}

// restoreTogether puts main and git back to one backup.
func (s *story) restoreTogether(b backup) {
	s.main.powerOff()
	maps.Copy(s.server.reports, b.reports)
	s.server.refs = b.refs
	for _, role := range []string{"xivo", "cc"} {
		s.check.changed[role], s.check.blind[role] = s.now, false
	}
	s.main.disk = b.disk
	s.main.powerOn()
}

func TestMainAndGitOfOneBackupStartNothingBesideAServingStandby(t *testing.T) { // R3, R10
	for name, change := range map[string]func(*Settings){"with a witness": nil, "under hold": hold, "without a witness": func(s *Settings) { s.Witness = false }} {
		t.Run(name, func(t *testing.T) {
			s := tell(t, change)
			old := s.backUp()
			s.Declare(spec.Standby)
			settle(t, s.World, time.Minute)
			s.restoreTogether(old)
			s.until("standby restores the claim it serves under", 20*time.Second, func() bool { return s.holder() == spec.Standby })
			s.passes(25 * time.Second)
			s.serves(s.stby)
			s.servesNot(s.main)
		})
	}
}

func TestAStandbyThatCannotReachGitIsHeardByTheWitness(t *testing.T) { // R3
	s := tell(t, nil)
	old := s.backUp()
	s.Declare(spec.Standby)
	settle(t, s.World, time.Minute)
	s.stby.link.cut = true
	s.restoreTogether(old)
	s.passes(3 * time.Minute)
	s.servesNot(s.main)
	s.expect(s.is(s.main).Status == plan.Held && s.is(s.main).Rule == plan.R3, "main says why it is held")
	s.serves(s.stby)
}

func TestAFreeClaimOfAnOldBackupProvesNothingAtOnce(t *testing.T) { // R3, R12
	s := tell(t, nil)
	s.Declare(spec.Standby)
	settle(t, s.World, time.Minute)
	s.Declare(spec.Main)
	s.until("standby gives the claim back", time.Minute, func() bool { return s.holder() == "" })
	old := s.backUp()
	settle(t, s.World, time.Minute)
	s.Declare(spec.Standby)
	settle(t, s.World, time.Minute)
	s.restoreTogether(old)
	s.passes(time.Minute)
	s.serves(s.stby)
	s.servesNot(s.main)
}

func TestTheOnlyServingMachineComesBackWithinTwoPolls(t *testing.T) { // R3
	for name, off := range map[string]bool{"with a standby": false, "alone": true} {
		t.Run(name, func(t *testing.T) {
			s := tell(t, nil)
			if off {
				s.stby.powerOff()
			}
			s.main.powerOff()
			s.main.powerOn()
			s.until("main serves", 2*s.settings.Poll+3*time.Second, s.main.active)
		})
	}
}

func TestAnAgentThatFindsItsServicesRunningListensForNothing(t *testing.T) { // R3, R5
	s := tell(t, nil)
	s.main.killAgent()
	s.main.startAgent()
	s.passes(3 * time.Second)
	s.expect(s.Status("xivo-main") == plan.Active, "main is Active at once")
}

// twin is a copy of main's machine that has the same fingerprint, as a container has
// that was copied with its machine id.
func (s *story) twin() *node {
	twin := s.addNode("xivo-twin", "xivo-main")
	twin.fingerprint = s.main.fingerprint
	twin.disk = s.main.disk.copyTo(twin)
	return twin
}

func has(r plan.Report, kind string) bool {
	for _, c := range r.Conditions {
		if c.Type == kind {
			return true
		}
	}
	return false
}

func TestACopyWithTheSameFingerprintServesBesideNobody(t *testing.T) { // R1, R3
	s := tell(t, nil)
	twin := s.twin()
	twin.powerOn()
	s.until("both say so", 20*time.Second, func() bool {
		return has(s.is(s.main), plan.CondTwoAgents) && has(s.is(twin), plan.CondTwoAgents)
	})
	s.serves(s.main)
	for _, side := range []spec.Side{spec.Standby, spec.Main, spec.Standby} {
		s.Declare(side)
		s.passes(2 * time.Minute)
		s.servesNot(twin)
		s.expect(s.main.active() == (side == spec.Main), "main serves when it is declared")
		s.expect(s.stby.active() == (side == spec.Standby), "standby serves when it is declared")
	}
}

func TestOfTwoCopiesTheOlderTokenStops(t *testing.T) { // R1
	s := tell(t, nil)
	twin := s.twin()
	s.main.link.cut = true
	s.main.mark.excused = true // nobody could hear it
	twin.powerOn()
	s.until("the copy serves", 30*time.Second, twin.active)
	s.main.link.cut = false
	s.until("main stops", 10*time.Second, func() bool { return !s.main.active() })
	s.passes(time.Minute)
	s.serves(twin)
	s.servesNot(s.main)
	s.expect(has(s.is(s.main), plan.CondTwoAgents) && has(s.is(twin), plan.CondTwoAgents), "both say so")
	twin.powerOff()
	s.main.proc.take(&plan.TakeoverAsk{Attest: "the copy is deleted", Adopt: true})
	s.until("main serves", 30*time.Second, s.main.active)
}

func TestTwoMachinesOfOneNodeNameSaySo(t *testing.T) {
	s := tell(t, nil)
	other := s.addNode("xivo-other", "xivo-main")
	other.powerOn()
	s.until("both say so", 20*time.Second, func() bool {
		return has(s.is(s.main), plan.CondTwoAgents) && has(s.is(other), plan.CondTwoAgents)
	})
	s.serves(s.main)
	s.servesNot(other)
}

func TestAnAgentIsNoTwinOfTheRunBeforeIt(t *testing.T) {
	s := tell(t, nil)
	for range 5 {
		s.main.killAgent()
		s.main.startAgent()
		s.passes(7 * time.Second)
		s.expect(!has(s.is(s.main), plan.CondTwoAgents), "nobody is taken for a second agent")
	}
}

func TestARestoredDiskServesAgainWhenNobodyElseSpeaks(t *testing.T) { // R3
	s := tell(t, nil)
	old := s.main.disk.copyTo(s.main)
	for range 2 {
		s.main.powerOff()
		s.main.powerOn()
		s.until("main serves", time.Minute, s.main.active)
	}
	s.main.powerOff()
	s.main.disk = old
	s.main.powerOn()
	s.until("main serves", 20*time.Second, s.main.active)
}
