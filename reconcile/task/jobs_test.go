package task

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/permit"
	"mainstay/spec"
	"mainstay/spec/timing"
)

// testBound is how long a test waits for a state before it gives up.
const testBound = 10 * time.Second

// deskClock is moved by the test.
type deskClock struct {
	mu   sync.Mutex
	boot time.Duration
	wall time.Time
}

func newDeskClock() *deskClock {
	return &deskClock{boot: time.Hour, wall: time.Date(2026, 3, 1, 8, 30, 0, 0, time.UTC)}
}

func (c *deskClock) Boot() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.boot
}

func (c *deskClock) Wall() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wall
}

// pass lets time go by on both clocks; step moves the wall clock alone.
func (c *deskClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.boot += d
	c.wall = c.wall.Add(d)
}

func (c *deskClock) step(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall = c.wall.Add(d)
}

// deskRunner runs nothing: each run waits for the test to end it, or for its
// context unless it is stubborn.
type deskRunner struct {
	began    chan *deskRun
	stubborn bool
}

type deskRun struct {
	argv []string
	ctx  context.Context
	end  chan error
}

func (r *deskRunner) Run(ctx context.Context, argv []string) (string, error) {
	run := &deskRun{argv, ctx, make(chan error)}
	r.began <- run
	done := ctx.Done()
	if r.stubborn {
		done = nil
	}
	select {
	case err := <-run.end:
		return "output", err
	case <-done:
		return "", context.Cause(ctx)
	}
}

// desk is a set of jobs whose owner is the test.
type desk struct {
	t      *testing.T
	clock  *deskClock
	runner *deskRunner
	jobs   *Jobs
	ctx    context.Context
}

func newDesk(t *testing.T, jobs ...spec.Job) *desk {
	d := &desk{t: t, clock: newDeskClock(), runner: &deskRunner{began: make(chan *deskRun, 10)}}
	var cancel func()
	d.ctx, cancel = context.WithCancel(context.Background())
	t.Cleanup(cancel)
	d.jobs = NewJobs(Config{Clock: d.clock, Runner: d.runner, Log: slog.New(slog.DiscardHandler),
		Allow: func(argv []string) error {
			if argv[0] == "rm" {
				return errors.New("agent.yaml does not allow it")
			}
			return nil
		}})
	d.configure(jobs...)
	return d
}

func (d *desk) configure(jobs ...spec.Job) {
	d.jobs.Configure(&spec.Wanted{Jobs: jobs})
	d.turn()
}

func (d *desk) turn() time.Duration { return d.jobs.tasks.step(d.ctx) }

// at lets time go by and takes a turn with a status.
func (d *desk) at(after time.Duration, s plan.Status) { d.tied(after, s, permit.OwnClaimHeld) }

// tied is at with what is known of the claim.
func (d *desk) tied(after time.Duration, s plan.Status, own permit.OwnClaim) {
	d.clock.pass(after)
	d.jobs.SetStanding(permit.Standing{Status: s, Claim: own})
	d.turn()
}

// started returns the run that has begun.
func (d *desk) started() *deskRun {
	d.t.Helper()
	select {
	case r := <-d.runner.began:
		return r
	case <-time.After(testBound):
		d.t.Fatal("no run began")
		return nil
	}
}

// idle asserts that nothing was started: a run is handed over in the turn that
// starts it, so what is under way is known.
func (d *desk) idle(why string) {
	d.t.Helper()
	for _, k := range d.jobs.tasks.list {
		if k.run != nil {
			d.t.Fatalf("%s: %s was started", why, k.name)
		}
	}
}

// over takes in the end of a run and publishes it.
func (d *desk) over() {
	d.t.Helper()
	select {
	case e := <-d.jobs.tasks.ends:
		d.jobs.tasks.finish(e)
		d.turn()
	case <-time.After(testBound):
		d.t.Fatal("the run did not end")
	}
}

