package reconcile

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/e2e/attack"
	"mainstay/reconcile/managed"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/permit"
	"mainstay/spec"
)

// hand is an Actuator of xivo-main with everything around it.
type hand struct {
	*Actuator
	t     *testing.T
	j     *journal
	git   *vault
	disk  *shelf
	clock *still
	rack  *rack
	learn *Learner
}

const self = "xivo-main/1"

func newHand(t *testing.T) *hand {
	t.Helper()
	j := &journal{}
	h := &hand{t: t, j: j, git: newVault(paris(spec.Main)), disk: newShelf(j), clock: newStill(),
		rack: &rack{j: j, seen: make([]plan.Observed, 2)}}
	h.learn = NewLearner(LearnerConfig{Node: "xivo-main", Branch: tip, Path: "deployment.yaml",
		Repository: h.git, Coordination: h.git, Shared: true, Beside: inline, Clock: h.clock, Disk: newShelf(&journal{}), Log: quiet()})
	h.rack.are(plan.Stopped)
	h.restart()
	return h
}

func (h *hand) restart() {
	h.Actuator = NewActuator(ActuatorConfig{Node: "xivo-main", Boot: "boot-1", Instance: self, Coordinated: true,
		Clock: h.clock, Disk: h.disk, Log: quiet(),
		Machine: Machine{Services: h.rack, Files: noFiles{}, Probes: rackProbes{h.rack}, SelfFence: func(string) { h.j.add("fence") }}})
}

// pass looks at git, makes a pass and carries its push out at once.
func (h *hand) pass() Order {
	h.t.Helper()
	h.See(h.learn.Look(h.t.Context()))
	o, _ := h.Pass()
	return o
}

// lands makes the claim what a push asked for.
func (h *hand) lands(o Order) {
	h.t.Helper()
	if o.Push == nil {
		h.t.Fatalf("no push; %s %s", h.Report().Status, h.Report().Reason)
	}
	h.git.claim(o.Push.Parent+"+", ClaimRead{Tip: plan.Tip{Claim: o.Push.Claim}, Descends: true})
}

// serving brings the node up until it is Active.
func (h *hand) serving() *hand {
	h.t.Helper()
	h.lands(h.pass())
	for range 2 {
		h.pass()
		for i := range h.rack.seen {
			if h.rack.seen[i].Op == plan.OpStart {
				h.rack.seen[i] = plan.Observed{Run: plan.Running, Ready: true}
			}
		}
	}
	if h.pass(); h.Report().Status != plan.Active {
		h.t.Fatalf("%s: %s", h.Report().Status, h.Report().Reason)
	}
	h.j.lines = nil
	return h
}

// held makes somebody else the holder of the claim.
func (h *hand) held(by plan.Holder) {
	h.git.claim("other", ClaimRead{Tip: plan.Tip{Claim: plan.Claim{Seq: 9, Holder: by, Node: "xivo-standby", Instance: "xivo-standby/1"}}, Descends: true})
}

func (h *hand) expect(text string) {
	h.t.Helper()
	if !h.j.has(text) {
		h.t.Errorf("no %q in %q", text, h.j.lines)
	}
}

func (h *hand) expectNo(o Order) {
	h.t.Helper()
	if o.Push != nil {
		h.t.Errorf("pushes %+v", o.Push.Claim)
	}
}

func TestMemoryIsOnDiskBeforeAPushIsHandedOut(t *testing.T) { // Decision
	h := newHand(t)
	o := h.pass()
	for range 5 { // a document may come a look later than the claims
		if o.Push == nil {
			o = h.pass()
		}
	}
	if o.Push == nil || o.Push.Claim.Action != plan.Take {
		t.Fatalf("got %+v", o)
	}
	var m plan.Memory
	if err := h.disk.Load("memory", &m); err != nil || m.Pending == nil || m.Pending.Action != plan.Take {
		t.Errorf("the disk knows of %+v, %v", m.Pending, err)
	}
}

func TestMemoryIsOnDiskBeforeAServiceStarts(t *testing.T) {
	h := newHand(t)
	h.lands(h.pass())
	h.j.lines = nil
	h.pass()
	saved, started := h.j.index("save memory"), h.j.index("start 0")
	if saved < 0 || started < 0 || saved > started {
		t.Errorf("in this order: %q", h.j.lines)
	}
}

func TestADiskThatFailsStopsNothing(t *testing.T) {
	h := newHand(t)
	h.disk.full = true
	h.lands(h.pass())
	h.pass()
	h.expect("start 0")
	if !hasCondition(h.Report().Conditions, plan.CondStateNotSaved) {
		t.Error("nobody is told")
	}
	h.disk.full = false
	h.pass()
	if h.expect("save memory"); hasCondition(h.Report().Conditions, plan.CondStateNotSaved) {
		t.Error("it is still said")
	}
}

