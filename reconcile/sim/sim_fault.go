package sim

import (
	"fmt"
	"time"

	"mainstay/spec"
)

// Kind is what a Fault does.
type Kind string

// The kinds of faults. An operator's ordinary commits are among them, since
// what breaks rules is when they come.
const (
	Declare    Kind = "declare"     // commit: N 0 main, 1 standby
	Comment    Kind = "comment"     // commit that changes no meaning
	Amend      Kind = "amend"       // commit that changes the handover's terms
	PauseDoc   Kind = "pause-doc"   // commit that pauses a node, or none
	Fence      Kind = "fence"       // a side loses power, and a commit says so
	BadCommit  Kind = "bad-commit"  // invalid, unsigned or rewritten
	Backup     Kind = "backup"      // claim of role N goes back
	Cut        Kind = "cut"         // git is out of reach
	CutAll     Kind = "cut-all"     // for everybody
	Slow       Kind = "slow"        // git answers slowly
	Flaky      Kind = "flaky"       // requests after a listing are lost
	ClaimFate  Kind = "claim-push"  // N is the Fate of claim pushes
	ReportFate Kind = "report-push" // N is the Fate of report pushes
	WallClock  Kind = "wall-clock"  // the wall clock is set, N in minutes
	Suspend    Kind = "suspend"     // the machine sleeps
	Freeze     Kind = "freeze"      // the agent is stopped, its services live
	Crash      Kind = "crash"       // the agent dies
	CrashIn    Kind = "crash-in"    // the agent dies in its N-th call from now
	Reboot     Kind = "reboot"      // power off and on
	DiskFull   Kind = "disk-full"   // nothing can be saved
	Damage     Kind = "damage"      // a state file is damaged, the agent restarts
	Replace    Kind = "replace"     // another machine takes this one's place
	Die        Kind = "die"         // a service dies
	BadStarts  Kind = "bad-starts"  // the next N starts fail
	BadStops   Kind = "bad-stops"   // the next N stops fail
	SlowOrders Kind = "slow-orders" // the next start and stop hang
	ByHand     Kind = "by-hand"     // somebody starts a service past the agent
	PauseNode  Kind = "pause-node"  // a person pauses the node
	Probe      Kind = "probe"       // N is the Lie of this machine's probes
	Takeover   Kind = "takeover"    // the other side's machine is off, and a person attests
	// both makes both sides serve, past every agent. No schedule draws it: it is
	// there to see a violation found and shrunk.
	both Kind = "both"
)

// Fault is one thing that happens to a deployment.
type Fault struct {
	At      time.Duration
	Kind    Kind
	Machine string
	// For is how long it lasts, N what the kind says.
	For time.Duration
	N   int
}

// String is the fault as a schedule shows it.
func (f Fault) String() string {
	return fmt.Sprintf("%7s %-12s %-12s n=%d for %s", f.At, f.Kind, f.Machine, f.N, f.For)
}

// apply lets a fault happen.
func (w *World) apply(f Fault) {
	w.trace("FAULT", "%s", f)
	n := w.byName[f.Machine]
	switch f.Kind {
	case Declare, Comment, Amend, PauseDoc, Fence, BadCommit:
		w.committed(f)
	case Backup:
		w.server.back([]string{"xivo", "cc"}[f.N%2], 1+f.N/2)
	case Cut, CutAll, Slow, Flaky, ClaimFate, ReportFate:
		w.network(f, n)
	case Suspend, Freeze, Crash, CrashIn, Reboot, Replace:
		w.halt(f, n)
	case DiskFull, Damage, WallClock:
		w.state(f, n)
	case PauseNode, Takeover:
		w.person(f, n)
	case both:
		w.byName["xivo-main"].services[0].up = true
		w.byName["xivo-standby"].services[0].up = true
	default:
		w.machine(f, n)
	}
}

// committed is what operators commit.
func (w *World) committed(f Fault) {
	s := w.settings
	s.Note++
	switch f.Kind {
	case Declare:
		w.declare(s, sideNumber(f.N))
		return
	case Amend:
		s = amended(s, f.N)
	case PauseDoc:
		if s.Paused = f.Machine; f.N%3 == 0 {
			s.Paused = ""
		}
	case Fence:
		s.Active, s.Fenced = sideNumber(f.N).Other(), sideNumber(f.N)
		for _, n := range w.nodes {
			if n.side == s.Fenced {
				n.powerOff()
				w.after(f.For, n.powerOn)
			}
		}
	case BadCommit:
		w.bad(s, f)
		return
	}
	w.Commit(s)
}

func sideNumber(n int) spec.Side {
	if n%2 == 0 {
		return spec.Main
	}
	return spec.Standby
}

func (w *World) declare(s Settings, side spec.Side) {
	s.Active = side
	if s.Fenced == side {
		s.Fenced = ""
	}
	w.Commit(s)
}

