package task

import (
	"context"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// Checks runs the document's readiness checks all the time, also while the node
// is paused, and publishes what they say. They never block the agent.
//
// Configure and Fill may be called from anywhere and never wait.
type Checks struct{ tasks *tasks }

// NewChecks returns checks that do nothing before Run.
func NewChecks(c Config) *Checks { return &Checks{newTasks(checkKind, c)} }

// NewLeaves returns what counts what a switch would leave on a node, in the way that
// checks are run.
func NewLeaves(c Config) *Leaves { return &Leaves{newTasks(checkKind, c)} }

// Leaves counts what a switch would leave on this node, all the time, so that it is known
// before a switch and after it. It never blocks the agent.
//
// Configure and Fill may be called from anywhere and never wait.
type Leaves struct{ tasks *tasks }

// Run counts on time until ctx ends.
func (l *Leaves) Run(ctx context.Context) { l.tasks.run(ctx) }

// Configure takes in what the document wants counted.
func (l *Leaves) Configure(w *spec.Wanted) { l.tasks.want(wants(w.Leaves)) }

// Fill puts the newest counts into a report. What could not be counted is not OK.
func (l *Leaves) Fill(r *plan.Report) { r.Leaves = append(r.Leaves, l.tasks.results()...) }

// Run runs checks on time until ctx ends, and then ends those that run.
func (k *Checks) Run(ctx context.Context) { k.tasks.run(ctx) }

// Configure takes in the checks that the document wants. A new one runs at once.
func (k *Checks) Configure(w *spec.Wanted) {
	k.tasks.want(wants(w.Checks))
}

func wants(checks []spec.Check) []taskWant {
	var want []taskWant
	for _, c := range checks {
		want = append(want, taskWant{name: c.Name, argv: c.Command, timeout: c.Timeout.D(),
			schedule: spec.Schedule{Text: c.Every.String(), Every: c.Every.D()}})
	}
	return want
}

// Fill puts the newest result of every check into a report. A check that this
// node does not allow is one that is not good.
func (k *Checks) Fill(r *plan.Report) { r.Checks = append(r.Checks, k.tasks.results()...) }

func (t *tasks) results() []plan.CheckReport {
	var out []plan.CheckReport
	for _, n := range t.newest() {
		c := plan.CheckReport{Name: n.name, OK: n.ok, Output: n.output, At: n.at}
		if !n.ran {
			c.OK, c.Output = false, n.skipped
		}
		out = append(out, c)
	}
	return out
}
