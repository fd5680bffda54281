package reconcile

import (
	"errors"
	"io/fs"
	"log/slog"
	"reflect"
	"slices"
	"time"

	"mainstay/reconcile/managed"
	"mainstay/reconcile/phases"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/silence"
	"mainstay/reconcile/twin"
	"mainstay/spec"
)

const (
	memoryFile   = "memory"
	pauseFile    = "pause"
	takeoverFile = "takeover"
)

// lateAfter is how much later than asked a pass may come before it means that
// this machine was frozen or suspended and may have been replaced.
const lateAfter = 5 * time.Second

// firstLook bounds the first look at services that have just been configured.
const firstLook = 5 * time.Second

// longestIdle is the longest time between two passes: what a lost wake-up costs.
const longestIdle = 2 * time.Second

// shortestIdle is the least time between two passes that no event asked for, so
// that a wait that has ended never spins.
const shortestIdle = 5 * time.Millisecond

// ActuatorConfig is what an Actuator works with.
type ActuatorConfig struct {
	Node string
	// Boot and Instance identify this boot and this agent on this machine.
	Boot, Instance string
	// Run names this run of the agent as its reports do, empty in read-only mode.
	Run string
	// Coordinated is false in read-only mode (R8).
	Coordinated bool
	Clock       Clock
	Disk        Disk
	// Leases is nil where no guard can be told.
	Leases   Leases
	Machine  Machine
	Recorder Recorder
	Versions map[string]string
	Log      *slog.Logger
}

// Actuator makes the passes. It is owned by one goroutine and never waits.
type Actuator struct {
	ActuatorConfig
	snap *Snapshot
	doc  *plan.Doc
	// roles and followed are what the snapshot says of them.
	roles    []plan.RoleView
	followed *plan.FollowView
	wanted   *spec.Wanted
	blocked  string
	// managed is what the services were last configured for, nil when this node
	// was not allowed to manage any yet.
	managed *managed.Record
	// remembers says that an earlier run managed services, and reread when a disk
	// that did not say what was managed is asked again.
	remembers bool
	reread    time.Duration
	// unseen is until when a pass waits for the first look at services that
	// have just been configured.
	unseen time.Duration
	// pauseEnds is when a pause that the document ends is over by the time passed.
	pauseEnds time.Duration
	mem       plan.Memory
	saved     plan.Memory
	unsaved   string // why the memory is not on disk
	watch     plan.Watch
	untold    string // why the guard does not know of it
	pause     *Pause
	takeover  *plan.TakeoverAsk
	unkept    map[string]any // what is not on disk but for the memory, by file
	// endDrain is a person's word that the drain under way ends (R2).
	endDrain bool
	in       plan.Input // of the newest pass
	last     plan.Decision
	applied  string
	since    time.Time
	report   plan.Report
	phases   phases.Log
	passes   uint64
	// restarts counts by name what was started again since this side came up.
	restarts map[string]int
	// found says that this run of the agent knows what it found running.
	found    bool
	promised time.Duration
	late     bool
	lateAt   time.Duration
	said     silence.Said
	copies   twin.Copies
}

// NewActuator returns an actuator that remembers what the disk remembers.
func NewActuator(c ActuatorConfig) *Actuator {
	a := &Actuator{ActuatorConfig: c, unkept: map[string]any{}}
	a.mem = plan.Memory{Fresh: true, Bare: true, Start: uint64(c.Clock.Wall().Unix())}
	var m plan.Memory
	switch err := managed.Missing(c.Disk, c.Disk.Load(memoryFile, &m), memoryFile); {
	case err == nil:
		a.mem, a.saved, a.remembers = m, m, !m.Bare
	case !errors.Is(err, fs.ErrNotExist):
		c.Log.Error("the memory on disk is not used", "error", err)
		a.mem.Bare = false
		// A push may be on its way that nobody remembers (R6): this one is settled
		// by any reading of the claim.
		a.mem.Pending = &plan.Pending{Parent: "lost", Action: "change"}
	}
	a.recallOrders()
	a.recallLease()
	return a
}

// See takes in a newer snapshot.
func (a *Actuator) See(s *Snapshot) {
	if a.late && s.Whole >= a.lateAt {
		a.late = false
	}
	before := a.snap
	a.snap = s
	a.copies.Read(s.Reports[a.Node], a.Instance, a.Run)
	if s.Accepted == nil {
		return
	}
	if before == nil || before.Accepted == nil || before.Accepted.Commit != s.Accepted.Commit {
		a.want(s.Accepted)
	}
	if a.doc != nil {
		a.roles, a.followed = s.views(a.doc.Follows)
	}
	a.recallPhases()
}

