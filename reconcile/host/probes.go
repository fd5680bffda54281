package host

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/probe"
	"mainstay/spec"
)

// Probes runs the witness and the detect probes of a node, all the time, each
// in a goroutine of its own.
type Probes struct {
	allow spec.Allow
	wake  func()

	mu      sync.Mutex
	hurry   bool
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
	slow bool
	view plan.ProbeView
}

// seldom is how often the witness is asked while nobody decides by it.
const seldom = 10 * time.Second

// NewProbes returns probes that run until ctx ends, run only commands that are
// allowed, and call wake when one changes its mind.
func NewProbes(ctx context.Context, allow spec.Allow, wake func()) *Probes {
	return &Probes{ctx: ctx, allow: allow, wake: wake, detect: map[spec.Side]*watched{}}
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
	if p.witness, err = p.replace(p.witness, w.Witness, !p.hurry); err != nil {
		return fmt.Errorf("role %s: witness: %w", w.Role, err)
	}
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

// begin asks from now on, at the document's pace or seldom.
func (p *Probes) begin(w *watched, slow bool) {
	ctx, stop := context.WithCancel(p.ctx)
	w.stop, w.slow = stop, slow
	every := w.want.Every.D()
	if slow {
		every = max(every, seldom)
	}
	go probe.Repeat(ctx, w.ask, every, Clock{}, func(r probe.Result) {
		if ctx.Err() == nil {
			p.note(w, r)
		}
	})
}

// Hurry asks the witness at the document's pace while somebody decides by it.
// What it said before that does not count: it was asked too seldom to have been
// silent all through a wait (R4).
func (p *Probes) Hurry(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hurry = on
	w := p.witness
	if w == nil || w.slow == !on {
		return
	}
	w.stop()
	w.view = plan.ProbeView{}
	p.begin(w, !on)
}

// note takes in one result. Silence counts from the first try without an
// answer, and one answer ends it (R4).
func (p *Probes) note(w *watched, r probe.Result) {
	p.mu.Lock()
	before := w.view
	switch {
	case r.OK:
		w.view = plan.ProbeView{Known: true, Answers: true}
	default:
		if !before.Known || before.Answers {
			w.view.SilentSince = r.At
		}
		w.view.Known, w.view.Answers = true, false
		w.view.Silent = r.FailsInARow >= w.want.Fail
	}
	changed := before != w.view
	p.mu.Unlock()
	if changed {
		p.wake()
	}
}

// Witness is what the peer's witness probe says.
func (p *Probes) Witness() plan.ProbeView {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.witness.look()
}

// Detect is what the probes of the followed role's two nodes say.
func (p *Probes) Detect() map[spec.Side]plan.ProbeView {
	p.mu.Lock()
	defer p.mu.Unlock()
	return map[spec.Side]plan.ProbeView{
		spec.Main: p.detect[spec.Main].look(), spec.Standby: p.detect[spec.Standby].look(),
	}
}

func (w *watched) look() plan.ProbeView {
	if w == nil {
		return plan.ProbeView{}
	}
	return w.view
}

// Forget makes every silence begin again.
func (p *Probes) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range []*watched{p.witness, p.detect[spec.Main], p.detect[spec.Standby]} {
		if w != nil {
			w.view = plan.ProbeView{}
		}
	}
}
