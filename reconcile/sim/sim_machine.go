package sim

import (
	"fmt"
	"slices"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// node is one machine: its clock, its disk, its services and, while it runs,
// the agent on it.
type node struct {
	w *World
	// machine is its own name; name is the node it claims to be, which a clone
	// shares with the original.
	machine, name, role string
	side                spec.Side
	fingerprint         string

	on bool
	// keptOff says that a person, who told the other side that it is off, keeps it so.
	keptOff  bool
	boots    int
	bootedAt time.Duration
	// drift makes the boot clock run faster or slower, in parts of a million.
	drift int64
	// skew is how wrong the wall clock is.
	skew time.Duration
	// frozen stops the agent, suspended the whole machine. What would have
	// happened meanwhile waits.
	frozen, suspended bool
	waiting           []func()

	disk     *disk
	keeper   *keeper
	link     *link
	services []*service
	files    map[string]string
	// lies makes this machine's probes of others answer, or be silent, whatever
	// is true.
	lies Lie
	proc *proc
	// crashIn counts down the calls of the agent until it dies in one of them.
	crashIn int
	// stubborn is how stops and starts go wrong.
	stubborn stubborn
	// overridden is the commit a person had accepted.
	overridden string
	mark       mark
}

// Lie is what a machine's probes say against the truth.
type Lie int

// The lies of a probe.
const (
	Truth Lie = iota
	Silence
	Answer
)

func newNode(w *World, machine, name string) *node {
	n := &node{w: w, machine: machine, name: name, role: roleOf(name), side: sideOf(name),
		fingerprint: machine, files: map[string]string{}}
	n.disk = newDisk(n)
	n.keeper = &keeper{n: n}
	n.link = &link{n: n}
	for _, s := range servicesOf(n.role) {
		n.services = append(n.services, &service{n: n, name: s})
	}
	return n
}

func servicesOf(role string) []string {
	switch role {
	case "xivo":
		return []string{"asterisk", "monit"}
	case "cc":
		return []string{"xuc"}
	}
	return nil
}

// boot is CLOCK_BOOTTIME of this machine.
func (n *node) boot() time.Duration {
	d := n.w.now - n.bootedAt
	return d + d*time.Duration(n.drift)/1e6 + time.Second
}

// worldTime is the moment in the world at which the boot clock will show t.
func (n *node) worldTime(t time.Duration) time.Duration {
	return n.bootedAt + time.Duration(float64(t-time.Second)/(1+float64(n.drift)/1e6)) + time.Microsecond
}

// timeout bounds one git operation of this machine's agent.
func (n *node) timeout() time.Duration { return n.w.settings.Timeout }

// touch is called wherever the agent leaves its own code: there it may die.
func (n *node) touch() {
	if n.crashIn == 0 {
		return
	}
	if n.crashIn--; n.crashIn == 0 {
		panic(crash{})
	}
}

// crash is the end of an agent in the middle of what it does.
type crash struct{}

// run lets the machine do something now, or once it is awake again.
func (n *node) run(do func()) {
	if n.suspended {
		n.waiting = append(n.waiting, do)
		return
	}
	do()
}

// wakeUp lets everything happen that waited, in an order of its own.
func (n *node) wakeUp() {
	if n.suspended || n.frozen {
		return
	}
	waiting := n.waiting
	n.waiting = nil
	n.w.rng.Shuffle(len(waiting), func(i, j int) { waiting[i], waiting[j] = waiting[j], waiting[i] })
	for _, do := range waiting {
		n.w.after(n.w.upTo(n.w.Timing.Local), func() { n.run(do) })
	}
}

func (n *node) powerOn() {
	if n.on || n.keptOff {
		return
	}
	n.on, n.suspended, n.frozen = true, false, false
	n.boots++
	n.bootedAt = n.w.now
	n.w.trace(n.machine, "boots")
	n.keeper.begin(n.bootID())
	n.startAgent()
}

// bootID is the kernel's boot id.
func (n *node) bootID() string { return fmt.Sprintf("%s/%d", n.machine, n.boots) }

// selfFence is a forced reboot, by the agent's order or the guard's (R7).
func (n *node) selfFence() {
	n.w.trace(n.machine, "fences itself")
	boots := n.boots
	n.w.after(n.w.upTo(time.Second), func() {
		if n.boots == boots && n.on {
			n.powerOff()
			n.w.after(2*time.Second, n.powerOn)
		}
	})
}

// powerOff ends everything on the machine at once.
func (n *node) powerOff() {
	if !n.on {
		return
	}
	n.w.trace(n.machine, "power off")
	n.killAgent()
	n.disk.boot()
	n.on, n.suspended, n.frozen, n.waiting = false, false, false, nil
	for _, s := range n.services {
		s.vanish()
	}
	n.w.check.poweredOff(n)
}

// active reports whether a service of this machine may be at work by its agent's
// doing: one runs, is being started, or was cut short while stopping.
func (n *node) active() bool {
	if n.suspended {
		return false
	}
	for _, s := range n.services {
		if s.up && !s.byHand || s.starting {
			return true
		}
	}
	return false
}

// runs reports whether a service of this machine runs, whoever started it.
func (n *node) runs() bool {
	return slices.ContainsFunc(n.services, func(s *service) bool { return s.up })
}

// answering reports whether probes of this machine's services are answered.
func (n *node) answering() bool {
	return n.on && !n.suspended && len(n.services) > 0 && n.services[0].up && n.services[0].ready
}

func (n *node) startAgent() {
	if n.suspended {
		n.waiting = append(n.waiting, n.startAgent)
		return
	}
	if !n.on || n.proc != nil {
		return
	}
	n.frozen = false
	n.crashIn = 0
	n.proc = newProc(n)
	n.w.check.agentStarted(n)
	n.proc.start()
}

// killAgent ends the agent as SIGKILL does. What it started goes on.
func (n *node) killAgent() {
	if n.proc == nil {
		return
	}
	n.w.trace(n.machine, "agent dies")
	n.proc.dead = true
	n.proc = nil
	n.crashIn, n.frozen, n.waiting = 0, false, nil
	for _, s := range n.services {
		s.orphan()
	}
}

// clock is reconcile.Clock.
type clock struct {
	n *node
	// pin is the moment a look is said to begin at, while it is being answered
	// later.
	pin time.Duration
}

// Boot is part of reconcile.Clock.
func (c *clock) Boot() time.Duration {
	if c.pin > 0 {
		return c.pin
	}
	return c.n.boot()
}

// Wall is part of reconcile.Clock.
func (c *clock) Wall() time.Time {
	return time.Unix(1_800_000_000, 0).UTC().Add(c.n.w.now + c.n.skew)
}

func (n *node) settled(tip string) bool {
	if n.proc == nil || !n.proc.passed {
		return !n.on
	}
	r, d := n.proc.actuator.Report(), n.w.settings
	switch {
	case r.Accepted != tip || r.Applied != tip:
		return false
	case n.side == "":
		return r.Status == plan.Active && r.Serving == d.Active
	case n.side == d.Active:
		return r.Status == plan.Active && n.allReady()
	}
	return r.Status == plan.Inactive && !n.active()
}

func (n *node) allReady() bool {
	for _, s := range n.services {
		if !s.up || !s.ready {
			return false
		}
	}
	return true
}

// files is reconcile.Files over a machine's file system.
type files struct {
	p      *proc
	wanted *spec.Wanted
	render renderer
	busy   map[int]bool
	states []plan.FileState
}

// Configure is part of reconcile.Files.
func (f *files) Configure(w *spec.Wanted, render renderer) error {
	f.wanted, f.render, f.busy = w, render, map[int]bool{}
	f.states = make([]plan.FileState, len(w.Files))
	return nil
}

// States is part of reconcile.Files.
func (f *files) States(serving spec.Side) []plan.FileState {
	if len(f.states) == 0 {
		return nil
	}
	out := make([]plan.FileState, len(f.states))
	for i, file := range f.wanted.Files {
		text, err := f.text(file.Path, serving)
		out[i] = plan.FileState{Path: file.Path, Busy: f.busy[i], Same: err == nil && f.p.n.files[file.Path] == text}
	}
	return out
}

func (f *files) text(path string, serving spec.Side) (string, error) {
	return f.p.n.w.shelf.render(renderKey{f.p.n.name, path, serving}, f.render)
}

// Render is part of reconcile.Files.
func (f *files) Render(i int, serving spec.Side) {
	n, path := f.p.n, f.wanted.Files[i].Path
	n.touch()
	text, err := f.text(path, serving)
	f.busy[i] = true
	busy := f.busy
	f.p.later(n.w.upTo(n.w.Timing.Local), func() {
		busy[i] = false
		if err == nil && !n.disk.full {
			n.files[path] = text
		}
		f.p.wake()
	})
}

// renderer returns the content of a wanted file for a serving side.
type renderer = func(path string, serving spec.Side) ([]byte, error)
