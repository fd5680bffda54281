package task

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/permit"
	"mainstay/spec"
)

const (
	// taskIdle is the longest time between two looks at the timetables.
	taskIdle = time.Minute
	// taskGrace is how long the end of the agent waits for commands to end.
	taskGrace = killGrace + time.Second
)

// taskWant is a command that the document wants run again and again.
type taskWant struct {
	name     string
	argv     []string
	timeout  time.Duration
	schedule spec.Schedule
	when     spec.When
}

// task is a wanted command and what came of it.
type task struct {
	taskWant
	times timetable
	// reportedMissed is what the report says of runs that the clock left out.
	reportedMissed string
	run            *taskRun // nil when it does not run
	gone           bool     // no longer wanted, and still ending
	report         taskReport
}

// taskRun is one run under way.
type taskRun struct {
	at   time.Time
	stop context.CancelCauseFunc
}

// taskEnd is how a run ended.
type taskEnd struct {
	run    *taskRun
	output string
	err    error
}

// taskReport is what the newest run gave, and why a later one was left out.
type taskReport struct {
	name, output, skipped string
	ran, ok               bool
	at                    time.Time
}

// Clock tells the time.
type Clock interface {
	// Boot is CLOCK_BOOTTIME, which intervals count by.
	Boot() time.Duration
	// Wall is what cron expressions count by.
	Wall() time.Time
}

// Config is what Jobs and Checks run commands with.
type Config struct {
	Clock  Clock
	Runner Runner
	// Allow is asked before every run whether this node allows the command; its
	// error says why not.
	Allow func(argv []string) error
	Log   *slog.Logger
}

// tasks runs commands on time, each at most once at a time. One goroutine owns
// it; want, setStanding and newest may be called from any other and never wait.
type tasks struct {
	Config
	kind string

	wake     chan struct{}
	ends     chan taskEnd
	done     chan struct{} // closed once nobody takes ends any more
	wanted   atomic.Pointer[[]taskWant]
	standing atomic.Pointer[permit.Standing]
	reports  atomic.Pointer[[]taskReport]

	seen *[]taskWant // the wanted that list was made from
	list []*task
}

func newTasks(kind string, c Config) *tasks {
	return &tasks{Config: c, kind: kind,
		wake: make(chan struct{}, 1), ends: make(chan taskEnd), done: make(chan struct{})}
}

func (t *tasks) want(w []taskWant) {
	t.wanted.Store(&w)
	poke(t.wake)
}

func (t *tasks) setStanding(s permit.Standing) {
	if before := t.standing.Swap(&s); before == nil || *before != s {
		poke(t.wake)
	}
}

func (t *tasks) newest() []taskReport {
	if r := t.reports.Load(); r != nil {
		return *r
	}
	return nil
}

// run works until ctx ends, and then ends what runs.
func (t *tasks) run(ctx context.Context) {
	defer close(t.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			t.endAll()
			return
		case e := <-t.ends:
			t.finish(e)
		case <-t.wake:
		case <-timer.C:
		}
		timer.Reset(t.step(ctx))
	}
}

// endAll waits a bounded time for runs whose context has ended.
func (t *tasks) endAll() {
	grace := time.NewTimer(taskGrace)
	defer grace.Stop()
	for slices.ContainsFunc(t.list, func(k *task) bool { return k.run != nil }) {
		select {
		case e := <-t.ends:
			t.finish(e)
		case <-grace.C:
			return
		}
	}
}

// step ends what may no longer run, starts what is due, and returns how long it
// is until the next turn.
func (t *tasks) step(ctx context.Context) time.Duration {
	t.configure()
	next := taskIdle
	for _, k := range t.list {
		if why := t.forbidden(k); k.run != nil && why != "" {
			k.run.stop(errors.New(why + ": it was ended"))
		}
		if k.gone {
			continue
		}
		due := k.times.isDue(t.Clock)
		if missed := k.times.missed; missed != k.reportedMissed {
			k.reportedMissed, k.report.skipped = missed, missed
		}
		if due {
			t.begin(ctx, k)
		}
		next = min(next, k.times.left(t.Clock))
	}
	t.publish()
	return max(next, time.Millisecond)
}

// configure makes the list what is wanted now. A command that is wanted as
// before keeps its time.
func (t *tasks) configure() {
	wanted := t.wanted.Load()
	if wanted == nil || wanted == t.seen {
		return
	}
	t.seen = wanted
	before := map[string]*task{}
	for _, k := range t.list {
		k.gone = true
		before[k.name] = k
	}
	var list []*task
	for _, w := range *wanted {
		k := before[w.name]
		switch {
		case k == nil:
			k = &task{report: taskReport{name: w.name}, times: newTimetable(w.schedule, t.kind == checkKind, t.Clock)}
		case k.schedule.Text != w.schedule.Text || k.schedule.Every != w.schedule.Every:
			k.times = newTimetable(w.schedule, t.kind == checkKind, t.Clock)
		}
		k.taskWant, k.gone = w, false
		list = append(list, k)
	}
	for _, k := range t.list {
		if k.gone && k.run != nil {
			list = append(list, k)
		}
	}
	t.list = list
}

// forbidden says why a command may not run now, or "".
func (t *tasks) forbidden(k *task) string {
	now := permit.Standing{Status: plan.Unknown}
	if s := t.standing.Load(); s != nil {
		now = *s
	}
	switch {
	case k.gone:
		return "the document does not want it any more"
	case t.kind == checkKind:
		return ""
	}
	return permit.Job(now, k.when, k.run != nil)
}

// begin starts a run that is due, or says why not.
func (t *tasks) begin(ctx context.Context, k *task) {
	why := t.forbidden(k)
	if k.run != nil {
		why = "the run before has not ended"
	} else if err := t.Allow(k.argv); err != nil {
		why = err.Error()
	}
	if why != "" {
		k.report.skipped = why
		t.Log.Debug("not run", "kind", t.kind, "name", k.name, "reason", why)
		return
	}
	k.report.skipped = k.reportedMissed
	ctx, stop := context.WithCancelCause(ctx)
	bounded, cancel := context.WithTimeoutCause(ctx, k.timeout, fmt.Errorf("it did not end within %s and was ended", k.timeout))
	run := &taskRun{at: wall(t.Clock).UTC(), stop: stop}
	k.run = run
	argv := slices.Clone(k.argv)
	go func() {
		defer cancel()
		output, err := t.Runner.Run(bounded, argv)
		select {
		case t.ends <- taskEnd{run, output, err}:
		case <-t.done:
		}
	}()
}

// finish takes in how a run ended.
func (t *tasks) finish(e taskEnd) {
	for _, k := range t.list {
		if k.run != e.run {
			continue
		}
		k.run.stop(nil)
		k.run = nil
		k.report = taskReport{name: k.name, ran: true, ok: e.err == nil, output: e.output, at: e.run.at, skipped: k.report.skipped}
		if e.err != nil {
			k.report.output = joinText(e.err.Error(), e.output)
			t.Log.Warn("a command did not do well", "kind", t.kind, "name", k.name, "error", e.err)
		}
	}
	t.list = slices.DeleteFunc(t.list, func(k *task) bool { return k.gone && k.run == nil })
}

func joinText(a, b string) string {
	if b == "" {
		return a
	}
	return a + ": " + b
}

func (t *tasks) publish() {
	var out []taskReport
	for _, k := range t.list {
		if !k.gone && (k.report.ran || k.report.skipped != "") {
			out = append(out, k.report)
		}
	}
	t.reports.Store(&out)
}

// poke wakes whoever waits on c, and never waits itself.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
