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

// Run runs checks on time until ctx ends, and then ends those that run.
func (k *Checks) Run(ctx context.Context) { k.tasks.run(ctx) }

// Configure takes in the checks that the document wants. A new one runs at once.
func (k *Checks) Configure(w *spec.Wanted) {
	var want []taskWant
	for _, c := range w.Checks {
		want = append(want, taskWant{name: c.Name, argv: c.Command, timeout: c.Timeout.D(),
			schedule: spec.Schedule{Text: c.Every.String(), Every: c.Every.D()}})
	}
	k.tasks.want(want)
}

// Fill puts the newest result of every check into a report. A check that this
// node does not allow is one that is not good.
func (k *Checks) Fill(r *plan.Report) {
	for _, t := range k.tasks.newest() {
		c := plan.CheckReport{Name: t.name, OK: t.ok, Output: t.output, At: t.at}
		if !t.ran {
			c.OK, c.Output = false, t.skipped
		}
		r.Checks = append(r.Checks, c)
	}
}
