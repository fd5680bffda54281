package reconcile

import (
	"context"

	"mainstay/reconcile/plan"
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
func NewJobs(c Tasks) *Jobs { return &Jobs{newTasks(jobKind, c)} }

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

// Standing is what jobs are tied to.
type Standing struct {
	Status plan.Status
	Tie    Tie
}

// Tie is what a node knows of its claim.
type Tie int

const (
	// Held is a claim that the newest look showed as this node's own, or a role
	// that has none.
	Held Tie = iota
	// Unread is one that could not be read at the newest look: nothing begins.
	Unread
	// Lost is one that is not known to be this node's any more, or was not read
	// for longer than the other side waits before it presumes this one dead (R4).
	Lost
)

// SetStanding takes in what the node is now.
func (j *Jobs) SetStanding(s Standing) { j.tasks.setStanding(s) }

// Fill puts the newest run of every job into a report.
func (j *Jobs) Fill(r *plan.Report) {
	for _, t := range j.tasks.newest() {
		r.Jobs = append(r.Jobs, plan.JobReport{Name: t.name, OK: t.ok, Output: t.output, At: t.at, Skipped: t.skipped})
	}
}
