package sim

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// Timing bounds how long things take in a World; each event draws its own
// duration. The zero Timing makes everything happen at once.
type Timing struct {
	// Network bounds one way to or from git, Local the way between two parts of
	// one agent.
	Network, Local time.Duration
	// Start and Stop bound what a service needs, Ready how much longer it takes
	// to answer, Notice how long a change of it goes unseen.
	Start, Stop, Ready, Notice time.Duration
	// Notify makes a commit wake every node that can be reached.
	Notify bool
}

// EverydayTiming is a deployment on one network whose services start and stop
// within a second.
func EverydayTiming() Timing {
	return Timing{Network: 80 * time.Millisecond, Local: 20 * time.Millisecond, Start: 400 * time.Millisecond,
		Stop: 400 * time.Millisecond, Ready: 800 * time.Millisecond, Notice: 100 * time.Millisecond}
}

// World is one simulated deployment: a git server, machines with agents on
// them, and time. It is single-threaded; the same seed and the same orders give
// the same course of events.
type World struct {
	// Timing may be changed at any moment.
	Timing Timing
	// Separate keeps claims and reports in a repository of their own, Mirror
	// adds a read-only copy of the documents' repository, ReadOnly takes claims
	// and reports away (R8). All are set before the machines boot.
	Separate, Mirror, ReadOnly bool
	// News tells every node of a change there, if it is separate.
	News bool
	// Trace, when set, is told what happens, for people.
	Trace func(at time.Duration, who, what string)

	now    time.Duration
	rng    *rand.Rand
	events events
	n      uint64
	// second began a second of counting events.
	second  time.Duration
	counted int
	shelf   *Library
	log     *slog.Logger
	server  *server
	nodes   []*node
	byName  map[string]*node
	check   checker
	// settings is the newest good document.
	settings Settings
}

// NewWorld returns a deployment whose document says settings, with every
// machine off. Library may be shared by many worlds.
func NewWorld(seed uint64, settings Settings, shelf *Library) *World {
	w := &World{Timing: EverydayTiming(), rng: rand.New(rand.NewPCG(seed, 1)), shelf: shelf,
		log: slog.New(slog.DiscardHandler), byName: map[string]*node{}}
	w.server = newServer(w)
	w.check = newChecker(w)
	w.server.commit(settings.Text())
	w.settings = settings
	for _, name := range nodeNames() {
		w.addNode(name, name)
	}
	return w
}

func (w *World) addNode(machine, name string) *node {
	n := newNode(w, machine, name)
	w.nodes = append(w.nodes, n)
	w.byName[machine] = n
	return n
}

// event is something that happens at a moment.
type event struct {
	at time.Duration
	n  uint64
	do func()
}

func (e event) before(o event) bool { return e.at < o.at || e.at == o.at && e.n < o.n }

// events is a binary heap.
type events []event

func (q *events) push(e event) {
	h := append(*q, e)
	i := len(h) - 1
	for ; i > 0 && e.before(h[(i-1)/2]); i = (i - 1) / 2 {
		h[i] = h[(i-1)/2]
	}
	h[i] = e
	*q = h
}

func (q *events) pop() event {
	h := *q
	first, last := h[0], h[len(h)-1]
	h[len(h)-1] = event{}
	if h = h[:len(h)-1]; len(h) > 0 {
		h.sink(last)
	}
	*q = h
	return first
}

// sink puts e where it belongs below the top.
func (q events) sink(e event) {
	i := 0
	for {
		child := 2*i + 1
		if child+1 < len(q) && q[child+1].before(q[child]) {
			child++
		}
		if child >= len(q) || e.before(q[child]) {
			break
		}
		q[i] = q[child]
		i = child
	}
	q[i] = e
}

// after lets do happen once d has passed.
func (w *World) after(d time.Duration, do func()) {
	w.n++
	w.events.push(event{at: w.now + max(d, 0), n: w.n, do: do})
}

// upTo draws a duration of at most bound, and never none of it, so that
// events of one moment come in an order of their own.
func (w *World) upTo(bound time.Duration) time.Duration {
	if bound <= 0 {
		return 0
	}
	return time.Duration(w.rng.Int64N(int64(bound))) + 1
}

// chance draws true with a probability of one in n.
func (w *World) chance(n int) bool { return n > 0 && w.rng.IntN(n) == 0 }

// Step lets the next event happen. It is false when none is left or an
// invariant was violated.
func (w *World) Step() bool {
	if len(w.events) == 0 || w.check.violation != "" {
		return false
	}
	e := w.events.pop()
	w.now = e.at
	w.pulse()
	e.do()
	w.check.step()
	return w.check.violation == ""
}

// busiest is how many events there may be in a second; more is a loop that
// waits for nothing.
const busiest = 20_000

func (w *World) pulse() {
	if w.counted++; w.now-w.second >= time.Second {
		w.second, w.counted = w.now, 0
	}
	if w.counted > busiest {
		w.check.fail("more than %d events in a second: somebody does not wait", busiest)
	}
}

// Run lets d pass.
func (w *World) Run(d time.Duration) {
	end := w.now + d
	for len(w.events) > 0 && w.events[0].at <= end {
		if !w.Step() {
			return
		}
	}
	w.now = end
}

// Until lets time pass until the condition holds, at most for bound, and
// reports whether it does.
func (w *World) Until(bound time.Duration, holds func() bool) bool {
	end := w.now + bound
	for !holds() {
		if len(w.events) == 0 || w.events[0].at > end || !w.Step() {
			return false
		}
	}
	return true
}

// Now is the time that has passed in this world.
func (w *World) Now() time.Duration { return w.now }

// Violation is the first invariant that was violated, or "".
func (w *World) Violation() string { return w.check.violation }

func (w *World) trace(who, format string, args ...any) {
	if w.Trace != nil {
		w.Trace(w.now, who, fmt.Sprintf(format, args...))
	}
}

// Commit makes settings the newest document.
func (w *World) Commit(s Settings) {
	w.settings = s
	w.trace("operator", "commits active=%s fenced=%s", s.Active, s.Fenced)
	w.server.commit(s.Text())
	w.notify()
}

// Declare commits the document with another active side and nothing fenced.
func (w *World) Declare(side spec.Side) {
	s := w.settings
	s.Active, s.Fenced = side, ""
	w.Commit(s)
}

func (w *World) notify() {
	if !w.Timing.Notify {
		return
	}
	for _, n := range w.nodes {
		n.notified()
	}
}

// Boot powers every machine on that is off.
func (w *World) Boot() {
	for _, n := range w.nodes {
		n.powerOn()
	}
}

// Settled reports whether every node that is on converged on the newest
// document and points at its declared side.
func (w *World) Settled() bool {
	tip := w.server.refs[branch]
	return !slices.ContainsFunc(w.nodes, func(n *node) bool { return !n.settled(tip) })
}

// Status is the status a node's agent gave in its newest pass, Unknown when it
// does not run.
func (w *World) Status(machine string) plan.Status {
	n := w.byName[machine]
	if n.proc == nil || !n.proc.passed {
		return plan.Unknown
	}
	return n.proc.actuator.Report().Status
}

// Serving reports whether any service of a machine really runs.
func (w *World) Serving(machine string) bool { return w.byName[machine].active() }
