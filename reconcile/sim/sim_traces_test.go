package sim

import (
	"slices"
	"strings"
	"testing"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// story is a deployment that serves on main, as settings say, to which a trace
// that once broke the rules is told.
type story struct {
	*World
	t          *testing.T
	main, stby *node
}

func tell(t *testing.T, change func(*Settings)) *story {
	t.Helper()
	settings := DefaultSettings()
	if change != nil {
		change(&settings)
	}
	w := NewWorld(1, settings, NewLibrary())
	w.Trace = func(at time.Duration, who, what string) { t.Logf("%9.3f %-12s %s", at.Seconds(), who, what) }
	w.Boot()
	settle(t, w, time.Minute)
	return &story{World: w, t: t, main: w.byName["xivo-main"], stby: w.byName["xivo-standby"]}
}

// passes lets d pass, in which nothing may be violated.
func (s *story) passes(d time.Duration) {
	s.t.Helper()
	if s.Run(d); s.Violation() != "" {
		s.t.Fatal(s.Violation())
	}
}

// until lets time pass until something holds.
func (s *story) until(what string, bound time.Duration, holds func() bool) {
	s.t.Helper()
	if !s.Until(bound, holds) {
		s.t.Fatalf("%s: not so after %s; violation %q", what, bound, s.Violation())
	}
}

func (s *story) serves(n *node)         { s.t.Helper(); s.expect(n.active(), n.machine+" serves") }
func (s *story) servesNot(n *node)      { s.t.Helper(); s.expect(!n.active(), n.machine+" does not serve") }
func (s *story) holder() spec.Side      { return s.server.tip("xivo").Holder.Side() }
func (s *story) knows(n *node) string   { return n.proc.learnt.Claims["xivo"].Tip.ID }
func (s *story) is(n *node) plan.Report { return n.proc.actuator.Report() }

func (s *story) expect(so bool, what string) {
	s.t.Helper()
	if !so {
		s.t.Fatalf("%s: expected that %s", s.Now(), what)
	}
}

// pushing reports whether a node has just sent a change of its claim.
func pushing(n *node, a plan.Action) bool {
	p := n.proc
	return p.busy && p.order.Push != nil && p.order.Push.Claim.Action == a
}

func TestTrace1LateRelease(t *testing.T) { // R3
	s := tell(t, nil)
	s.main.link.claims, s.main.link.delay = Late, 12*time.Second
	s.Declare(spec.Standby)
	s.until("main is down", 20*time.Second, func() bool { return !s.main.active() })
	s.until("the release is on its way", 5*time.Second, func() bool { return pushing(s.main, plan.Release) })
	s.main.link.claims = Answered
	s.Declare(spec.Main)
	s.until("main serves again", 10*time.Second, s.main.active)
	s.passes(15 * time.Second) // the late release is refused
	s.Declare(spec.Standby)
	settle(t, s.World, time.Minute)
	s.passes(30 * time.Second)
}

func TestTrace2StaleFencing(t *testing.T) { // R3; README: fenced
	s := tell(t, nil)
	s.main.powerOff()
	s.byName["cc-main"].powerOff()
	s.stby.link.claims, s.stby.link.delay = Late, 20*time.Second
	fenced := s.settings
	fenced.Active, fenced.Fenced = spec.Standby, spec.Main
	s.Commit(fenced)
	s.until("the seizure is on its way", 10*time.Second, func() bool { return pushing(s.stby, plan.Seize) })
	s.Declare(spec.Main)
	s.Boot()
	s.until("main serves", 10*time.Second, s.main.active)
	s.passes(30 * time.Second) // the delayed seizure is refused
	s.serves(s.main)
	s.servesNot(s.stby)
}

func TestTrace3SilentPresumptionAtBoot(t *testing.T) { // R6
	s := tell(t, nil)
	s.main.powerOff()
	s.byName["cc-main"].powerOff()
	fenced := s.settings
	fenced.Active, fenced.Fenced = spec.Standby, spec.Main
	s.Commit(fenced)
	s.until("standby serves", 20*time.Second, s.stby.active)
	s.main.link.cut = true
	s.main.powerOn()
	s.passes(40 * time.Second)
	s.servesNot(s.main) // its disk says "mine, main declared", and the witness answers
	s.main.lies = Silence
	s.until("main presumes", time.Minute, s.main.active)
	s.expect(s.is(s.main).Guarantee == plan.Presumed, "the start is recorded as presumed")
	s.main.link.cut = false
	s.until("main stops on the refusal", time.Minute, func() bool { return !s.main.active() })
	s.serves(s.stby)
}

func lease(s *Settings) { s.Lease = 20 * time.Second }

func TestTrace4LeaseLaundered(t *testing.T) { // R7
	s := tell(t, lease)
	s.main.link.cut = true
	s.main.stubborn.failStops = 1 << 20
	s.Declare(spec.Standby)
	s.until("standby seizes", 30*time.Second, func() bool { return s.holder() == spec.Standby })
	s.Declare(spec.Main)
	s.until("standby releases what it never used", 20*time.Second, func() bool { return s.holder() == "" })
	s.expect(s.server.tip("xivo").Debt > 0, "the wait that was not served is left as a debt")
	s.Declare(spec.Standby)
	s.until("standby serves", 3*time.Minute, s.stby.active)
	s.passes(time.Minute)
}

func TestTrace5LeaseByDocument(t *testing.T) { // R7
	s := tell(t, nil)
	s.main.link.cut = true
	changed := s.settings
	changed.Active, changed.Lease = spec.Standby, 20*time.Second
	s.Commit(changed)
	s.passes(3 * time.Minute)
	s.servesNot(s.stby) // the claim carries no lease, and the witness answers
	s.serves(s.main)
}

func TestTrace6LeaseAndPause(t *testing.T) { // R7, R11
	s := tell(t, lease)
	paused := s.settings
	paused.Paused = "xivo-main"
	s.Commit(paused)
	s.until("main is paused", 10*time.Second, func() bool { return s.Status("xivo-main") == plan.Paused })
	s.main.link.cut = true
	s.Declare(spec.Standby)
	s.until("the lease stops a paused main", time.Minute, func() bool { return !s.main.active() })
	s.until("standby serves", 3*time.Minute, s.stby.active)
}

func TestTrace6LeaseAndAFailedStop(t *testing.T) { // R7
	s := tell(t, lease)
	s.main.link.cut = true
	s.main.stubborn.failStops = 1 << 20
	s.Declare(spec.Standby)
	boots := s.main.boots
	s.until("main fences itself", 2*time.Minute, func() bool { return s.main.boots > boots })
	s.until("standby serves", 3*time.Minute, s.stby.active)
	s.passes(time.Minute)
}

func TestTrace7RestartRefreshesTheLease(t *testing.T) { // R7
	s := tell(t, lease)
	s.main.link.cut = true
	s.Declare(spec.Standby)
	for range 20 {
		s.passes(8 * time.Second)
		s.main.killAgent()
		s.main.startAgent()
	}
	s.servesNot(s.main)
	s.until("standby serves", 3*time.Minute, s.stby.active)
}

func TestTrace8SeizureLearntByReading(t *testing.T) { // R7
	s := tell(t, lease)
	s.main.link.cut = true
	s.stby.link.claims = Unheard
	s.Declare(spec.Standby)
	s.until("standby seizes", time.Minute, func() bool { return s.holder() == spec.Standby })
	won, before := s.Now(), s.server.claims[s.server.claims[s.server.tip("xivo").ID].parent].tip
	s.until("standby serves", 3*time.Minute, s.stby.active)
	s.expect(s.Now()-won >= plan.SeizeWait(before.Lease.D(), before.StopBound.D())*999/1000, "standby waits D out")
}

func TestTrace9Clone(t *testing.T) { // R9
	s := tell(t, nil)
	clone := s.addNode("xivo-clone", "xivo-main")
	clone.disk = s.main.disk.copyTo(clone)
	clone.powerOn()
	s.passes(time.Minute)
	s.servesNot(clone) // the claim is the original's
	for _, n := range []*node{s.main, clone} {
		s.expect(hasTwin(s.is(n)), n.machine+" says that two agents call themselves "+n.name)
		s.expect(!strings.Contains(s.is(n).Reason, "--adopt"), n.machine+" does not advise to adopt the claim of a machine that lives")
	}
	for _, side := range []spec.Side{spec.Standby, spec.Main, spec.Standby} {
		s.Declare(side)
		s.passes(time.Minute) // a free claim goes to either of the two, never to both
		s.expect(s.main.active() != clone.active() || side == spec.Standby, "one machine of main's side serves when main is declared")
		s.expect(!s.main.active() || !clone.active(), "the two never both serve")
	}
}

func hasTwin(r plan.Report) bool {
	return slices.ContainsFunc(r.Conditions, func(c plan.Condition) bool { return c.Type == plan.CondTwoAgents })
}

func TestTrace10ReplacedHolder(t *testing.T) { // R9
	s := tell(t, func(s *Settings) { s.Hold = true })
	s.main.powerOff()
	s.main.replace()
	s.passes(time.Minute)
	s.servesNot(s.main)
	s.expect(s.Status("xivo-main") == plan.Held, "a replaced main waits for a person")
	s.main.proc.take(&plan.TakeoverAsk{Attest: "the old machine is scrapped", Adopt: true})
	s.until("main serves", time.Minute, s.main.active)
	settle(t, s.World, time.Minute)
}

func TestTrace11RegressedClaim(t *testing.T) { // R10
	s := tell(t, nil)
	s.Declare(spec.Standby)
	settle(t, s.World, time.Minute)
	s.Declare(spec.Main)
	s.until("standby releases", time.Minute, func() bool { return s.holder() == "" })
	s.stby.link.cut = true // it knows the claim as free
	settled := func() bool { return s.Status("xivo-main") == plan.Active }
	s.until("main serves", time.Minute, settled)
	s.passes(10 * time.Second)
	s.main.link.cut = true
	s.server.back("xivo", 1)
	s.stby.link.cut = false
	s.Declare(spec.Standby)
	s.passes(2 * time.Minute)
	s.servesNot(s.stby) // a report names a higher seq than the claim has
	s.main.link.cut = false
	settle(t, s.World, 2*time.Minute)
}

func TestTrace12DeadReport(t *testing.T) { // followers
	s := tell(t, nil)
	cc := s.byName["cc-main"]
	cc.powerOff()
	s.main.stubborn.failStarts = 8
	s.main.powerOff()
	s.main.powerOn()
	s.until("main renews", 20*time.Second, func() bool { return s.server.tip("xivo").Action == plan.Renew })
	cc.powerOn()
	s.passes(8 * time.Second)
	s.servesNot(cc) // the report is from before the renewal
	s.until("cc serves once its xivo is Active", 3*time.Minute, cc.active)
	s.expect(s.Status("xivo-main") == plan.Active, "xivo is Active first")
}

func TestTrace13OneLostProbe(t *testing.T) { // R4
	s := tell(t, nil)
	s.main.link.cut = true
	s.Declare(spec.Standby)
	for range 10 {
		s.passes(9 * time.Second)
		s.stby.lies = Silence
		s.passes(3 * time.Second)
		s.stby.lies = Truth
	}
	s.servesNot(s.stby)
}

func TestTrace14FailingOverToNobody(t *testing.T) { // R2
	s := tell(t, nil)
	s.stby.powerOff()
	s.Declare(spec.Standby)
	s.passes(5 * time.Minute)
	s.serves(s.main)
	s.stby.powerOn()
	settle(t, s.World, time.Minute)
}

func TestReleaseUnderAStopThatReplacedAStart(t *testing.T) { // R2
	s := tell(t, nil)
	s.stby.stubborn.hangStarts = 1
	s.Declare(spec.Standby)
	s.until("standby starts", 20*time.Second, func() bool { return s.stby.services[0].starting })
	s.stby.stubborn.hangStops = 1
	s.Declare(spec.Main)
	s.until("standby stops", 20*time.Second, func() bool { return s.stby.services[0].stopping })
	settle(t, s.World, 2*time.Minute)
}

func TestAnAgentThatDiedBeforeItStartedAnythingRenews(t *testing.T) { // R3, R5
	s := tell(t, nil)
	s.Declare(spec.Standby)
	s.until("standby won the claim", 20*time.Second, func() bool { return s.holder() == spec.Standby })
	taken := s.server.tip("xivo").Start
	s.until("its memory says so", 5*time.Second, func() bool {
		var m plan.Memory
		return s.stby.disk.peek("memory", &m) == nil && m.Stage == plan.StageServing
	})
	s.stby.killAgent()
	for _, r := range s.stby.services {
		r.vanish()
	}
	s.stby.startAgent()
	settle(t, s.World, time.Minute)
	s.expect(s.server.tip("xivo").Start > taken, "the start is a new one")
}

func TestAReversedDocumentEndsAHungStartAtOnce(t *testing.T) {
	s := tell(t, nil)
	s.Timing.Notify = true
	s.stby.stubborn.hangStarts = 1
	s.Declare(spec.Standby)
	s.until("standby starts", 20*time.Second, func() bool { return s.stby.services[0].starting })
	s.Declare(spec.Main)
	s.until("the start is given up", 3*time.Second, func() bool { return !s.stby.services[0].starting })
	settle(t, s.World, time.Minute)
}

func TestALocalPauseKeepsHandsOffAndEnds(t *testing.T) { // R11
	s := tell(t, nil)
	p := s.main.proc
	pause := reconcile.Pause{Reason: "work on it", Until: p.clock.Wall().Add(time.Minute)}
	p.ask(func(a *reconcile.Actuator) { _ = a.SetPause(&pause) })
	s.passes(time.Second)
	s.main.services[1].fail()
	s.passes(50 * time.Second)
	s.expect(!s.main.services[1].up, "a paused node does not heal")
	settle(t, s.World, time.Minute)
}

// fence takes the power from one side and says so in the document.
func (s *story) fence(side spec.Side) {
	for _, n := range s.nodes {
		if n.side == side {
			n.powerOff()
		}
	}
	settings := s.settings
	settings.Active, settings.Fenced = side.Other(), side
	s.Commit(settings)
}

// bad is a commit that no node accepts.
func (s *story) bad() {
	broken := s.settings
	broken.Broken = 1
	s.server.spoil(broken.Text(), false)
}

// lostFence is a fencing of main that standby accepted and could not act on
// before it went off, and that was withdrawn below a broken commit.
func (s *story) lostFence(main func()) {
	s.stby.link.claims = Lost
	fenced := s.settings
	fenced.Active, fenced.Fenced = spec.Standby, spec.Main
	s.Commit(fenced)
	s.until("the seizure is on its way", 10*time.Second, func() bool { return pushing(s.stby, plan.Seize) })
	s.stby.powerOff()
	s.Declare(spec.Main)
	main()
	s.bad()
	s.stby.link.claims = Answered
	s.stby.powerOn()
	s.passes(time.Minute)
	s.serves(s.main)
	s.servesNot(s.stby)
}

func TestAFencingThatWasWithdrawnTakesNothing(t *testing.T) { // R4
	t.Run("main was off and is back", func(t *testing.T) {
		s := tell(t, nil)
		s.main.powerOff()
		s.lostFence(func() {
			s.main.powerOn()
			s.until("main serves", 20*time.Second, s.main.active)
		})
	})
	t.Run("main never read it", func(t *testing.T) {
		s := tell(t, nil)
		s.main.link.cut = true
		s.lostFence(func() {})
	})
}

func TestAFencingOfLongAgoTakesNothingBack(t *testing.T) { // R4; README: fenced
	s := tell(t, nil)
	s.fence(spec.Main)
	s.until("standby serves", 30*time.Second, func() bool { return s.Status("xivo-standby") == plan.Active })
	s.main.powerOn()
	s.fence(spec.Standby)
	s.until("main serves", 30*time.Second, func() bool { return s.Status("xivo-main") == plan.Active })
	s.bad() // standby cannot learn what main serves under
	s.stby.powerOn()
	s.passes(time.Minute)
	s.servesNot(s.stby)
	s.serves(s.main)
}

func TestAClaimWonForAnAgentThatDiedIsRenewedBeforeAnythingStarts(t *testing.T) { // R3, R5
	s := tell(t, nil)
	s.Declare(spec.Standby)
	s.until("the take is on its way", 30*time.Second, func() bool { return pushing(s.stby, plan.Take) })
	s.stby.killAgent()
	s.passes(time.Second)
	s.stby.services[0].byHandStart()
	s.stby.startAgent()
	settle(t, s.World, time.Minute)
	s.expect(s.server.tip("xivo").Action == plan.Renew, "the claim was renewed for the start")
}

func TestAPersonsWordIsNoGoodOnceTheNodeStoodStill(t *testing.T) { // R9
	off := &plan.TakeoverAsk{Attest: "main is off"}
	freeze := Fault{Kind: Freeze, Machine: "xivo-standby", For: 20 * time.Second}
	for name, say := range map[string]func(s *story){
		"before the order": func(s *story) { s.apply(freeze); s.stby.proc.take(off) },
		"after the order":  func(s *story) { _ = s.stby.proc.actuator.SetTakeover(off); s.apply(freeze) },
	} {
		t.Run(name, func(t *testing.T) {
			s := tell(t, nil)
			s.passes(10 * time.Second) // standby has read the claim that the word is about
			s.main.powerOff()
			say(s)
			s.passes(time.Minute)
			s.servesNot(s.stby) // also while nobody has changed the claim that the word was about
			s.main.powerOn()
			s.passes(time.Minute)
			s.serves(s.main)
			s.servesNot(s.stby)
		})
	}
}

// taken is a main that serves, and is declared, while standby takes its claim on
// the word of a person who is mistaken.
func (s *story) taken() {
	s.main.mark.excused = true // what the mistake costs is not the agents' fault
	s.until("standby knows main's claim, which the word is about", 10*time.Second, func() bool { return s.knows(s.stby) == s.server.tip("xivo").ID })
	s.stby.proc.take(&plan.TakeoverAsk{Attest: "main is off"})
	s.until("standby has the claim", 10*time.Second, func() bool { return s.holder() == spec.Standby })
	s.until("main stops", 10*time.Second, func() bool { return !s.main.active() })
}

func TestADeclaredNodeStopsWhenItsClaimIsTaken(t *testing.T) { // R1
	tell(t, nil).taken()
}

func TestAPausedNodeStopsWhenItsClaimIsTaken(t *testing.T) { // R1, R11
	s := tell(t, nil)
	pause := reconcile.Pause{Reason: "work on it"}
	s.main.proc.ask(func(a *reconcile.Actuator) { _ = a.SetPause(&pause) })
	s.passes(time.Second)
	s.expect(s.Status("xivo-main") == plan.Paused, "main is paused")
	s.taken()
}
