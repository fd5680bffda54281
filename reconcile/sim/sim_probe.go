package sim

import (
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/silence"
	"mainstay/spec"
)

// A probe is tried once a second and silent after three tries.
const (
	probeEvery = time.Second
	probeFail  = 3
)

// probes is reconcile.Probes. It tries when it is asked, for all the moments
// since it was asked last: a probe is asked at every pass, which is often
// enough.
type probes struct {
	p       *proc
	witness *watch
	detect  map[spec.Side]*watch
}

// watch is one target being probed.
type watch struct {
	target  *node
	next    time.Duration
	seldom  bool // a witness by which nobody decides
	probing silence.Probing
}

// Configure is part of reconcile.Probes.
func (q *probes) Configure(w *spec.Wanted) error {
	q.witness = q.replace(q.witness, w.Witness != nil, w.Peer)
	if q.witness != nil {
		q.witness.probing.Witness = true
	}
	if len(w.DetectOn) == 0 {
		q.detect = nil
		return nil
	}
	if q.detect == nil {
		q.detect = map[spec.Side]*watch{}
	}
	for _, side := range []spec.Side{spec.Main, spec.Standby} {
		q.detect[side] = q.replace(q.detect[side], w.DetectOn[side] != nil, w.FollowNodes[side])
	}
	return nil
}

func (q *probes) replace(was *watch, wanted bool, target string) *watch {
	if !wanted {
		return nil
	}
	if was != nil && was.target.name == target {
		return was
	}
	return &watch{target: q.p.n.w.byName[target], next: q.p.n.boot()}
}

// Witness is part of reconcile.Probes.
func (q *probes) Witness() plan.ProbeView { return q.ask(q.witness) }

// Detect is part of reconcile.Probes.
func (q *probes) Detect() map[spec.Side]plan.ProbeView {
	return map[spec.Side]plan.ProbeView{
		spec.Main: q.ask(q.detect[spec.Main]), spec.Standby: q.ask(q.detect[spec.Standby]),
	}
}

// AskWitnessOften is part of reconcile.Probes. Here the witness is asked as often at either
// pace; that a change of pace voids what it said before is as on a machine (R4).
func (q *probes) AskWitnessOften(on bool) {
	w := q.witness
	if w == nil {
		return
	}
	probing, changed := w.probing.AtPace(w.seldom, !on)
	if !changed {
		return
	}
	w.probing, w.seldom, w.next = probing, !on, q.p.n.boot()
}

// Forget is part of reconcile.Probes.
func (q *probes) Forget() {
	for _, w := range []*watch{q.witness, q.detect[spec.Main], q.detect[spec.Standby]} {
		if w != nil {
			w.probing, w.next = w.probing.Forgotten(), q.p.n.boot()
		}
	}
}

// ask makes the tries that are due and returns what they say. A try that was
// due while nobody asked is taken to have been made at its time; the truth of
// now is its answer only if it was due within the last second.
func (q *probes) ask(w *watch) plan.ProbeView {
	if w == nil {
		return plan.ProbeView{}
	}
	now := q.p.n.boot()
	for w.next <= now {
		w.try(w.next, q.answers(w.target))
		w.next += probeEvery
	}
	return w.probing.View
}

func (q *probes) answers(target *node) bool {
	switch q.p.n.lies {
	case Silence:
		return false
	case Answer:
		return true
	}
	return target.answering()
}

func (w *watch) try(at time.Duration, answered bool) {
	heard := silence.HeardNothing
	if answered {
		heard = silence.HeardAnswer
	}
	w.probing = w.probing.After(silence.Try{At: at, Heard: heard}, probeFail)
}
