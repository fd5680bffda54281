package task

import (
	"fmt"
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
// counts by the wall clock.
//
// Only a step back of the wall clock that was seen may drop a run, and only one
// at a time that was due before. A step back does not delay the next run by the
// step either.
type timetable struct {
	schedule spec.Schedule
	due      time.Duration // boot time, for an interval
	next     time.Time     // wall clock, for a cron expression
	// behind is how far the boot clock lies behind the wall clock, as of the
	// newest look.
	behind time.Time
	// last is the newest time that was due, and ran when that was in boot time.
	last time.Time
	ran  time.Duration
	// missed says why a run that was due did not come, until the next one.
	missed string
}

// newTimetable returns a timetable whose first run is soon, or after an
// interval. A cron expression knows no soon.
func newTimetable(s spec.Schedule, soon bool, c Clock) timetable {
	t := timetable{schedule: s}
	if s.Cron != nil {
		now := wall(c)
		t.behind = now.Add(-c.Boot())
		t.next = s.Cron.Next(now)
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

// isDue reports whether a run is due, and plans the next one if so.
func (t *timetable) isDue(c Clock) bool {
	if t.schedule.Cron == nil {
		if c.Boot() < t.due {
			return false
		}
		t.due = c.Boot() + jittered(t.schedule.Every)
		return true
	}
	now, boot := wall(c), c.Boot()
	behind := now.Add(-boot)
	if behind.Before(t.behind.Add(-clockStep)) {
		t.setBack(now, boot, t.behind.Sub(behind))
	}
	t.behind = behind
	if t.next.IsZero() || now.Before(t.next) {
		return false
	}
	t.last, t.ran = t.newest(now), boot
	t.next = t.schedule.Cron.Next(now)
	return true
}

// mostMissed bounds how many runs are counted that a clock passed at once.
const mostMissed = 1000

// newest returns the newest time that is due, and notes how many older ones came
// with it: the clock was set forward, or nobody looked. They are one run.
func (t *timetable) newest(now time.Time) time.Time {
	t.missed = ""
	last, older := t.next, 0
	for next := t.schedule.Cron.Next(last); !next.IsZero() && !next.After(now) && older < mostMissed; older++ {
		last, next = next, t.schedule.Cron.Next(next)
	}
	if older > 0 {
		t.missed = fmt.Sprintf("this run stands for %d more that were due since %s", older, t.next.Format(time.RFC3339))
	}
	return last
}

// setBack plans anew after the wall clock was seen to be set back. A time that
// was due before, and comes again so soon that its run would do the work of the
// newest one again, is passed over.
func (t *timetable) setBack(now time.Time, boot time.Duration, by time.Duration) {
	t.next = t.schedule.Cron.Next(now)
	for range mostMissed {
		if t.next.IsZero() || t.last.IsZero() || t.next.After(t.last) {
			return
		}
		since := boot + t.next.Sub(now) - t.ran
		if since >= t.spacing(t.next)/2 {
			return
		}
		t.missed = fmt.Sprintf("not again at %s: the clock was set back by %s", t.next.Format(time.RFC3339), by.Round(time.Second))
		t.next = t.schedule.Cron.Next(t.next)
	}
}

// spacing is the time between a due time and the one before it, which its run
// is for.
func (t *timetable) spacing(due time.Time) time.Duration {
	const furthest = 1 << 22 // minutes, eight years
	before, after := furthest, 1
	if !t.schedule.Cron.Next(due.Add(-furthest * time.Minute)).Before(due) {
		return furthest * time.Minute
	}
	for before-after > 1 {
		middle := (before + after) / 2
		if t.schedule.Cron.Next(due.Add(-time.Duration(middle) * time.Minute)).Before(due) {
			before = middle
		} else {
			after = middle
		}
	}
	return due.Sub(t.schedule.Cron.Next(due.Add(-time.Duration(before) * time.Minute)))
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