// amended changes one of the terms that may change while services run.
func amended(s Settings, n int) Settings {
	switch n % 7 {
	case 0:
		s.Lease = 20 * time.Second
	case 1:
		s.Lease = 0
	case 2:
		s.StopTimeout = 3*time.Second + s.StopTimeout%(4*time.Second)
	case 3:
		s.Hold = !s.Hold
	case 4:
		s.AbsentStop = !s.AbsentStop
	case 5:
		s.Drain = 3*time.Second - s.Drain
	case 6:
		s.Wait = 15*time.Second - s.Wait
	}
	return s
}

// bad is a commit that no node may accept; a while later a good one follows.
func (w *World) bad(s Settings, f Fault) {
	s.Active = s.Active.Other()
	switch f.N % 6 {
	case 4:
		w.server.spoil(s.Text(), true)
	case 5:
		w.server.rewrite(s.Text())
	default:
		s.Broken = 1 + f.N%6
		w.server.spoil(s.Text(), false)
	}
	w.after(f.For, func() {
		if w.server.refs[branch] != w.server.lastGood {
			w.settings.Note++
			w.server.mend(w.settings.Text())
		}
	})
}

func (w *World) network(f Fault, n *node) {
	switch f.Kind {
	case Cut:
		w.cut(f, n.link)
	case CutAll:
		for _, n := range w.nodes {
			n.link.cut = true
			w.after(f.For, func() { n.link.cut = false })
		}
	case Slow:
		n.link.slow = time.Duration(f.N+1) * 500 * time.Millisecond
		w.after(f.For, func() { n.link.slow = 0 })
	case Flaky:
		n.link.flaky = 1 + f.N%4
		w.after(f.For, func() { n.link.flaky = 0 })
	case ClaimFate:
		n.link.claims, n.link.delay = Fate(f.N%4), f.For+time.Duration(f.N)*time.Second
		w.after(f.For, func() { n.link.claims = Answered })
	case ReportFate:
		n.link.reports, n.link.delay = Fate(f.N%4), f.For+time.Duration(f.N)*time.Second
		w.after(f.For, func() { n.link.reports = Answered })
	}
}

// cut takes git away from a machine, or one of two repositories.
func (w *World) cut(f Fault, l *link) {
	what := []*bool{&l.cut, &l.cut, &l.documents, &l.coordination}[f.N%4]
	if !w.Separate {
		what = &l.cut
	}
	*what = true
	w.after(f.For, func() { *what = false })
}

func (w *World) halt(f Fault, n *node) {
	switch f.Kind {
	case Suspend:
		n.suspend(f.For)
	case Freeze:
		n.frozen = n.proc != nil
		w.after(f.For, func() { n.frozen = false; n.wakeUp() })
	case Crash:
		if !n.suspended {
			n.killAgent()
			w.after(f.For, n.startAgent)
		}
	case CrashIn:
		if n.proc != nil {
			n.crashIn = 1 + f.N
		}
	case Reboot:
		n.powerOff()
		w.after(f.For, n.powerOn)
	case Replace:
		n.powerOff()
		w.after(f.For, func() {
			if !n.on && !n.keptOff {
				n.replace()
			}
		})
	}
}

// suspend lets the whole machine sleep. What it runs meanwhile is nobody's, and
// when it wakes up its services are at work before its agent can be.
func (n *node) suspend(d time.Duration) {
	if !n.on || n.suspended {
		return
	}
	n.suspended = true
	boot := n.boots
	n.w.after(d, func() {
		if n.boots == boot && n.suspended {
			n.suspended = false
			n.mark.excused = n.mark.excused || n.active()
			n.wakeUp()
		}
	})
}

// replace puts a new machine in this one's place.
func (n *node) replace() {
	n.w.trace(n.machine, "is replaced by a new machine")
	n.fingerprint += "'"
	n.disk = newDisk(n)
	n.powerOn()
}

func (w *World) state(f Fault, n *node) {
	switch f.Kind {
	case DiskFull:
		n.disk.full = true
		w.after(f.For, func() { n.disk.full = false })
	case WallClock:
		n.skew += time.Duration(f.N-30) * time.Minute
	case Damage:
		n.disk.damaged[[]string{"memory", "accepted", "claims", "pause"}[f.N%4]] = true
		if !n.suspended {
			n.killAgent()
			w.after(f.For, n.startAgent)
		}
	}
}

func (w *World) machine(f Fault, n *node) {
	if len(n.services) == 0 {
		return
	}
	s := n.services[f.N%len(n.services)]
	switch f.Kind {
	case Die:
		s.fail()
	case BadStarts:
		n.stubborn.failStarts += 1 + f.N%4
	case BadStops:
		n.stubborn.failStops += 1 + f.N%4
	case SlowOrders:
		n.stubborn.hangStarts, n.stubborn.hangStops = f.N%2, 1-f.N%2
	case ByHand:
		s.byHandStart()
	case Probe:
		n.lies = Lie(f.N % 3)
		w.after(f.For, func() { n.lies = Truth })
	}
}
