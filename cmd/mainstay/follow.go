package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"mainstay/cmd/mainstay/ui"
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
	Nodes     []followedNode `json:"nodes"`
}

// followedNode is where one node had come to.
type followedNode struct {
	Name    string       `json:"name"`
	Status  plan.Status  `json:"status"`
	Applied bool         `json:"applied"`
	Reason  string       `json:"reason,omitempty"`
	Phases  []plan.Phase `json:"phases,omitempty"`
	// Missing says what keeps the node from being applied, and when it was heard if
	// it did not see the commit: its status is from before, then.
	Missing string `json:"missing,omitempty"`
	// side, silent and left are for the table: silent is how long a node was not
	// heard that should have been, left how much of its wait is left.
	side         spec.Side
	silent, left time.Duration
}

// follow looks until every node is as the commit says, or the time is over.
func (t *turn) follow(ctx context.Context, hash string, pushed time.Time) error {
	f := &follower{turn: t, commit: hash, pushed: pushed, told: map[string]string{}}
	if t.wait == 0 {
		t.say("not followed: mainstay status --watch shows how far the nodes are")
		return f.finish(f.state(t.now), nil)
	}
	if !t.view.Coordinated {
		t.say("read-only mode: nodes publish no reports, so there is nothing to follow (R8)")
		return f.finish(nil, nil)
	}
	bounded, cancel := context.WithTimeout(ctx, t.wait)
	defer cancel()
	tick := time.NewTicker(watchEvery / 2)
	defer tick.Stop()
	for {
		done, err := f.look(bounded)
		if done || err != nil {
			return f.finish(f.last, err)
		}
		select {
		case <-bounded.Done():
			return f.finish(f.last, f.late(ctx))
		case <-tick.C:
		}
	}
}

// follower follows one commit.
type follower struct {
	*turn
	commit string
	pushed time.Time
	last   []followedNode
	at     *fleet.Deployment // what last is of
	read   time.Time         // when last was read
	// told and live are what was shown: the newest line of every node, or the table.
	told map[string]string
	live ui.Live
	deaf string
}

// look reads once and shows what changed. A read that fails is told and tried
// again.
func (f *follower) look(ctx context.Context) (done bool, err error) {
	v, d, err := f.one(ctx, f.source)
	if ctx.Err() != nil {
		return false, nil
	}
	if err != nil {
		f.unread(err)
		return false, nil
	}
	f.deaf = ""
	if v.Commit != f.commit && d.Active != f.next.Active {
		return false, failf(exitNotConverged, "overtaken: %.7s %q by %s declares %s", v.Commit, v.Subject, v.Author, d.Active).
			hintf("look with mainstay status --watch")
	}
	f.read = v.Read
	f.last, f.at = f.state(d), d
	f.show()
	return !slices.ContainsFunc(f.last, func(n followedNode) bool { return !n.Applied }), nil
}

// state is where every node has come to. Nobody waits for nodes of a side that
// is stated to be off.
func (f *follower) state(d *fleet.Deployment) []followedNode {
	nodes := []followedNode{}
	for _, n := range d.Nodes {
		if n.Side != "" && n.Side == f.next.Fenced {
			continue
		}
		out := followedNode{Name: n.Name, Status: plan.Unknown, Reason: "never heard", side: n.Side}
		if r := n.Report; r != nil {
			out.Status, out.Reason, out.left = r.Status, r.Reason, r.Left(f.read)
			out.Applied = n.Applied && !n.Stale && (r.Applied == f.commit || r.Declared == f.next.Active)
			if r.Accepted == f.commit {
				out.Phases = r.Phases
			}
			if n.Stale {
				out.silent = n.Heard()
			}
		}
		if !out.Applied {
			out.Missing = f.missing(n)
		}
		nodes = append(nodes, out)
	}
	return nodes
}

// missing says what keeps a node from being as the commit says. What it said
// before it knew of the commit is told as old.
func (f *follower) missing(n fleet.Node) string {
	r := n.Report
	switch {
	case r == nil:
		return n.Name + " was never heard"
	case r.Accepted == f.commit || r.Declared == f.next.Active:
		text := fmt.Sprintf("%s is %s (%s)", n.Name, r.Status, r.Reason)
		if n.Stale {
			text = fmt.Sprintf("%s was %s when last heard %s ago", n.Name, r.Status, fleet.Age(n.Heard()))
		}
		return text
	case r.Seen == f.commit:
		return fmt.Sprintf("%s has not accepted the commit (%s)", n.Name, r.Reason)
	}
	return fmt.Sprintf("%s has not seen the commit, last heard %s ago", n.Name, fleet.Age(n.Heard()))
}

// serving says who serves each role that hands a claim over, as far as claims and
// reports tell.
func serving(d *fleet.Deployment) []string {
	var out []string
	for _, role := range slices.Sorted(maps.Keys(d.Claims)) {
		side := d.Claims[role].Holder.Side()
		i := slices.IndexFunc(d.Nodes, func(n fleet.Node) bool { return n.Role == role && n.Side == side && side != "" })
		if i < 0 {
			out = append(out, "nobody holds the claim of "+role)
			continue
		}
		n := d.Nodes[i]
		text := fmt.Sprintf("%s serves %s", side, role)
		switch r := n.Report; {
		case r == nil:
			text = fmt.Sprintf("%s holds the claim of %s and was never heard", side, role)
		case r.Status != plan.Active || r.Seq != d.Claims[role].Seq:
			text = fmt.Sprintf("%s holds the claim of %s and is not seen to serve", side, role)
		case n.Heard() > forecast.HeardNow:
			text += fmt.Sprintf(" when last heard %s ago", fleet.Age(n.Heard()))
		}
		out = append(out, text)
	}
	return out
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
		text += ". Now " + strings.Join(serving(f.at), ", ")
	}
	return failf(exitNotConverged, "not every node is as the commit says after %s: %s", f.wait, text).
		hintf("the nodes go on: mainstay status --watch shows how far they are")
}

// finish prints the result.
func (f *follower) finish(nodes []followedNode, failed error) error {
	done := failed == nil && f.wait > 0 && f.view.Coordinated
	if f.format == "json" {
		if nodes == nil {
			nodes = []followedNode{}
		}
		if err := f.printJSON(followed{
			Deployment: f.now.Name, From: f.now.Active, To: f.next.Active, Commit: f.commit, Plan: f.plan,
			Converged: done, Seconds: time.Since(f.pushed).Seconds(), Nodes: nodes,
		}); err != nil {
			return err
		}
		return failed
	}
	if !done {
		return failed
	}
	s := f.screen()
	s.Say(ui.Good, "done: %s serves, every node is as %.7s says after %.1fs", f.next.Active, f.commit, time.Since(f.pushed).Seconds())
	for _, p := range f.plan.People {
		s.Say(ui.Plain, "now: %s", p)
	}
	return nil
}
