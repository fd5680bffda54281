package machine

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"time"

	"mainstay/reconcile/managed"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/silence"
	"mainstay/reconcile/probe"
	"mainstay/spec"
)

// Probes runs the witness and the detect probes of a node, all the time, each
// in a goroutine of its own.
type Probes struct {
	allow spec.Allow
	// disk keeps what has answered once; nil keeps nothing.
	disk managed.Disk
	wake func()

	mu      sync.Mutex
	often   bool
	ctx     context.Context
	witness *watched
	detect  map[spec.Side]*watched
}

// watched is one probe under way and what it says.
type watched struct {
	want spec.Probe
	ask  probe.Func
	stop context.CancelFunc
	// slow says that it is asked seldom now.
	slow    bool
	probing silence.Probing
}

const (
	// seldom is how often the witness is asked while nobody decides by it and it
	// answers.
	seldom = 5 * time.Second
	// heardFile keeps the witness that was answered once.
	heardFile = "witness"
)

// NewProbes returns this machine's probes. The disk keeps what has answered once.
func (p *Parts) NewProbes(disk managed.Disk) *Probes {
	return newProbes(p.ctx, p.file.Allow, disk, p.wake)
}

// newProbes returns probes that run until ctx ends, run only commands that are
// allowed, and call wake when one changes its mind. The disk may be nil.
func newProbes(ctx context.Context, allow spec.Allow, disk managed.Disk, wake func()) *Probes {
	return &Probes{ctx: ctx, allow: allow, disk: disk, wake: wake, detect: map[spec.Side]*watched{}}
}

// Configure starts, keeps or ends probes as the document wants them. A document
// that asks for what the node does not allow changes nothing.
func (p *Probes) Configure(w *spec.Wanted) error {
	if err := refused(p.allow, w); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	if p.witness, err = p.replace(p.witness, w.Witness, !p.often); err != nil {
		return fmt.Errorf("role %s: witness: %w", w.Role, err)
	}
	p.recallHeard(p.witness)
	for _, side := range []spec.Side{spec.Main, spec.Standby} {
		if p.detect[side], err = p.replace(p.detect[side], w.DetectOn[side], false); err != nil {
			return fmt.Errorf("role %s: detect: %w", w.Role, err)
		}
	}
	return nil
}

// replace keeps a probe that is wanted as it is, so that its silence counts on.
func (p *Probes) replace(old *watched, want *spec.Probe, slow bool) (*watched, error) {
	if old != nil && want != nil && reflect.DeepEqual(old.want, *want) {
		return old, nil
	}
	if old != nil {
		old.stop()
	}
	if want == nil {
		return nil, nil
	}
	ask, err := probe.New(*want)
	if err != nil {
		return nil, err
	}
	w := &watched{want: probe.Defaults(*want), ask: ask}
	p.begin(w, slow)
	return w, nil
}

// recallHeard makes a witness one, and remembers whether this very probe was
// answered before the agent was restarted.
func (p *Probes) recallHeard(w *watched) {
	if w == nil || w.probing.Witness {
		return
	}
	w.probing.Witness = true
	var heard spec.Probe
	if p.disk != nil && p.disk.Load(heardFile, &heard) == nil {
		w.probing.Answered = reflect.DeepEqual(heard, w.want)
	}
}

// begin asks from now on, at the document's pace, or seldom as long as the target
// answers.
func (p *Probes) begin(w *watched, slow bool) {
	ctx, stop := context.WithCancel(p.ctx)
	w.stop, w.slow = stop, slow
	pause := func(r probe.Result) time.Duration {
		every := w.want.Every.D()
		if slow && (r.OK || r.FailsInARow > w.want.Fail) {
			every = max(every, seldom)
		}
		return every
	}
	go probe.Repeat(ctx, w.ask, pause, Clock{}, func(r probe.Result) {
		if ctx.Err() == nil {
			p.note(w, r)
		}
	})
}

// AskWitnessOften asks the witness at the document's pace while somebody decides by
// it, and seldom otherwise. A change of pace voids what it said before (R4).
func (p *Probes) AskWitnessOften(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.often = on
	w := p.witness
	if w == nil {
		return
	}
	probing, changed := w.probing.AtPace(w.slow, !on)
	if !changed {
		return
	}
	w.stop()
	w.probing = probing
	p.begin(w, !on)
}

// note takes in one result, keeps on disk that a witness was answered for the
// first time, and wakes the agent when the probe says something else now.
func (p *Probes) note(w *watched, r probe.Result) {
	p.mu.Lock()
	before := w.probing
	w.note(r)
	after := w.probing
	p.mu.Unlock()
	if after.Witness && after.Answered && !before.Answered && p.disk != nil {
		_ = p.disk.Save(heardFile, w.want) // a lost memory costs a wait, no more
	}
	if before.View != after.View {
		p.wake()
	}
}

// note counts a result (R4).
func (w *watched) note(r probe.Result) {
	w.probing = w.probing.After(silence.Try{At: r.At, Heard: heard(r.Verdict), Why: r.Err}, w.want.Fail)
}

// heard translates a verdict for the decision.
func heard(v probe.Verdict) silence.Heard {
	switch v {
	case probe.Answered:
		return silence.HeardAnswer
	case probe.Otherwise:
		return silence.HeardOther
	case probe.Refused:
		return silence.HeardRefusal
	case probe.Silent:
		return silence.HeardNothing
	}
	return silence.HeardUnasked
}

// Witness is what the peer's witness probe says.
func (p *Probes) Witness() plan.ProbeView {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.witness.view()
}

// Detect is what the probes of the followed role's two nodes say.
func (p *Probes) Detect() map[spec.Side]plan.ProbeView {
	p.mu.Lock()
	defer p.mu.Unlock()
	return map[spec.Side]plan.ProbeView{
		spec.Main: p.detect[spec.Main].view(), spec.Standby: p.detect[spec.Standby].view(),
	}
}

func (w *watched) view() plan.ProbeView {
	if w == nil {
		return plan.ProbeView{}
	}
	return w.probing.View
}

// Forget makes every silence begin again.
func (p *Probes) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range []*watched{p.witness, p.detect[spec.Main], p.detect[spec.Standby]} {
		if w != nil {
			w.probing = w.probing.Forgotten()
		}
	}
}