func TestADamagedMemoryIsNotTrusted(t *testing.T) { // R3
	attack.Row(t, "accident", "the memory of decisions is damaged", "nothing is started from it")
	h := newHand(t).serving()
	h.disk.damaged["memory"] = true
	h.restart()
	o := h.pass()
	if o.Push == nil || o.Push.Claim.Action != plan.Renew {
		t.Errorf("got %+v, want a renewal", o.Push)
	}
	if h.j.has("stop") {
		t.Error("what runs under its own claim was stopped")
	}
}

// R6: what was damaged is set aside by the run that finds it. That this run ended before it kept
// anything makes the memory no new one: a push may be on its way that nobody remembers.
func TestADamagedMemoryThatAnEarlierRunSetAsideIsNotANewOne(t *testing.T) {
	attack.Row(t, "accident", "the power goes while the damaged memory of decisions is set aside", "a push of its own may be on its way: nothing starts before the claim was read")
	h := newHand(t)
	if h.restart(); h.mem.Pending != nil {
		t.Errorf("on a new disk %+v is on its way", h.mem.Pending)
	}
	h.serving().disk.damaged["memory"] = true
	for i := range 3 {
		if h.restart(); h.mem.Pending == nil || h.mem.Bare {
			t.Errorf("run %d: %+v", i, h.mem)
		}
	}
	h.pass()
	if h.restart(); h.mem.Pending == nil || h.mem.Pending.Action != plan.Renew {
		t.Errorf("after it was read, and renewed: %+v", h.mem.Pending)
	}
}

func TestASnapshotThatReversesAStartActsAtOnce(t *testing.T) {
	h := newHand(t)
	h.lands(h.pass())
	h.pass()
	h.expect("start 0")
	h.held("standby")
	h.pass()
	h.expect("stop 0")
}

func TestAStopIsNotSeenDownByAnObservationFromBeforeIt(t *testing.T) { // R2
	h := newHand(t).serving()
	h.git.commit("c2", paris(spec.Standby))
	h.git.report("r1", plan.Report{Deployment: "paris", Node: "xivo-standby", Ready: true, Seq: 1,
		Accepted: "c2"})
	h.pass()
	h.expect("stop 1")
	h.rack.are(plan.Stopped)
	h.rack.seen[0].Op = plan.OpStop
	if o := h.pass(); o.Push != nil {
		t.Errorf("released while a stop is under way: %+v", o.Push)
	}
	h.rack.are(plan.Stopped)
	if o := h.pass(); o.Push == nil || o.Push.Claim.Action != plan.Release {
		t.Errorf("not released once it was seen down: %+v; %s %s", o.Push, h.Report().Status, h.Report().Reason)
	}
}

func TestJobsAreTiedToTheClaim(t *testing.T) { // R5
	h := newHand(t)
	var ties []permit.OwnClaim
	h.Machine.AddToReport = func(_ *plan.Report, own permit.OwnClaim) {
		if len(ties) == 0 || ties[len(ties)-1] != own {
			ties = append(ties, own)
		}
	}
	h.serving()
	h.git.down = true
	h.pass()
	h.clock.pass(time.Minute)
	h.pass()
	h.git.down = false
	h.pass()
	h.held("standby")
	h.pass()
	if diff := cmp.Diff([]permit.OwnClaim{permit.OwnClaimLost, permit.OwnClaimHeld, permit.OwnClaimUnread, permit.OwnClaimLost, permit.OwnClaimHeld, permit.OwnClaimLost}, ties); diff != "" {
		t.Error(diff)
	}
}

func (h *hand) digest(text string) string {
	d, problems := LoadDocument("deployment.yaml", []byte(text), nil)
	if len(problems) > 0 {
		h.t.Fatal(problems)
	}
	return d.Digest()
}

func TestALatePassLooksAtGitBeforeAnythingStarts(t *testing.T) { // R5, R7
	h := newHand(t).serving()
	h.clock.pass(time.Minute)
	h.rack.seen[1] = plan.Observed{Run: plan.RunFailed}
	h.Pass()
	h.expect("forget")
	if h.j.has("start") {
		t.Error("started before git was looked at")
	}
	h.pass()
	h.expect("start 1")
}

func TestARestartedAgentStartsNothingBeforeItKnowsWhatRuns(t *testing.T) { // R3, R5
	h := newHand(t).serving()
	h.restart()
	h.rack.seen[0] = plan.Observed{Run: plan.RunUnsure}
	h.rack.seen[1] = plan.Observed{Run: plan.Stopped}
	h.pass()
	h.pass()
	if h.j.has("start") {
		t.Fatal("started beside a service that nobody has seen")
	}
	h.rack.seen[0] = plan.Observed{Run: plan.Stopped}
	o := h.pass()
	for end := h.clock.Boot() + 2*h.doc.Poll; h.clock.Boot() < end; o = h.pass() {
		h.expectNo(o) // it listens first
		h.clock.pass(time.Second)
	}
	if o.Push == nil || o.Push.Claim.Action != plan.Renew || h.j.has("start") {
		t.Errorf("with nothing running a start is a new one: %+v, %q", o.Push, h.j.lines)
	}
}

