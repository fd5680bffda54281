package change

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/conditions"
	"mainstay/spec"
)

// State is where one node has come to.
type State struct {
	Name    string      `json:"name"`
	Status  plan.Status `json:"status"`
	Applied bool        `json:"applied"`
	Reason  string      `json:"reason,omitempty"`
	// Phases are what the node went through for this commit.
	Phases []plan.Phase `json:"phases,omitempty"`
	// Missing says what keeps the node from being applied, and when it was heard if
	// it did not see the commit: its status is from before, then.
	Missing string    `json:"missing,omitempty"`
	Side    spec.Side `json:"-"`
	// Silent is how long a node was not heard that should have been, Left how much
	// of its wait is left.
	Silent time.Duration `json:"-"`
	Left   time.Duration `json:"-"`
	// Refuses is why the node will not accept the newest commit by itself.
	Refuses string `json:"refuses,omitempty"`
}

// Goal is what is followed: a commit, and what it declares.
type Goal struct {
	Commit string
	Active spec.Side
	Fenced spec.Side
	// Paused are nodes of which nothing else is asked than that they only look.
	Paused []string
}

// Overtaken means that a later commit declares something else.
type Overtaken struct {
	Commit, Subject, Author string
	Active                  spec.Side
}

// Error says by whom and with what.
func (o *Overtaken) Error() string {
	return fmt.Sprintf("overtaken: %.7s %q by %s declares %s", o.Commit, o.Subject, o.Author, o.Active)
}

// Hint returns what to do.
func (o *Overtaken) Hint() string { return "look with mainstay status --watch" }

// Look reads what the deployment is now. An error is told to show, and tried again.
type Look func(ctx context.Context) (*fleet.View, *fleet.Deployment, error)

// Show is called after every look: how far the nodes are, or why a look came to nothing.
type Show func(nodes []State, v *fleet.View, d *fleet.Deployment, err error)

// Follow looks at every tick until all nodes are what the goal says, and returns
// nil then. It ends at once with Overtaken, or with Refused when every node refuses
// the commit: nothing would change by waiting. Otherwise it ends with the error of
// ctx.
func (g Goal) Follow(ctx context.Context, look Look, show Show, tick <-chan time.Time) error {
	for {
		v, d, err := look(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			show(nil, nil, nil, err)
		} else if done, err := g.judge(v, d, show); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick:
		}
	}
}

func (g Goal) judge(v *fleet.View, d *fleet.Deployment, show Show) (done bool, err error) {
	if v.Commit != g.Commit && d.Active != g.Active {
		return false, &Overtaken{Commit: v.Commit, Subject: v.Subject, Author: v.Author, Active: d.Active}
	}
	nodes := g.States(v, d)
	show(nodes, v, d, nil)
	if !slices.ContainsFunc(nodes, func(n State) bool { return n.Refuses == "" }) && len(nodes) > 0 {
		return false, refusedByAll(nodes, v.Commit)
	}
	return !slices.ContainsFunc(nodes, func(n State) bool { return !n.Applied }), nil
}

// refusedByAll is a commit that no node will ever accept by itself.
func refusedByAll(nodes []State, commit string) error {
	var reasons []string
	for _, n := range nodes {
		reasons = append(reasons, n.Refuses)
	}
	slices.Sort(reasons)
	r := &Refused{Reason: fmt.Sprintf("every node refuses %.7s: %s", commit, strings.Join(slices.Compact(reasons), "; ")),
		Advice: "mend the document and push again; mainstay status says what each node finds"}
	by := func(types ...string) bool {
		return slices.ContainsFunc(nodes, func(n State) bool {
			kind, _, _ := strings.Cut(n.Refuses, ":")
			return slices.Contains(types, kind)
		})
	}
	switch {
	case by(plan.CondDeploymentRenamed, plan.CondRoleRenamed, plan.CondRoleRetyped):
		r.Advice = fmt.Sprintf("if that is meant, see what runs on both sides, then run `mainstay accept %.12s --attest \"…\"` on every node, or `mainstay accept --everywhere --attest \"…\"` once", commit)
	case by(plan.CondRewound):
		r.Advice = fmt.Sprintf("if the history was rewritten on purpose, run `mainstay accept %.12s` on every node", commit)
	}
	return r
}

// States is where every node has come to. Nobody waits for nodes of a side that is
// stated to be off.
func (g Goal) States(v *fleet.View, d *fleet.Deployment) []State {
	nodes := []State{}
	for _, n := range d.Nodes {
		if n.Side == "" || n.Side != g.Fenced {
			nodes = append(nodes, g.state(n, d, v.Read))
		}
	}
	return nodes
}

func (g Goal) state(n fleet.Node, d *fleet.Deployment, now time.Time) State {
	out := State{Name: n.Name, Status: plan.Unknown, Reason: "never heard", Side: n.Side}
	if r := n.Report; r != nil {
		out.Status, out.Reason, out.Left = r.Status, r.Reason, r.Left(now)
		out.Refuses = refuses(r)
		done := n.Applied && (r.Applied == g.Commit || r.Declared == g.Active)
		if slices.Contains(g.Paused, r.Node) {
			done = r.Accepted == g.Commit || r.Document == d.Digest && r.Accepted != "" // it applies nothing while it only looks
		}
		out.Applied = done && !n.Stale && out.Refuses == "" && g.settled(r)
		if r.Accepted == g.Commit {
			out.Phases = r.Phases
		}
		if n.Stale {
			out.Silent = n.Heard()
		}
	}
	if !out.Applied {
		out.Missing = g.missing(n, out.Refuses)
	}
	return out
}

// settled reports whether a node is what the goal makes of it: Active on the side
// that serves and where there are no sides, Inactive on the other one. A service
// that failed since makes a node unsettled again.
func (g Goal) settled(r *plan.Report) bool {
	if slices.Contains(g.Paused, r.Node) {
		return r.Paused
	}
	if r.Side != "" && r.Side != g.Active {
		return r.Status == plan.Inactive
	}
	return r.Status == plan.Active
}

// refuses is the first condition by which a node does not accept the newest commit by
// itself, with its type before it.
func refuses(r *plan.Report) string {
	for _, c := range r.Conditions {
		if conditions.Of(c.Type).Refuses {
			return c.Type + ": " + c.Message
		}
	}
	return ""
}

// missing says what keeps a node from being as the commit says. What it said
// before it knew of the commit is told as old.
func (g Goal) missing(n fleet.Node, refuses string) string {
	r := n.Report
	switch {
	case r == nil:
		return n.Name + " has never reported"
	case refuses != "":
		return fmt.Sprintf("%s does not accept the commit (%s)", n.Name, refuses)
	case n.Stale && (r.Accepted == g.Commit || r.Declared == g.Active):
		return fmt.Sprintf("%s was %s when it was last heard, %s", n.Name, r.Status, n.When())
	case (r.Accepted == g.Commit || r.Declared == g.Active) && n.Unproven != "":
		return fmt.Sprintf("%s says that it is Active, but %s", n.Name, n.Unproven)
	case r.Accepted == g.Commit || r.Declared == g.Active:
		return fmt.Sprintf("%s is %s (%s)", n.Name, r.Status, r.Reason)
	case r.Seen == g.Commit:
		return fmt.Sprintf("%s has not accepted the commit (%s)", n.Name, r.Reason)
	}
	return fmt.Sprintf("%s has not seen the commit; it was last heard %s", n.Name, n.When())
}
