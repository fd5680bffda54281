package plan

import (
	"fmt"
	"time"

	"mainstay/reconcile/plan/restart"
)

const (
	// failTries orders in a row without success make a node Failed.
	failTries = 5
	// stopRetry is between two stops at most: somebody waits for it.
	stopRetry = 5 * time.Second
	// renderRetry is between two tries to write a file at most.
	renderRetry = time.Minute
)

// due reports whether a next order may come now, and otherwise asks to be woken when it may.
func (p *pass) due(t Tries, r restart.Policy) bool {
	if t.Count == 0 || p.elapsed(t.Last) >= r.Wait(t.Count) {
		return true
	}
	p.wake(t.Last + r.Wait(t.Count))
	return false
}

func (t *Tries) again(now Time) {
	t.Count++
	t.Last = now
}

// serve keeps the services of a side that may serve, and its claim's terms.
func (p *pass) serve() {
	p.publishLocal()
	p.terms()
	rule := R3
	if p.mem.Local != "" {
		rule = p.mem.Local
	}
	p.keepServices(rule)
	if p.doc.Active == p.doc.Side && p.takeover() && p.mem.Local == "" {
		p.out.Done = true
	}
}

// keepServices starts what is down, top to bottom, each after the one before
// it is ready. Once the side was Active, a service that died is started again
// without waiting for others, and without a new claim (R3).
func (p *pass) keepServices(rule Rule) {
	p.mem.Waiting = false
	ready := true
	var failing, waiting string
	for i := range p.doc.Services {
		if p.doc.Services[i].Gone {
			continue
		}
		ok, why, failed := p.keepService(i, rule)
		if ok {
			continue
		}
		ready = false
		if failed && failing == "" {
			failing = why
		}
		if waiting == "" {
			waiting = why
		}
		if !p.mem.WasActive {
			break
		}
	}
	switch {
	case ready:
		p.mem.WasActive = true
		p.say(Active, rule, "all services run and answer")
	case failing != "":
		p.say(Failed, rule, "%s", failing)
	default:
		p.say(Activating, rule, "%s", waiting)
	}
}

// keepService looks after one service: ready, or why not yet, and whether that counts
// as failed.
func (p *pass) keepService(i int, rule Rule) (ready bool, why string, failed bool) {
	o, t, name := p.in.Services[i], &p.mem.Tries[i], p.doc.Services[i].Name
	switch {
	case o.Op == OpStart:
		return false, name + " is starting", false
	case o.Run.Down() || o.Holdoff || o.Op == OpStop:
		return p.startAgain(i, rule)
	case o.Ready:
		if t.Count > 0 && p.elapsed(t.Last) >= p.restartOf(i).Forgive {
			*t = Tries{}
		}
		return true, "", false
	case o.Err != "":
		return false, name + " runs but does not answer: " + o.Err, true
	}
	return false, name + " is " + string(o.Run) + " and does not answer yet", false
}

func (p *pass) restartOf(i int) restart.Policy {
	return p.doc.Services[i].Restart.Or(restart.Default())
}

// startAgain orders a start, unless it is too early for one.
func (p *pass) startAgain(i int, rule Rule) (ready bool, why string, failed bool) {
	o, t, name := p.in.Services[i], &p.mem.Tries[i], p.doc.Services[i].Name
	failed = o.Err != "" && t.Count > 0 && !p.mem.WasActive || t.Count >= failTries
	why = name + " is down"
	if detail := first(o.Err, o.Detail); detail != "" {
		why += ": " + detail
	}
	again := p.restartOf(i)
	if p.in.Late || p.unfound() || !p.due(*t, again) {
		if t.Count > 1 && !p.in.Late {
			why += fmt.Sprintf(" (%d starts in a row failed; the next comes %s after the last)", t.Count, again.Wait(t.Count))
		}
		return false, why, failed
	}
	p.step(DoStart, i, rule, "%s", why)
	t.again(p.in.Now)
	return false, why, failed
}

// unfound reports whether this run of the agent does not know yet whether it
// found anything running: until then it keeps what runs and starts nothing (R5).
func (p *pass) unfound() bool {
	if !p.in.Restarted {
		return false
	}
	unsure := false
	for _, o := range p.in.Services {
		if o.Run != "" && o.Run != RunUnsure && !o.Run.Down() {
			return false
		}
		unsure = unsure || !o.Run.Down()
	}
	return unsure
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// stopOrder is how services are stopped.
type stopOrder int

const (
	inOrder stopOrder = iota // bottom to top, each after the one below is down
	atOnce                   // all at the same time: somebody else may start (R1)
)

// stopServices orders what is not observed down to stop. A stop that failed
// does not keep the ones above it running.
func (p *pass) stopServices(rule Rule, order stopOrder) {
	for i := len(p.doc.Services) - 1; i >= 0; i-- {
		o, t := p.in.Services[i], &p.mem.Tries[i]
		if o.Down() {
			*t = Tries{}
			continue
		}
		if p.stopOne(i, rule); order == inOrder && !p.stopFailed(i) {
			return
		}
	}
}

func (p *pass) stopFailed(i int) bool {
	o := p.in.Services[i]
	return o.Op != OpStop && o.Err != "" && p.in.Memory.Stage == StageStopping && p.mem.Tries[i].Count > 0
}

// stopFailing is stopFailed while it is tried again, too: until a stop succeeds a
// person has to read that none did.
func (p *pass) stopFailing(i int) bool {
	again := p.in.Services[i].Op == OpStop && p.in.Services[i].Err != "" &&
		p.in.Memory.Stage == StageStopping && p.mem.Tries[i].Count > 1
	return again || p.stopFailed(i)
}

func (p *pass) stopOne(i int, rule Rule) {
	o, t, s := p.in.Services[i], &p.mem.Tries[i], p.doc.Services[i]
	if p.stopFailing(i) {
		p.say(Failed, rule, "%s could not be stopped: %s; the claim is not released until it is seen down: run %s",
			s.Name, o.Err, first(s.ByHand, "the service's own stop command"))
	}
	if o.Op == OpStop || !p.due(*t, restart.Policy{First: time.Second, Most: stopRetry}) {
		return
	}
	p.step(DoStop, i, rule, "%s", p.out.Reason)
	t.again(p.in.Now)
}