func (d *desk) report() plan.JobReport {
	d.t.Helper()
	var r plan.Report
	d.jobs.Fill(&r)
	if len(r.Jobs) != 1 {
		d.t.Fatalf("the report has %d jobs, want one", len(r.Jobs))
	}
	return r.Jobs[0]
}

func hourly(when spec.When) spec.Job {
	s, err := timing.ParseSchedule("0 * * * *")
	if err != nil {
		panic(err)
	}
	return spec.Job{Name: "replicate", When: when, Schedule: s, Command: []string{"replicate", "10.0.0.2"},
		Timeout: spec.Duration(20 * time.Minute)}
}

func every(d time.Duration) spec.Job {
	j := hourly(spec.WhenAlways)
	j.Schedule = spec.Schedule{Text: d.String(), Every: d}
	return j
}

func TestAJobRunsOnlyWhileTheNodeIsWhatItIsTiedTo(t *testing.T) {
	statuses := []plan.Status{plan.Active, plan.Inactive, plan.Activating, plan.Deactivating, plan.Held, plan.Failed,
		plan.Paused, plan.Unknown}
	for when, may := range map[spec.When][]plan.Status{
		spec.WhenActive:   {plan.Active},
		spec.WhenInactive: {plan.Inactive},
		spec.WhenAlways:   {plan.Active, plan.Inactive, plan.Activating, plan.Deactivating, plan.Held, plan.Failed, plan.Unknown},
	} {
		for _, s := range statuses {
			d := newDesk(t, hourly(when))
			d.at(30*time.Minute, s)
			want := false
			for _, m := range may {
				want = want || m == s
			}
			if want {
				d.started()
				continue
			}
			d.idle(string(when) + " while " + string(s))
			if got := d.report().Skipped; got != "the node is "+string(s) {
				t.Errorf("when %s, %s: skipped %q", when, s, got)
			}
		}
	}
}

func TestAJobIsEndedWhenTheNodeStopsBeingWhatItIsTiedTo(t *testing.T) {
	d := newDesk(t, hourly(spec.WhenActive))
	d.at(30*time.Minute, plan.Active)
	run := d.started()
	d.at(time.Minute, plan.Active)
	if run.ctx.Err() != nil {
		t.Fatal("ended while the node was Active")
	}
	d.at(time.Second, plan.Deactivating)
	<-run.ctx.Done()
	d.over()
	want := plan.JobReport{Name: "replicate", Output: "the node is Deactivating: it was ended", At: d.clock.Wall().Add(-61 * time.Second)}
	if diff := cmp.Diff(want, d.report()); diff != "" {
		t.Error(diff)
	}
}

// A side that is cut off serves on, and must not write over the other one (R5).
func TestAJobOfTheActiveSideNeedsTheClaim(t *testing.T) {
	why := "the claim was not read as this node's own"
	d := newDesk(t, hourly(spec.WhenActive))
	d.tied(30*time.Minute, plan.Active, permit.OwnClaimUnread)
	d.idle("while the claim cannot be read")
	if got := d.report().Skipped; got != why {
		t.Errorf("skipped %q", got)
	}
	d.tied(time.Hour, plan.Active, permit.OwnClaimHeld)
	run := d.started()
	d.tied(time.Minute, plan.Active, permit.OwnClaimUnread)
	if run.ctx.Err() != nil {
		t.Fatal("ended while the other side waits")
	}
	d.tied(time.Minute, plan.Active, permit.OwnClaimLost)
	<-run.ctx.Done()
	d.over()
	if got := d.report().Output; got != why+": it was ended" {
		t.Errorf("ended because %q", got)
	}
}

func TestPauseEndsJobs(t *testing.T) { // R11
	d := newDesk(t, hourly(spec.WhenAlways))
	d.at(30*time.Minute, plan.Inactive)
	run := d.started()
	d.at(time.Second, plan.Paused)
	<-run.ctx.Done()
	d.over()
}

