// Package task runs a document's jobs and checks: its commands that run again and
// again, on time, one run at a time, each within a bound.
//
// When a job may run is decided in plan; nothing here knows the loop or git.
package task

import (
	"context"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/permit"
	"mainstay/spec"
)

const (
	jobKind   = "job"
	checkKind = "check"
)

// Jobs runs the document's scheduled jobs, tied to the claim and to what the node
// is: when: active only while its status is Active and its claim was read at the
// newest look, when: inactive only while it is Inactive, and none while it is
// Paused (R11). A side that is cut off serves on (R5), but what it copies to the
// other one might overwrite a side that has taken over. A job that runs when its
// tie is lost is ended, with all its children. A job never overlaps itself.
//
// Configure, SetStanding and Fill may be called from anywhere and never wait.
type Jobs struct{ tasks *tasks }

// NewJobs returns jobs that do nothing before Run.
func NewJobs(c Config) *Jobs { return &Jobs{newTasks(jobKind, c)} }

// Run runs jobs on time until ctx ends, and then ends those that run.
func (j *Jobs) Run(ctx context.Context) { j.tasks.run(ctx) }

// Configure takes in the jobs that the document wants.
func (j *Jobs) Configure(w *spec.Wanted) {
	var want []taskWant
	for _, job := range w.Jobs {
		want = append(want, taskWant{name: job.Name, argv: job.Command, timeout: job.Timeout.D(),
			schedule: job.Schedule, when: job.When})
	}
	j.tasks.want(want)
}

// SetStanding takes in what the node is now.
func (j *Jobs) SetStanding(s permit.Standing) { j.tasks.setStanding(s) }

// Fill puts the newest run of every job into a report.
func (j *Jobs) Fill(r *plan.Report) {
	for _, t := range j.tasks.newest() {
		r.Jobs = append(r.Jobs, plan.JobReport{Name: t.name, OK: t.ok, Output: t.output, At: t.at, Skipped: t.skipped})
	}
}
