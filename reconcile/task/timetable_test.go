package task

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// runsAt takes a turn every five seconds and returns the minutes at which runs began.
func (d *desk) runsAt(length time.Duration, step func(time.Duration)) []int {
	var out []int
	for t := time.Duration(0); t < length; t += 5 * time.Second {
		step(t)
		d.at(5*time.Second, plan.Active)
		for _, k := range d.jobs.tasks.list {
			if k.run != nil {
				d.started().end <- nil
				d.over()
				out = append(out, int((t + 5*time.Second).Minutes()))
			}
		}
	}
	return out
}

func TestCronJobsKeepTheirPaceWhenTheClockIsStepped(t *testing.T) {
	for name, c := range map[string]struct {
		at, by time.Duration
		want   []int // minutes after 8:30 at which the hourly job runs
	}{
		"never":                       {0, 0, []int{30, 90, 150}},
		"back a minute after a run":   {30*time.Minute + 10*time.Second, -time.Minute, []int{30, 91, 151}},
		"back an hour after a run":    {30*time.Minute + 10*time.Second, -time.Hour, []int{30, 90, 150}},
		"back a day between two runs": {60 * time.Minute, -24 * time.Hour, []int{30, 90, 150}},
		"back a minute before a run":  {29 * time.Minute, -time.Minute, []int{31, 91, 151}},
		"forward over a run":          {10 * time.Minute, 30 * time.Minute, []int{10, 60, 120}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, hourly(spec.WhenActive))
			got := d.runsAt(170*time.Minute, func(now time.Duration) {
				if now == c.at {
					d.clock.step(c.by)
				}
			})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestIntervalsAreJitteredByATenthAtMostAndKnowNoWallClock(t *testing.T) {
	d := newDesk(t, every(10*time.Minute))
	got := d.runsAt(100*time.Minute, func(now time.Duration) {
		if now%time.Minute == 0 {
			d.clock.step(-time.Hour)
		}
	})
	if len(got) < 9 || len(got) > 10 {
		t.Errorf("%d runs in 100 minutes at %v, want 9 or 10", len(got), got)
	}
}

func TestTurnsComeInTimeForTheNextRun(t *testing.T) {
	d := newDesk(t, hourly(spec.WhenActive))
	d.clock.pass(29*time.Minute + 55*time.Second)
	if left := d.turn(); left != 5*time.Second {
		t.Errorf("next turn in %s, want 5s", left)
	}
	d.clock.pass(-10 * time.Minute)
	if left := d.turn(); left > clockLook {
		t.Errorf("next turn in %s, too late to notice a stepped clock", left)
	}
}