func TestTheResultOfAJobIsReported(t *testing.T) {
	d := newDesk(t, hourly(spec.WhenActive))
	d.at(30*time.Minute, plan.Active)
	at := d.clock.Wall()
	run := d.started()
	if diff := cmp.Diff([]string{"replicate", "10.0.0.2"}, run.argv); diff != "" {
		t.Error(diff)
	}
	run.end <- nil
	d.over()
	if diff := cmp.Diff(plan.JobReport{Name: "replicate", OK: true, Output: "output", At: at}, d.report()); diff != "" {
		t.Error(diff)
	}
	d.at(time.Hour, plan.Active)
	d.started().end <- errors.New("exit code 3")
	d.over()
	if got := d.report(); got.OK || got.Output != "exit code 3: output" {
		t.Errorf("a failed run is reported as %+v", got)
	}
}

func TestAJobNeverOverlapsItself(t *testing.T) {
	d := newDesk(t, hourly(spec.WhenAlways))
	d.runner.stubborn = true
	d.at(30*time.Minute, plan.Active)
	run := d.started()
	d.at(time.Hour, plan.Active)
	if got := d.report().Skipped; got != "the run before has not ended" {
		t.Errorf("skipped %q", got)
	}
	d.at(time.Minute, plan.Paused) // it does not die
	d.at(59*time.Minute, plan.Active)
	select {
	case <-d.runner.began:
		t.Fatal("a second run began beside the first")
	default:
	}
	run.end <- nil
	d.over()
	d.at(time.Hour, plan.Active)
	d.started()
}

func TestAJobIsBoundedByItsTimeout(t *testing.T) {
	j := hourly(spec.WhenAlways)
	j.Timeout = spec.Duration(time.Millisecond)
	d := newDesk(t, j)
	d.at(30*time.Minute, plan.Active)
	<-d.started().ctx.Done()
	d.over()
	if got := d.report(); got.OK || got.Output != "it did not end within 1ms and was ended" {
		t.Errorf("reported as %+v", got)
	}
}

func TestANodeThatDoesNotAllowAJobSaysSo(t *testing.T) {
	j := hourly(spec.WhenAlways)
	j.Command = []string{"rm", "-rf", "/"}
	d := newDesk(t, j)
	d.at(30*time.Minute, plan.Active)
	d.idle("not allowed")
	if got := d.report().Skipped; got != "agent.yaml does not allow it" {
		t.Errorf("skipped %q", got)
	}
}

func TestAJobThatIsNotWantedAnyMoreIsEnded(t *testing.T) {
	d := newDesk(t, hourly(spec.WhenAlways))
	d.at(30*time.Minute, plan.Active)
	run := d.started()
	d.configure()
	<-run.ctx.Done()
	d.over()
	if len(d.jobs.tasks.list) != 0 {
		t.Error("it is still there")
	}
}

func TestAJobWantedAgainBeforeItEndedStillDoesNotOverlap(t *testing.T) {
	d := newDesk(t, hourly(spec.WhenAlways))
	d.runner.stubborn = true
	d.at(30*time.Minute, plan.Active)
	run := d.started()
	d.configure()
	d.configure(hourly(spec.WhenAlways))
	d.at(time.Hour, plan.Active)
	select {
	case <-d.runner.began:
		t.Fatal("a second run began beside the first")
	default:
	}
	run.end <- nil
	d.over()
}

func TestANewDocumentDoesNotDelayAJob(t *testing.T) {
	d := newDesk(t, every(time.Hour))
	for range 7 {
		d.at(10*time.Minute, plan.Active)
		d.configure(every(time.Hour))
	}
	d.started()
}

func TestTheEndOfTheAgentEndsItsJobs(t *testing.T) {
	d := newDesk(t, hourly(spec.WhenAlways))
	d.at(30*time.Minute, plan.Active)
	run := d.started()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); d.jobs.Run(ctx) }()
	cancel()
	run.end <- nil
	<-done
}
