package reconcile

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/permit"
)

const (
	// OrderGoodFor is how long a person's order is good: an agent that was frozen
	// and takes it up later refuses it, because what the person stated may be over.
	OrderGoodFor = 3 * time.Second
	// AcceptBound is how long accepting a commit may take, its look at git
	// included.
	AcceptBound = time.Minute
	// orderBound is how long any other order may take.
	orderBound = 5 * time.Second
)

// Outcome is what came of a person's order that was carried out.
type Outcome struct {
	// Message says in words what was done.
	Message string
	// Unsaved is the disk's error when it could not keep the order, which then
	// counts until the agent restarts.
	Unsaved error
}

type goodUntilKey struct{}

// GoodUntil says until when, in boot time, the order given with ctx is good. One
// that does not say is good for ever.
func GoodUntil(ctx context.Context, by time.Duration) context.Context {
	return context.WithValue(ctx, goodUntilKey{}, by)
}

func goodUntil(ctx context.Context) time.Duration {
	if by, ok := ctx.Value(goodUntilKey{}).(time.Duration); ok {
		return by
	}
	return math.MaxInt64
}

// do carries out an order between two passes and waits for the pass that
// follows. When refuse returns an error nothing is done. An error of carryOut
// means that the order is not on disk: the order counts, until the agent restarts.
func (a *Agent) do(ctx context.Context, refuse, carryOut func(*Actuator) error) (unsaved, err error) {
	ctx, cancel := context.WithTimeout(ctx, orderBound)
	defer cancel()
	by := goodUntil(ctx)
	err = a.doWait(ctx, func(act *Actuator) error {
		if err := act.inTime(by); err != nil {
			return err
		}
		if err := refuse(act); err != nil {
			return err
		}
		unsaved = carryOut(act)
		return nil
	})
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("no pass has ended within %s: %w", orderBound, err)
	}
	return unsaved, err
}

func anyway(*Actuator) error { return nil }

// Pause suspends healing, starting, planned stopping, rendering and jobs for a
// length of time (R11).
func (a *Agent) Pause(ctx context.Context, reason string, length time.Duration) (Outcome, error) {
	var until time.Time
	unsaved, err := a.do(ctx, anyway, func(act *Actuator) error {
		until = act.Clock.Wall().Add(length).Round(time.Second)
		act.Log.Info("paused by a person", "reason", reason, "until", until)
		return act.SetPause(&Pause{Reason: reason, Until: until})
	})
	return Outcome{Message: "paused until " + until.Format(time.RFC3339), Unsaved: unsaved}, err
}

// endPauses ends what the document pauses until a time that has come, by this node's
// wall clock and by the time that has passed since the document was taken up: a clock that
// is set ends no pause. Of the other side's node it must have said so itself, of this very document: its
// clock may be slow, and nobody presumes a paused node dead (R4, R11).
func (a *Actuator) endPauses() {
	if a.doc == nil || a.wanted == nil || !a.doc.Paused && !a.doc.PeerPaused {
		return
	}
	over := func(until time.Time) bool { return !until.IsZero() && !a.Clock.Wall().Before(until) }
	d := *a.doc
	if r := a.snap.Reports[d.Peer]; over(a.wanted.PeerUntil) && r != nil && r.Known && r.Document == d.Digest && !r.Paused {
		d.PeerPaused = false
	}
	if over(a.wanted.PausedUntil) && a.Clock.Boot() >= a.pauseEnds {
		d.Paused = false
	}
	a.doc = &d
}

// Resume ends a pause of this node's own, not one of the document (R11).
func (a *Agent) Resume(ctx context.Context) (Outcome, error) {
	message := "resumed"
	unsaved, err := a.do(ctx, anyway, func(act *Actuator) error {
		if act.activePause() == nil {
			message = "this node was not paused"
		}
		if act.doc != nil && act.doc.Paused {
			message = "still paused, by the document: " + act.doc.Reason
		}
		act.Log.Info("resumed by a person")
		return act.SetPause(nil)
	})
	return Outcome{Message: message, Unsaved: unsaved}, err
}