func TestARestartedAgentHealsBesideWhatItFindsRunning(t *testing.T) { // R5
	h := newHand(t).serving()
	h.restart()
	h.git.down = true
	h.rack.seen[1] = plan.Observed{Run: plan.RunFailed}
	h.clock.pass(firstBackoff)
	h.pass()
	h.expect("start 1")
}

// firstBackoff is longer than a service that was started once waits for the next
// start.
const firstBackoff = 2 * time.Second

func TestALocalPauseSurvivesARestartAndEnds(t *testing.T) { // R11
	h := newHand(t).serving()
	if err := h.SetPause(&Pause{Reason: "new disks", Until: h.clock.wall.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	h.restart()
	h.rack.seen[1] = plan.Observed{Run: plan.RunFailed}
	if h.pass(); h.Report().Status != plan.Paused || h.j.has("start") {
		t.Errorf("%s, %q", h.Report().Status, h.j.lines)
	}
	h.clock.wall = h.clock.wall.Add(24 * time.Hour) // somebody sets the clock
	if h.pass(); h.Report().Status != plan.Paused {
		t.Error("a step of the wall clock ends the pause")
	}
	h.clock.pass(time.Hour + time.Second)
	h.pass()
	if h.pass(); h.Report().Status == plan.Paused {
		t.Error("the pause does not end")
	}
}

// A pause of the document ends when it says, by the wall clock and by the time that has
// passed since: one that is set ends no pause.
func TestAPauseOfTheDocumentEnds(t *testing.T) { // R11
	h := newHand(t).serving()
	until := h.clock.wall.Add(time.Hour).UTC().Format(time.RFC3339)
	h.git.commit("c2", strings.Replace(paris(spec.Main), "xivo-main:    { ", "xivo-main: { paused: true, until: \""+until+"\", ", 1))
	h.rack.seen[1] = plan.Observed{Run: plan.RunFailed}
	h.pass()
	if r := h.Report(); r.Status != plan.Paused || h.j.has("start") || r.PausedUntil.Format(time.RFC3339) != until {
		t.Errorf("%s until %s, %q", r.Status, r.PausedUntil, h.j.lines)
	}
	h.clock.wall = h.clock.wall.Add(24 * time.Hour) // somebody sets the clock
	if h.pass(); h.Report().Status != plan.Paused {
		t.Error("a step of the wall clock ends the pause")
	}
	h.clock.wall = h.clock.wall.Add(-25 * time.Hour)
	h.clock.pass(time.Hour + time.Second)
	if h.pass(); h.Report().Status != plan.Paused {
		t.Error("a pause ends before the time that it names")
	}
	h.clock.wall = h.clock.wall.Add(2 * time.Hour)
	if h.pass(); h.Report().Status == plan.Paused {
		t.Error("the pause does not end")
	}
	h.clock.wall = h.clock.wall.Add(-24 * time.Hour)
	if h.pass(); h.Report().Status == plan.Paused {
		t.Error("a pause that has ended begins again")
	}
}

// Nobody takes the other side's node for resumed because of the time: it has to say so
// itself, of this very document.
func TestAPauseOfThePeerEndsWhenItSaysSo(t *testing.T) { // R4, R11
	h := newHand(t).serving()
	until := h.clock.wall.Add(time.Hour).UTC().Format(time.RFC3339)
	h.git.commit("c2", strings.Replace(paris(spec.Main), "xivo-standby: { ", "xivo-standby: { paused: true, until: \""+until+"\", ", 1))
	h.clock.wall = h.clock.wall.Add(2 * time.Hour)
	h.clock.pass(2 * time.Hour)
	peer := plan.Report{Deployment: "paris", Node: "xivo-standby", Role: "xivo", Side: spec.Standby}
	for _, c := range []struct {
		what   string
		change func(*plan.Report)
		paused bool
	}{
		{"it says nothing", nil, true},
		{"it is paused still", func(r *plan.Report) { r.Document, r.Paused = h.doc.Digest, true }, true},
		{"it speaks of another document", func(r *plan.Report) { r.Document = "other" }, true},
		{"it says so", func(r *plan.Report) { r.Document = h.doc.Digest }, false},
	} {
		if c.change != nil {
			r := peer
			c.change(&r)
			h.git.report(c.what, r)
			h.clock.pass(time.Minute)
		}
		if h.pass(); h.doc.PeerPaused != c.paused {
			t.Errorf("%s: taken for paused: %v", c.what, h.doc.PeerPaused)
		}
	}
}

func TestANodeThatAllowsNoServiceSaysSo(t *testing.T) { // allow
	h := newHand(t)
	h.rack.refuse = errors.New("asterisk.service is not in allow.systemd")
	o := h.pass()
	if r := h.Report(); r.Status != plan.Failed || r.Reason == "" || o.Push != nil || r.Ready {
		t.Errorf("%s: %s, push %+v", r.Status, r.Reason, o.Push)
	}
}

func TestAPassComesAgainWithinTwoSeconds(t *testing.T) {
	h := newHand(t).serving()
	if _, next := h.Pass(); next <= h.clock.boot || next > h.clock.boot+longestIdle {
		t.Errorf("next pass in %s", next-h.clock.boot)
	}
}

func TestTheReportSaysUnderWhichClaimAndDocumentANodeServes(t *testing.T) {
	h := newHand(t).serving()
	r := h.Report()
	if r.Seq != 1 || r.Holder != "main" || r.Accepted != "c1" || r.Applied != "c1" || !r.Running || r.Instance != self {
		t.Errorf("got %+v", r)
	}
	if r.Document != h.digest(paris(spec.Main)) {
		t.Errorf("document is %s", r.Document)
	}
}

func TestTheEndOfTheAgentLeavesServicesAlone(t *testing.T) { // R5
	h := newHand(t).serving()
	agent := NewAgent(h.learn, h.Actuator, NewPublisher(h.git, h.clock, time.Minute, time.Second))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- agent.Run(ctx) }()
	for {
		if _, ok := agent.Status(); ok {
			break
		}
		agent.Wake()
		select {
		case <-done:
			t.Fatal("ended by itself")
		case <-time.After(time.Millisecond):
		}
	}
	cancel()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("does not end")
	}
	if h.j.has("stop") || h.rack.seen[0].Run != plan.Running {
		t.Errorf("services were touched: %q", h.j.lines)
	}
}

