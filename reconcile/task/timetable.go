package task

import (
	"math/rand/v2"
	"time"

	"mainstay/spec"
)

const (
	// clockStep is how far the wall clock may move against the boot clock
	// between two looks without counting as stepped.
	clockStep = time.Second
	// clockLook is how often a cron schedule looks at the wall clock.
	clockLook = 20 * time.Second
)

// timetable says when a command is due. An interval counts in boot time with up
// to a tenth of jitter, so that nodes do not fire together; a cron expression
// counts by the wall clock, but a clock that is stepped back neither brings a
// run a second time nor delays the next one by the step.
type timetable struct {
	schedule spec.Schedule
	due      time.Duration // boot time, for an interval
	next     time.Time     // wall clock, for a cron expression
	offset   time.Time     // what the wall clock says boot was, as of next
	ran      time.Duration // boot time of the newest run
	hasRun   bool
}

// newTimetable returns a timetable whose first run is soon, or after an
// interval. A cron expression knows no soon.
func newTimetable(s spec.Schedule, soon bool, c Clock) timetable {
	t := timetable{schedule: s}
	if s.Cron != nil {
		t.plan(c)
		return t
	}
	t.due = c.Boot()
	if !soon {
		t.due += jittered(s.Every)
	}
	return t
}

// jittered adds up to a tenth.
func jittered(d time.Duration) time.Duration {
	return d + time.Duration(rand.Float64()*float64(d)/10)
}

// wall is the wall clock without Go's monotonic reading, which would hide a
// step.
func wall(c Clock) time.Time { return c.Wall().Round(0) }

// plan sets the next cron run from what the clocks say now.
func (t *timetable) plan(c Clock) {
	now := wall(c)
	t.offset = now.Add(-c.Boot())
	t.next = t.schedule.Cron.Next(now)
	for range 2 {
		if t.next.IsZero() || !t.hasRun {
			return
		}
		after := t.schedule.Cron.Next(t.next)
		since := c.Boot() + t.next.Sub(now) - t.ran
		if after.IsZero() || since >= after.Sub(t.next)/2 {
			return
		}
		t.next = after // this one ran before the clock was stepped back
	}
}

// isDue reports whether a run is due, and plans the next one if so.
func (t *timetable) isDue(c Clock) bool {
	if t.schedule.Cron == nil {
		if c.Boot() < t.due {
			return false
		}
		t.due = c.Boot() + jittered(t.schedule.Every)
		return true
	}
	now := wall(c)
	if now.Add(-c.Boot()).Before(t.offset.Add(-clockStep)) {
		t.plan(c)
	}
	if t.next.IsZero() || now.Before(t.next) {
		return false
	}
	t.ran, t.hasRun = c.Boot(), true
	t.plan(c)
	return true
}

// left is how long until isDue should be asked again.
func (t *timetable) left(c Clock) time.Duration {
	if t.schedule.Cron == nil {
		return max(0, t.due-c.Boot())
	}
	if t.next.IsZero() {
		return clockLook
	}
	return max(0, min(t.next.Sub(wall(c)), clockLook))
}