// want configures the machine for a newly accepted document. What runs is not
// touched by that.
func (a *Actuator) want(acc *Accepted) {
	w, err := acc.Deployment.Want(a.Node)
	if err != nil {
		a.blocked = err.Error()
		return
	}
	declared := spec.Side("")
	if a.doc != nil {
		declared = a.doc.Active
	}
	a.wanted, a.blocked = w, ""
	for _, err := range []error{
		a.manage(w),
		a.Machine.Files.Configure(w, func(path string, side spec.Side) ([]byte, error) {
			return acc.Deployment.RenderFile(a.Node, path, side)
		}),
		a.Machine.Probes.Configure(w),
	} {
		if err != nil && a.blocked == "" {
			a.blocked = err.Error()
		}
	}
	a.doc = a.docOf(w, acc)
	a.pauseEnds = a.Clock.Boot() + w.PausedUntil.Sub(a.Clock.Wall())
	// What was refused by another commit says nothing about this one.
	a.mem.Renders = nil
	a.unseen = a.Clock.Boot() + firstLook
	if declared != w.Active {
		a.phases.Begin(a.Clock.Wall(), a.served(), w.Active == w.Side)
	}
}

// docOf is what a decision needs of the document.
func (a *Actuator) docOf(w *spec.Wanted, acc *Accepted) *plan.Doc {
	d := &plan.Doc{
		Commit: acc.Commit, Digest: acc.Digest, Active: w.Active, Fenced: w.Fenced,
		Node: w.Node, Role: w.Role, Exclusive: w.Exclusive, Side: w.Side, Follows: w.Follows,
		Peer: w.Peer, PeerPaused: w.PeerPaused, Witness: w.Witness != nil, Detect: len(w.DetectOn) > 0,
		Paused: w.Paused, Reason: w.PauseReason, Handover: w.Handover,
		StopBound: w.StopBound, StopTime: w.StopTime, Coordinated: a.Coordinated,
		Poll: acc.Deployment.Agent.Poll.Longest(a.Clock.Wall()),
	}
	a.servicesOf(d)
	return d
}

// Pass decides once and begins what was decided. It returns what to ask of git
// and when to pass again at the latest, in boot time.
func (a *Actuator) Pass() (Order, time.Duration) {
	if a.snap == nil {
		return Order{}, a.Clock.Boot() + longestIdle
	}
	a.readManaged()
	a.dropGone()
	now := a.Clock.Boot()
	if now < a.unseen && a.unlooked() {
		return Order{}, a.unseen
	}
	a.noticeGap(now)
	a.endPauses()
	a.in = a.gather(now)
	a.find(&a.in)
	d := plan.Decide(&a.in)
	a.passes++
	a.saveMemory(d.Memory)
	a.tellGuard()
	a.record(d)
	a.forgetDone(d)
	a.Machine.Probes.AskWitnessOften(d.Handover)
	a.carryOut(d)
	a.updateReport(d)
	next := now + longestIdle
	if d.Wake > 0 {
		next = min(next, max(d.Wake, now+shortestIdle))
	}
	a.promised = next
	return a.order(d), next
}

// unlooked reports whether a service was not looked at yet. Nothing is known
// then, and nothing is ordered, for a moment.
func (a *Actuator) unlooked() bool {
	return slices.ContainsFunc(a.Machine.Services.Observed(), func(o plan.Observed) bool { return o.Run == "" })
}

// noticeGap sees a pass that comes much too late: nothing new begins before git
// was looked at again, and what probes saw before the gap is void.
func (a *Actuator) noticeGap(now time.Duration) {
	if a.promised > 0 && now > a.promised+lateAfter {
		a.late, a.lateAt = true, now
		a.Machine.Probes.Forget()
		a.dropTakeover(now - a.promised)
		a.Log.Warn("a pass came too late: looking at git first", "late", now-a.promised)
	}
}

