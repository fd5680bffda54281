package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"mainstay/cmd/mainstay/ui"
	"mainstay/reconcile/change"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/forecast"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// followed is the JSON form of a failover that was followed.
type followed struct {
	Deployment string             `json:"deployment"`
	From       spec.Side          `json:"from"`
	To         spec.Side          `json:"to"`
	Commit     string             `json:"commit"`
	Plan       *forecast.Forecast `json:"plan"`
	// Converged says that every node is as the commit says, Seconds how long
	// that took since the push.
	Converged bool           `json:"converged"`
	Seconds   float64        `json:"seconds"`
	Nodes     []change.State `json:"nodes"`
}

// follow looks until every node is as the commit says, or the time is over.
func (t *switchover) follow(ctx context.Context, hash string, pushed time.Time) error {
	f := &follower{switchover: t, commit: hash, pushed: pushed, printed: map[string]string{}}
	goal := change.Goal{Commit: hash, Active: t.Next.Active, Fenced: t.Next.Fenced, Paused: t.Resting(time.Now())}
	if t.wait == 0 {
		t.say("not followed: mainstay status --watch shows how far the nodes are")
		return f.finish(goal.States(t.view, t.Now), nil)
	}
	if !t.view.Coordinated {
		t.say("read-only mode: nodes publish no reports, so there is nothing to follow")
		return f.finish(nil, nil)
	}
	bounded, cancel := context.WithTimeout(ctx, t.wait)
	defer cancel()
	tick := time.NewTicker(watchEvery / 2)
	defer tick.Stop()
	look := func(ctx context.Context) (*fleet.View, *fleet.Deployment, error) { return t.one(ctx, t.source) }
	err := goal.Follow(bounded, look, f.looked, tick.C)
	if err != nil && bounded.Err() != nil {
		err = f.late(ctx)
	}
	return f.finish(f.last, t.proposed(err))
}

// follower shows how one commit is followed.
type follower struct {
	*switchover
	commit string
	pushed time.Time
	last   []change.State
	at     *fleet.Deployment // what last is of
	// printed and live are what was shown: the newest line of every node, or the table.
	printed map[string]string
	live    ui.Live
	deaf    string
}

// looked shows what changed. A look that came to nothing is told.
func (f *follower) looked(nodes []change.State, _ *fleet.View, d *fleet.Deployment, err error) {
	if err != nil {
		f.unread(err)
		return
	}
	f.deaf, f.last, f.at = "", nodes, d
	f.show()
}

// late says what is missing when the time is over.
func (f *follower) late(ctx context.Context) error {
	if ctx.Err() != nil {
		return failf(exitFailed, "no longer followed: the commit is pushed, and the nodes go on").hintf("mainstay status --watch")
	}
	var missing []string
	for _, n := range f.last {
		if !n.Applied {
			missing = append(missing, n.Missing)
		}
	}
	if len(f.last) == 0 {
		missing = []string{"no node could be read"}
	}
	text := strings.Join(missing, "; ")
	if f.at != nil {
		text += ". Now " + strings.Join(change.Serving(f.at), ", ")
	}
	hint := strings.Join(append(f.ways(), "the nodes go on: mainstay status --watch shows how far they are"), "; ")
	return failf(exitNotConverged, "not every node is as the commit says after %s: %s", f.wait, text).hintf("%s", hint)
}

// ways say what a person can do when the change did not come to its end: mend what
// nobody serves, or go back from a side that failed.
func (f *follower) ways() []string {
	failed := slices.ContainsFunc(f.last, func(n change.State) bool { return n.Side == f.Next.Active && n.Status == plan.Failed })
	switch {
	case f.at != nil && len(f.at.Ways) > 0:
		return f.at.Ways
	case failed && f.Now.Active != f.Next.Active:
		return []string{fmt.Sprintf("if %s cannot be mended soon: `mainstay failover --to %s` goes back", f.Next.Active, f.Now.Active)}
	}
	return nil
}

// finish prints the result.
func (f *follower) finish(nodes []change.State, failed error) error {
	done := failed == nil && f.wait > 0 && f.view.Coordinated
	if f.format == "json" {
		if nodes == nil {
			nodes = []change.State{}
		}
		if err := f.printJSON(followed{
			Deployment: f.Now.Name, From: f.Now.Active, To: f.Next.Active, Commit: f.commit, Plan: f.Forecast,
			Converged: done, Seconds: time.Since(f.pushed).Seconds(), Nodes: nodes,
		}); err != nil {
			return err
		}
		return failed
	}
	if !done {
		return failed
	}
	s := ui.ScreenOf(f.out)
	s.Say(ui.Good, "done: %s serves, every node is as %.7s says after %.1fs", f.Next.Active, f.commit, time.Since(f.pushed).Seconds())
	for _, p := range f.Forecast.People {
		s.Say(ui.Plain, "now: %s", p)
	}
	return nil
}
