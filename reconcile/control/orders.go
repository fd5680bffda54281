package control

import (
	"context"
	"fmt"
	"strings"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/permit"
)

// done is the answer to an order, or its error.
func (c *Control) done(o reconcile.Outcome, err error) (Answer, error) {
	if err != nil {
		return Answer{}, err
	}
	return c.answer(o), nil
}

func (c *Control) pause(ctx context.Context, r PauseRequest) (Answer, error) {
	length, err := r.check()
	if err != nil {
		return Answer{}, err
	}
	return c.done(c.Agent.Pause(ctx, strings.TrimSpace(r.Reason), length))
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

func (c *Control) resume(ctx context.Context, _ struct{}) (Answer, error) {
	return c.done(c.Agent.Resume(ctx))
}

func (c *Control) drain(ctx context.Context, r DrainRequest) (Answer, error) {
	if err := r.check(); err != nil {
		return Answer{}, err
	}
	return c.done(c.Agent.EndDrain(ctx))
}

// check returns a Misused for an order that does not end a drain.
func (r DrainRequest) check() error {
	if !r.End {
		return &Misused{Reason: "a drain begins with a commit that moves the service away, and in no other way",
			Advice: "--end ends one that is under way"}
	}
	return nil
}

func (c *Control) accept(ctx context.Context, r AcceptRequest) (Answer, error) {
	if err := r.check(); err != nil {
		return Answer{}, err
	}
	if r.Claim {
		return c.done(c.Agent.Takeover(ctx, plan.TakeoverAsk{Attest: strings.TrimSpace(r.Attest), Reroot: true}))
	}
	return c.done(c.Agent.AcceptCommit(ctx, "", strings.ToLower(r.Commit), strings.TrimSpace(r.Attest)))
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

func (c *Control) takeover(ctx context.Context, r TakeoverRequest) (Answer, error) {
	if err := r.check(); err != nil {
		return Answer{}, err
	}
	if r.End {
		return c.done(c.Agent.EndTakeover(ctx))
	}
	return c.done(c.Agent.Takeover(ctx, plan.TakeoverAsk{Attest: strings.TrimSpace(r.Attest), Adopt: r.Adopt}))
}

// check returns a Misused for an order that contradicts itself, and a
// permit.Refused for one that states nothing.
func (r TakeoverRequest) check() error {
	if !r.End {
		return permit.Statement(strings.TrimSpace(r.Attest))
	}
	if r.Adopt || r.Attest != "" {
		return &Misused{Reason: "the end of a takeover takes nothing else", Advice: "give --end alone"}
	}
	return nil
}
