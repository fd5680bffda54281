// Package silence counts how long a target has not answered (R4). The agent, the
// simulation and the explorer all count with it.
//
// It asks nobody and reads no clock: it is handed each try and what came of it.
package silence

import "mainstay/reconcile/plan"

// Heard is what came of one try of a probe.
type Heard int

// What can come of a try.
const (
	// HeardUnasked: the question could not be put, so nothing is known (R4).
	HeardUnasked Heard = iota
	// HeardAnswer: the target gave the answer that the probe wants.
	HeardAnswer
	// HeardOther: the target gave another answer, so it lives.
	HeardOther
	// HeardRefusal: a machine answered that nothing listens on that port.
	HeardRefusal
	// HeardNothing: the question was put, and no answer came in time.
	HeardNothing
)

// Try is one try of a probe.
type Try struct {
	// At is when the try began, in boot time.
	At    plan.Time
	Heard Heard
	// Why says what stood in the way of asking.
	Why string
}

// Probing is what the tries of one probe have come to.
type Probing struct {
	View plan.ProbeView
	// Witness says that this probe is the witness of the other side (R4), and not a
	// detect probe of a shared node.
	Witness bool
	// Answered says that this very probe was answered once, by this run of the agent
	// or an earlier one.
	Answered bool
	// silent counts the newest tries in a row that met silence.
	silent int
}

// After returns what is known after one more try. R4: silence counts from the
// first try that was put and not answered, and stands after fail tries in a row.
// An answer ends it, and so does a try that could not ask.
func (p Probing) After(t Try, fail int) Probing {
	t = p.judge(t)
	before := p.View
	p.View = plan.ProbeView{Known: true}
	if t.Heard != HeardNothing {
		p.silent = 0
	}
	switch t.Heard {
	case HeardAnswer:
		p.Answered, p.View.Answers = true, true
	case HeardOther:
		// The target lives, which is all that a witness is asked for. A detect probe is
		// asked whether the target serves.
		p.View.Answers = p.Witness
	case HeardNothing:
		p.View.SilentSince = before.SilentSince
		if p.silent++; p.silent == 1 {
			p.View.SilentSince = t.At
		}
		p.View.Silent = p.silent >= fail
	default:
		p.View.Unasked = t.Why
	}
	return p
}

// judge says what a refused connection is. A service that crashed on a healthy
// machine must not keep the other side from serving, so a refusal counts as
// silence. R4: for a witness it does so only if this very probe was answered
// before. A port that never answered may be the wrong one, while the service
// listens on another.
func (p Probing) judge(t Try) Try {
	switch {
	case t.Heard != HeardRefusal:
	case p.Witness && !p.Answered:
		t.Heard = HeardUnasked
		t.Why = "it was never answered, and the service may listen elsewhere: " + t.Why
	default:
		t.Heard = HeardNothing
	}
	return t
}

// AtPace returns what counts from now on, when a probe that was asked seldom is to
// be asked as often as the document says, or the other way round, and whether that
// is a change. R4: at a change of pace all silence begins again, because a target
// that is asked seldom was not heard to be silent all through a wait.
func (p Probing) AtPace(was, seldom bool) (now Probing, changed bool) {
	if was == seldom {
		return p, false
	}
	return p.Forgotten(), true
}

// Forgotten returns a probe whose tries are void. That it was answered once stays
// true.
func (p Probing) Forgotten() Probing {
	return Probing{Witness: p.Witness, Answered: p.Answered}
}