// gather makes the input of one decision from the newest of everything.
func (a *Actuator) gather(now time.Duration) plan.Input {
	in := plan.Input{
		Now: now, Boot: a.Boot, Instance: a.Instance, Run: a.Run, Copied: a.copies.Alive != "", Doc: a.doc, Blocked: a.blocked,
		Restarted: !a.found, Stale: a.stale(), Unread: !a.snap.Known, Reading: a.snap.Reading, Late: a.late, Memory: a.mem, Takeover: a.takeover,
		EndDrain: a.endDrain,
	}
	if p := a.activePause(); p != nil {
		in.Pause = &plan.PauseOrder{Reason: p.Reason}
	}
	if a.doc == nil {
		return in
	}
	in.Unmanaged = a.managed == nil
	in.Services = a.Machine.Services.Observed()
	in.Files = a.Machine.Files.States(a.mem.Serving)
	in.Witness = a.Machine.Probes.Witness()
	if a.doc.Detect {
		in.Detect = a.Machine.Probes.Detect()
	}
	a.gatherOthers(&in)
	return in
}

// stale reports whether the document may be long out of date.
func (a *Actuator) stale() bool {
	acc := a.snap.Accepted
	return !a.snap.OK || a.snap.Pending || a.snap.Behind || acc == nil || acc.Commit != a.snap.Seen
}

// find ends the beginning of a run: something was seen running, or everything
// was seen not to run. The pass that sees it is still part of the beginning.
func (a *Actuator) find(in *plan.Input) {
	if in.Doc == nil || in.Unmanaged || a.found {
		return
	}
	unsure := func(o plan.Observed) bool { return o.Run == "" || o.Run == plan.RunUnsure }
	down := func(o plan.Observed) bool { return o.Run.Down() || unsure(o) }
	a.found = !slices.ContainsFunc(in.Services, unsure) || !allOf(in.Services, down)
}

func allOf(all []plan.Observed, is func(plan.Observed) bool) bool {
	return !slices.ContainsFunc(all, func(o plan.Observed) bool { return !is(o) })
}

// gatherOthers adds what the other nodes and the claims say.
func (a *Actuator) gatherOthers(in *plan.Input) {
	in.Claim = a.withLease(a.snap.Claims[a.doc.Role])
	if r := a.snap.Reports[a.doc.Peer]; r != nil {
		in.Peer = *r
	}
	in.Roles, in.Followed, in.Twin = a.roles, a.followed, a.snap.Twin
}

// saveMemory puts the memory on disk before anything is done because of it. A disk
// that fails is loud and stops nothing: the agent runs on from memory.
func (a *Actuator) saveMemory(m plan.Memory) {
	for file, order := range a.unkept {
		_ = a.keep(file, order) // before the memory, which says what became of it
	}
	a.mem = m
	if a.unsaved == "" && reflect.DeepEqual(&a.mem, &a.saved) {
		return
	}
	if err := a.Disk.Save(memoryFile, m); err != nil {
		if a.unsaved == "" {
			a.Log.Error("save memory", "error", err)
		}
		a.unsaved = err.Error()
		return
	}
	a.saved, a.unsaved = m, ""
}

func (a *Actuator) record(d plan.Decision) {
	if a.Recorder != nil {
		a.Recorder.Record(a.Clock.Wall(), a.in, d)
	}
}

// forgetDone drops a person's order that was carried out or has ended.
func (a *Actuator) forgetDone(d plan.Decision) {
	if d.Done && a.takeover != nil {
		a.Log.Info("takeover ended", "attest", a.takeover.Attest)
		a.SetTakeover(nil)
	}
	a.endDrain = a.endDrain && d.Memory.Stage == plan.StageDraining
}

func (a *Actuator) carryOut(d plan.Decision) {
	for _, s := range d.Steps {
		a.Log.Info("step", "do", s.Do, "what", a.nameOf(s), "rule", s.Rule, "reason", s.Reason)
		switch s.Do {
		case plan.DoStart:
			a.Machine.Services.Start(s.Index)
		case plan.DoStop:
			a.Machine.Services.Stop(s.Index)
		case plan.DoDrain:
			a.Machine.Services.Drain(s.Index)
		case plan.DoRender:
			a.Machine.Files.Render(s.Index, a.mem.Serving)
		case plan.DoSelfFence:
			a.Machine.SelfFence(s.Reason)
		}
	}
}

func (a *Actuator) order(d plan.Decision) Order {
	if a.doc == nil {
		return Order{}
	}
	return Order{Role: a.doc.Role, Push: a.withPhases(d.Push), Restore: d.Restore}
}
