package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"mainstay/cmd/mainstay/board"
	"mainstay/cmd/mainstay/preview"
	"mainstay/cmd/mainstay/view"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// followed is the JSON form of a failover that was followed.
type followed struct {
	Deployment string        `json:"deployment"`
	From       spec.Side     `json:"from"`
	To         spec.Side     `json:"to"`
	Commit     string        `json:"commit"`
	Plan       *preview.Plan `json:"plan"`
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
}

// follow looks until every node is as the commit says, or the time is over.
func (t *turn) follow(ctx context.Context, hash string, pushed time.Time) error {
	f := &follower{turn: t, commit: hash, pushed: pushed, told: map[string]string{}}
	if t.wait <= 0 {
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
	told   map[string]string
	drawn  int
	deaf   string
}

// look reads once and shows what changed. A read that fails is told and tried
// again.
func (f *follower) look(ctx context.Context) (done bool, err error) {
	v, d, err := f.one(ctx, f.source)
	if ctx.Err() != nil {
		return false, nil
	}
	if err != nil {
		if f.deaf != err.Error() {
			f.deaf = err.Error()
			f.say("cannot read: %s; trying again", f.deaf)
		}
		return false, nil
	}
	f.deaf = ""
	if v.Commit != f.commit && d.Active != f.next.Active {
		return false, failf(exitNotConverged, "overtaken: %.7s %q by %s declares %s", v.Commit, v.Subject, v.Author, d.Active).
			hintf("look with mainstay status --watch")
	}
	f.last = f.state(d)
	f.show(d)
	return !slices.ContainsFunc(f.last, func(n followedNode) bool { return !n.Applied }), nil
}

// state is where every node has come to. Nobody waits for nodes of a side that
// is stated to be off.
func (f *follower) state(d *view.Deployment) []followedNode {
	nodes := []followedNode{}
	for _, n := range d.Nodes {
		if n.Side != "" && n.Side == f.next.Fenced {
			continue
		}
		out := followedNode{Name: n.Name, Status: plan.Unknown, Reason: "never heard"}
		if r := n.Report; r != nil {
			out.Status, out.Reason = r.Status, r.Reason
			out.Applied = n.Applied && !n.Stale && (r.Applied == f.commit || r.Declared == f.next.Active)
			if r.Accepted == f.commit {
				out.Phases = r.Phases
			}
		}
		nodes = append(nodes, out)
	}
	return nodes
}

// show tells how far each node is: in place on a terminal, as one line for each
// change elsewhere.
func (f *follower) show(d *view.Deployment) {
	if f.format != "text" {
		return
	}
	if isTerminal(f.out) {
		f.draw()
		return
	}
	for _, n := range f.last {
		text := strings.TrimSpace(fmt.Sprintf("%-14s %-13s %s", n.Name, n.Status, f.phase(n)))
		if f.told[n.Name] != text {
			f.told[n.Name] = text
			fmt.Fprintf(f.out, "%7.1fs  %s\n", time.Since(f.pushed).Seconds(), text)
		}
	}
}

// phase is the newest thing that happened on a node, or what it waits for.
func (f *follower) phase(n followedNode) string {
	if n.Applied {
		return "done"
	}
	if len(n.Phases) == 0 {
		return "has not seen the commit"
	}
	text := n.Phases[len(n.Phases)-1].Name
	if n.Status == plan.Held || n.Status == plan.Failed {
		text += ": " + n.Reason
	}
	return text
}

func (f *follower) draw() {
	table := board.Table{Head: []string{"NODE", "STATUS", "PHASE", "SINCE PUSH"}, Narrow: 3}
	for _, n := range f.last {
		style := board.Warn
		switch {
		case n.Applied:
			style = board.Good
		case n.Status == plan.Failed:
			style = board.Bad
		}
		table.Rows = append(table.Rows, board.Row{Cells: []board.Cell{
			{Text: n.Name}, {Text: string(n.Status), Style: style}, {Text: f.phase(n)}, {Text: f.moments(n)},
		}})
	}
	var text bytes.Buffer
	s := f.screen()
	fmt.Fprintf(&text, "%s\n", fmt.Sprintf("following %.7s for %s, at most %s", f.commit,
		time.Since(f.pushed).Round(time.Second), f.wait))
	_ = table.Draw(&text, s.Width, s.Colour)
	if f.drawn > 0 {
		fmt.Fprintf(f.out, "\x1b[%dA", f.drawn)
	}
	fmt.Fprint(f.out, strings.ReplaceAll(text.String(), "\n", "\x1b[K\n")+"\x1b[J")
	f.drawn = strings.Count(text.String(), "\n")
}

// moments lists when a node reached what, counted from when it saw the commit,
// because its clock is its own.
func (f *follower) moments(n followedNode) string {
	var parts []string
	for i, p := range n.Phases {
		if i > 0 {
			parts = append(parts, fmt.Sprintf("%s +%.1fs", p.Name, p.At.Sub(n.Phases[0].At).Seconds()))
		}
	}
	return strings.Join(parts, ", ")
}

// late says what is missing when the time is over.
func (f *follower) late(ctx context.Context) error {
	if ctx.Err() != nil {
		return failf(exitFailed, "no longer followed: the commit is pushed, and the nodes go on").hintf("mainstay status --watch")
	}
	var missing []string
	for _, n := range f.last {
		if !n.Applied {
			missing = append(missing, fmt.Sprintf("%s is %s (%s)", n.Name, n.Status, n.Reason))
		}
	}
	if len(f.last) == 0 {
		missing = []string{"no node could be read"}
	}
	return failf(exitNotConverged, "not every node is as the commit says after %s: %s", f.wait, strings.Join(missing, "; ")).
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
	s.Say(board.Good, "done: %s serves, every node is as %.7s says after %.1fs", f.next.Active, f.commit, time.Since(f.pushed).Seconds())
	for _, p := range f.plan.People {
		s.Say(board.Plain, "now: %s", p)
	}
	return nil
}
