package task

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"mainstay/spec/timing"
)

func timesOf(t *testing.T, text string, c Clock) timetable {
	t.Helper()
	s, err := timing.ParseSchedule(text)
	if err != nil {
		t.Fatal(err)
	}
	return newTimetable(s, false, c)
}

// TestNoRunIsLostBeforeALongGap: the gaps of an expression need not be equal, and
// only a step of the clock that was seen may drop a run.
func TestNoRunIsLostBeforeALongGap(t *testing.T) {
	for _, text := range []string{"0 22 * * 1-5", "0 8,9,18 * * *", "0 9-17 * * 1-5", "0 6 * * 1,2", "5 19 * * 1-5", "0 0 1,2 * *", "59 23 31 * *"} {
		c := newDeskClock()
		times := timesOf(t, text, c)
		want := times.next
		for range 40 {
			if want.IsZero() {
				break
			}
			c.pass(want.Sub(c.Wall()) + time.Duration(rand.IntN(20_000))*time.Millisecond)
			if !times.isDue(c) || !times.last.Equal(want) || times.missed != "" {
				t.Fatalf("%s: the run of %s did not come: last %s, %q", text, want, times.last, times.missed)
			}
			want = times.schedule.Cron.Next(want)
		}
	}
}

// TestOnlyWhatWasDueBeforeIsDropped steps the clock by chance: every time that no
// clock has shown before is a run.
func TestOnlyWhatWasDueBeforeIsDropped(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	for range 60 {
		text := []string{"0 8,9,18 * * *", "*/20 * * * *", "7 * * * 1-5", "30 2 * * *"}[r.IntN(4)]
		c := newDeskClock()
		times := timesOf(t, text, c)
		latest := c.Wall() // the latest that the wall clock has shown
		for range 3000 {
			c.pass(time.Duration(1+r.IntN(20)) * time.Second)
			if r.IntN(100) == 0 {
				c.step(time.Duration(r.IntN(7200)-3600) * time.Second)
			}
			fresh := times.schedule.Cron.Next(latest)
			is := times.isDue(c)
			if now := c.Wall(); now.After(latest) {
				latest = now
				if due := !fresh.After(now); due && !is {
					t.Fatalf("%s: %s was due for the first time at %s, and did not run", text, fresh, now)
				}
			}
		}
	}
}

func TestARunThatTheClockBringsAgainIsSaidToBeLeftOut(t *testing.T) {
	c := newDeskClock()
	times := timesOf(t, "0 9 * * *", c)
	c.pass(30 * time.Minute)
	if !times.isDue(c) {
		t.Fatal("9:00 is not due at 9:00")
	}
	c.pass(10 * time.Second)
	c.step(-time.Minute)
	if times.isDue(c) || !strings.Contains(times.missed, "the clock was set back by 1m0s") {
		t.Errorf("missed %q", times.missed)
	}
	c.step(24*time.Hour + 2*time.Minute)
	if !times.isDue(c) || times.missed != "" {
		t.Errorf("the run of the next day: missed %q", times.missed)
	}
	c.step(72 * time.Hour)
	if !times.isDue(c) || !strings.HasPrefix(times.missed, "this run stands for 2 more that were due since ") {
		t.Errorf("three days later: missed %q", times.missed)
	}
}
