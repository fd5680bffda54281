package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"mainstay/reconcile/plan"
)

// do carries out an order between two passes and waits for the pass that
// follows. before may refuse it; then nothing is done. The error of carryOut is
// the disk's: the order counts all the same.
func (c *Control) do(ctx context.Context, before func(*Actuator) error, carryOut func(*Actuator) error) (unsaved, err error) {
	ctx, cancel := context.WithTimeout(ctx, orderBound)
	defer cancel()
	by := goodUntil(ctx)
	err = c.Agent.DoWait(ctx, func(a *Actuator) error {
		if err := a.InTime(by); err != nil {
			return err
		}
		if err := before(a); err != nil {
			return err
		}
		unsaved = carryOut(a)
		return nil
	})
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("no pass has ended within %s: %w", orderBound, err)
	}
	return unsaved, err
}

// check returns how long the pause is to last, or a Misused.
func (r PauseRequest) check() (time.Duration, error) {
	length, err := duration("for", r.For, longestPause)
	switch {
	case err != nil:
		return 0, err
	case strings.TrimSpace(r.Reason) == "":
		return 0, &Misused{Reason: "a pause needs a reason", Advice: "say it with --reason"}
	case length == 0:
		return 0, &Misused{Reason: "a pause needs an end", Advice: "say how long with --for"}
	}
	return length, nil
}

// pause suspends healing, starting, planned stopping, rendering and jobs until
// its end (R11).
func (c *Control) pause(ctx context.Context, r PauseRequest) (Answer, error) {
	r.Reason = strings.TrimSpace(r.Reason)
	length, err := r.check()
	if err != nil {
		return Answer{}, err
	}
	var until time.Time
	unsaved, err := c.do(ctx, anyway, func(a *Actuator) error {
		until = a.Clock.Wall().Add(length).Round(time.Second)
		a.Log.Info("paused by a person", "reason", r.Reason, "until", until)
		return a.SetPause(&Pause{Reason: r.Reason, Until: until})
	})
	if err != nil {
		return Answer{}, err
	}
	return c.answer("paused until "+until.Format(time.RFC3339), unsaved), nil
}

func anyway(*Actuator) error { return nil }

// resume ends a pause of this node's own, not one of the document.
func (c *Control) resume(ctx context.Context) (Answer, error) {
	message := "resumed"
	unsaved, err := c.do(ctx, anyway, func(a *Actuator) error {
		if a.activePause() == nil {
			message = "this node was not paused"
		}
		if a.doc != nil && a.doc.Paused {
			message += "; the document pauses it all the same: " + a.doc.Reason
		}
		a.Log.Info("resumed by a person")
		return a.SetPause(nil)
	})
	if err != nil {
		return Answer{}, err
	}
	return c.answer(message, unsaved), nil
}

// accept takes a commit that does not descend from the accepted one (section
// 5), or a claim that went back (R9).
func (c *Control) accept(ctx context.Context, r AcceptRequest) (Answer, error) {
	if err := r.check(); err != nil {
		return Answer{}, err
	}
	if r.Claim {
		return c.acceptClaim(ctx, strings.TrimSpace(r.Attest))
	}
	return c.acceptCommit(ctx, strings.ToLower(r.Commit))
}

// check returns a Misused for an order that names nothing, or no commit.
func (r AcceptRequest) check() error {
	commit := strings.ToLower(r.Commit)
	switch {
	case r.Claim == (commit != ""):
		return &Misused{Reason: "accept takes a commit or the claim", Advice: "name one of them"}
	case !r.Claim && (len(commit) < 7 || strings.Trim(commit, "0123456789abcdef") != ""):
		return &Misused{Reason: fmt.Sprintf("%q is not a commit", r.Commit), Advice: "give at least 7 of its hex digits"}
	}
	return nil
}

func (c *Control) acceptCommit(ctx context.Context, commit string) (Answer, error) {
	s := c.Agent.Known()
	if s == nil || s.Seen == "" {
		return Answer{}, errors.New("the branch has not been read yet")
	}
	if !strings.HasPrefix(s.Seen, commit) {
		return Answer{}, &Refused{Reason: fmt.Sprintf("the newest commit on the branch is %.12s, and only that one can be accepted", s.Seen),
			Advice: "look at it, then name it"}
	}
	ctx, cancel := context.WithTimeout(ctx, acceptBound)
	defer cancel()
	commit = s.Seen
	if s.Accepted != nil && s.Accepted.Commit == commit {
		return c.answer(fmt.Sprintf("commit %.12s is accepted already", commit), nil), nil
	}
	if err := c.Agent.Accept(ctx, commit); err != nil {
		return Answer{}, err
	}
	s, err := c.Agent.SyncWait(ctx)
	if err != nil {
		return Answer{}, fmt.Errorf("the look at git has not ended: %w", err)
	}
	if s.Accepted == nil || s.Accepted.Commit != commit {
		return Answer{}, &Refused{Reason: fmt.Sprintf("commit %.12s was not accepted: %s", commit, whyNot(s)),
			Advice: "accept overrides the check that a commit descends from the one before, and nothing else"}
	}
	return c.answer(fmt.Sprintf("commit %.12s is accepted", commit), nil), nil
}

// whyNot says in one line why the newest commit is not accepted.
func whyNot(s *Snapshot) string {
	var all []string
	for _, c := range s.Conditions {
		all = append(all, c.Message)
	}
	if len(all) == 0 {
		return "the branch moved on to " + s.Seen
	}
	return strings.Join(all, "; ")
}

// acceptClaim vouches for a claim that went back: it is put above the highest
// seq ever seen (R9, R10).
func (c *Control) acceptClaim(ctx context.Context, attest string) (Answer, error) {
	unsaved, err := c.do(ctx, func(a *Actuator) error {
		switch {
		case a.doc == nil || !a.doc.Exclusive || !a.Coordinated:
			return refusef(plan.R9, "", "this node has no claim")
		case !a.claimInDoubt():
			return refusef(plan.R10, "", "the claim of %s has not gone back, so there is nothing to accept", a.doc.Role)
		}
		return attested(attest)
	}, func(a *Actuator) error {
		a.Log.Warn("claim accepted by a person", "attest", attest)
		return a.SetTakeover(&plan.TakeoverAsk{Attest: attest, Reroot: true})
	})
	if err != nil {
		return Answer{}, err
	}
	return c.answer("the claim is being put above the highest number ever seen", unsaved), nil
}

// claimInDoubt reports whether the claim went back, or is below what a report
// names, which this declared side does not build on (R10).
func (a *Actuator) claimInDoubt() bool {
	c := a.snap.Claims[a.doc.Role]
	return c.Regressed || c.Elsewhere > c.Tip.Seq && a.doc.Active == a.doc.Side
}

func refusef(r plan.Rule, advice, format string, args ...any) error {
	return &Refused{Rule: r, Reason: fmt.Sprintf(format, args...), Advice: advice}
}

// attested refuses a statement that states nothing.
func attested(text string) error {
	if text == "" {
		return refusef(plan.R9, `say what you checked: --attest "paris-main is powered off, seen by me"`,
			"a takeover needs a person's statement")
	}
	return nil
}