// EndDrain ends the wait for calls: the planned stop goes on at once, and
// everything after it is as it would have been (R2).
func (a *Agent) EndDrain(ctx context.Context) (Outcome, error) {
	_, err := a.do(ctx, func(act *Actuator) error {
		in := act.ordered()
		return permit.EndOfDrain(&in, &act.last)
	}, func(act *Actuator) error {
		act.Log.Warn("drain ended by a person", "was", act.last.Reason)
		act.endDrain = true
		return nil
	})
	return Outcome{Message: "the drain has ended; the services stop now"}, err
}

// Takeover activates this node by a person's word, makes the claim of a dead
// instance of its side its own, or puts a claim that went back above the highest
// seq ever seen (R9, R10).
func (a *Agent) Takeover(ctx context.Context, t plan.TakeoverAsk) (Outcome, error) {
	answers := ""
	unsaved, err := a.do(ctx, func(act *Actuator) error { return act.RefuseTakeover(t) }, func(act *Actuator) error {
		act.Log.Warn("takeover by a person", "attest", t.Attest, "adopt", t.Adopt, "reroot", t.Reroot)
		if w := act.Machine.Probes.Witness(); w.Known && w.Answers && !t.Reroot {
			answers = "; but " + act.doc.Peer + " answers the witness probe: look at it now"
		}
		return act.SetTakeover(&t)
	})
	message := "taking over; it ends when the document agrees, or by mainstay takeover --end"
	switch {
	case t.Reroot:
		message = "the claim is being put above the highest number ever seen"
	case t.Adopt:
		message = "adopting the claim of this side"
	}
	return Outcome{Message: message + answers, Unsaved: unsaved}, err
}

// EndTakeover ends a takeover that is in force (R9).
func (a *Agent) EndTakeover(ctx context.Context) (Outcome, error) {
	unsaved, err := a.do(ctx, func(act *Actuator) error {
		in := act.ordered()
		return permit.EndOfTakeover(&in)
	}, func(act *Actuator) error {
		act.Log.Warn("takeover ended by a person", "attest", act.takeover.Attest)
		return act.SetTakeover(nil)
	})
	return Outcome{Message: "the takeover has ended; the document decides again", Unsaved: unsaved}, err
}

// AcceptCommit accepts the newest commit of the branch although it does not
// descend from the accepted one. It is named by the first of its hex digits. One that
// renames what leads to a claim wants a statement too (R13). From is the commit that this
// node must go by now, empty for any. An order that came to nothing is over: the commit is
// not accepted later by it.
func (a *Agent) AcceptCommit(ctx context.Context, from, commit, attest string) (Outcome, error) {
	s := a.Known()
	if s == nil || s.Seen == "" {
		return Outcome{}, errors.New("the branch has not been read yet")
	}
	if !strings.HasPrefix(s.Seen, commit) {
		return Outcome{}, &permit.Refused{Reason: fmt.Sprintf("the newest commit on the branch is %.12s, and only that one can be accepted", s.Seen),
			Advice: "look at it, then name it"}
	}
	ctx, cancel := context.WithTimeout(ctx, AcceptBound)
	defer cancel()
	commit = s.Seen
	if s.Accepted != nil && s.Accepted.Commit == commit {
		return Outcome{Message: fmt.Sprintf("commit %.12s is accepted already", commit)}, nil
	}
	if err := a.override(ctx, from, commit, attest); err != nil {
		return Outcome{}, err
	}
	s, err := a.SyncWait(ctx)
	a.learner.withdrawn.Store(&commit)
	if err != nil {
		return Outcome{}, fmt.Errorf("the look at git has not ended: %w", err)
	}
	if s.Accepted == nil || s.Accepted.Commit != commit {
		return Outcome{}, permit.NotAccepted(commit, attest, s.Seen, s.Conditions)
	}
	return Outcome{Message: fmt.Sprintf("commit %.12s is accepted", commit)}, nil
}