// R2: a node that managed services and whose disk lost the record of them knows that
// something is lost. One that never managed any has lost nothing, whatever else its disk
// holds.
func TestOnlyANodeThatManagedServicesCanLoseItsRecordOfThem(t *testing.T) {
	h := newHand(t).serving()
	delete(h.disk.values, "managed")
	delete(h.disk.values, "managed-copy")
	h.restart()
	h.pass()
	if len(h.rack.left) != 1 || h.rack.left[0].Lost == "" {
		t.Errorf("a record that is gone: %+v", h.rack.left)
	}

	h = newHand(t)
	h.saveMemory(h.mem) // a pass without a document
	h.restart()
	h.pass()
	if len(h.rack.left) != 0 {
		t.Errorf("a record that never was: %+v", h.rack.left)
	}
}

// R2: which services are managed is on disk as soon as there is room, and said until then:
// a service that was started on a full disk is not forgotten with the machine's boot.
func TestWhatIsManagedThatTheDiskRefusedIsKeptLater(t *testing.T) {
	h := newHand(t)
	h.disk.full = true
	h.serving()
	h.saveMemory(h.mem)
	if c := h.Report().Conditions; !slices.ContainsFunc(c, func(c plan.Condition) bool { return c.Type == plan.CondStateNotSaved }) {
		t.Errorf("nothing is said: %v", c)
	}
	h.disk.full = false
	h.pass()
	for _, file := range managed.Files() {
		if h.disk.values[file] == nil {
			t.Errorf("%s is not on disk", file)
		}
	}
}

// R9, R11: an order that the disk refused, or its end, is on disk as soon as there is
// room, so that a restart brings nothing back that a person ended.
func TestAPersonsOrderThatTheDiskRefusedIsKeptLater(t *testing.T) {
	h := newHand(t).serving()
	off := &plan.TakeoverAsk{Attest: "standby is off"}
	if err := errors.Join(h.SetTakeover(off), h.SetPause(&Pause{Reason: "new disks", Until: h.clock.wall.Add(time.Hour)})); err != nil {
		t.Fatal(err)
	}
	h.disk.full = true
	if h.SetTakeover(nil) == nil || h.SetPause(nil) == nil {
		t.Fatal("a full disk kept an order")
	}
	h.pass()
	if c := h.Report().Conditions; !slices.ContainsFunc(c, func(c plan.Condition) bool { return c.Type == plan.CondStateNotSaved }) {
		t.Errorf("nothing is said: %v", c)
	}
	h.disk.full = false
	h.pass()
	h.restart()
	h.pass()
	if r := h.Report(); r.Takeover != "" || r.Status == plan.Paused {
		t.Errorf("came back with a restart: takeover %q, %s", r.Takeover, r.Status)
	}
}
