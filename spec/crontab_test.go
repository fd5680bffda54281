package spec

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"mainstay/spec/timing"
)

func place(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// runsBetween lists when a schedule comes in a stretch of time.
func runsBetween(t *testing.T, text string, from, to time.Time) []time.Time {
	t.Helper()
	s, err := timing.ParseSchedule(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	var out []time.Time
	for at := s.Cron.Next(from.Add(-time.Second)); !at.IsZero() && at.Before(to); at = s.Cron.Next(at) {
		out = append(out, at)
	}
	return out
}

func TestCrontabAtTheChangesOfTheClock(t *testing.T) { // crontab(5)
	const layout = "Mon 2 15:04 MST"
	for _, c := range []struct {
		name, text, place, from string
		days                    int
		want                    []string
	}{
		{"a nightly run that spring skips comes at the change", "30 2 * * *", "Europe/Paris", "2027-03-27", 3,
			[]string{"Sat 27 02:30 CET", "Sun 28 03:00 CEST", "Mon 29 02:30 CEST"}},
		{"several skipped ones are one run", "10,50 2 * * *", "Europe/Paris", "2027-03-28", 1, []string{"Sun 28 03:00 CEST"}},
		{"a run of autumn comes once", "30 2 * * *", "Europe/Paris", "2027-10-31", 1, []string{"Sun 31 02:30 CEST"}},
		{"half an hour", "15 2 * * *", "Australia/Lord_Howe", "2026-10-04", 1, []string{"Sun 4 02:30 +11"}},
		{"midnight is skipped", "0 0 * * *", "America/Havana", "2027-03-14", 1, []string{"Sun 14 01:00 CDT"}},
		{"every hour goes by the time that passes", "5 * * * *", "Europe/Paris", "2027-03-28", 1, append([]string{
			"Sun 28 00:05 CET", "Sun 28 01:05 CET"}, hoursOf("Sun 28", "CEST", 3)...)},
		{"Sunday is 7 too", "0 6 * * 7", "Europe/Paris", "2027-05-01", 9, []string{"Sun 2 06:00 CEST", "Sun 9 06:00 CEST"}},
		{"a range to 7", "0 6 * * 6-7", "Europe/Paris", "2027-05-01", 7, []string{"Sat 1 06:00 CEST", "Sun 2 06:00 CEST"}},
		{"a day with a star and a weekday must both match", "0 6 */2 * 1", "UTC", "2027-05-01", 20, []string{"Mon 3 06:00 UTC", "Mon 17 06:00 UTC"}},
		{"a day and a weekday need not", "0 6 4 * 1", "UTC", "2027-05-01", 10, []string{"Mon 3 06:00 UTC", "Tue 4 06:00 UTC", "Mon 10 06:00 UTC"}},
		{"no Friday is left out", "0 22 * * 1-5", "Europe/Paris", "2027-05-06", 5, []string{"Thu 6 22:00 CEST", "Fri 7 22:00 CEST", "Mon 10 22:00 CEST"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			from, err := time.ParseInLocation(time.DateOnly, c.from, place(t, c.place))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, at := range runsBetween(t, c.text, from, from.AddDate(0, 0, c.days)) {
				got = append(got, at.Format(layout))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func hoursOf(day, zone string, first int) []string {
	var out []string
	for h := first; h < 24; h++ {
		out = append(out, fmt.Sprintf("%s %02d:05 %s", day, h, zone))
	}
	return out
}

// field is one field of an expression, and what it stands for.
type field struct {
	text string
	is   map[int]bool
	star bool
}

// anyField makes a field by chance; the values are made beside the text and not
// read from it.
func anyField(r *rand.Rand, first, last int) field {
	f := field{is: map[int]bool{}}
	var parts []string
	for range 1 + r.IntN(3) {
		from := first + r.IntN(last-first+1)
		to, step := from, 1
		text := strconv.Itoa(from)
		switch r.IntN(5) {
		case 0:
			from, to, step = first, last, 1+r.IntN(last)
			f.star, text = true, fmt.Sprintf("*/%d", step)
		case 1:
			from, to, f.star, text = first, last, true, "*"
		case 2:
			to = from + r.IntN(last-from+1)
			text = fmt.Sprintf("%d-%d", from, to)
		case 3:
			to, step = from+r.IntN(last-from+1), 1+r.IntN(5)
			text = fmt.Sprintf("%d-%d/%d", from, to, step)
		}
		for v := from; v <= to; v += step {
			f.is[v] = true
		}
		parts = append(parts, text)
	}
	f.text = strings.Join(parts, ",")
	return f
}

// expression is a whole one, made by chance.
type expression struct{ minute, hour, dom, month, dow field }

func anyExpression(r *rand.Rand) expression {
	e := expression{anyField(r, 0, 59), anyField(r, 0, 23), anyField(r, 1, 31), anyField(r, 1, 12), anyField(r, 0, 7)}
	if e.dow.is[7] && !strings.HasPrefix(e.dow.text, "*") {
		e.dow.is[0] = true
	}
	if e.dow.star && strings.Contains(e.dow.text, "*/7") {
		e.dow.is[0] = true
	}
	return e
}

func (e expression) String() string {
	return strings.Join([]string{e.minute.text, e.hour.text, e.dom.text, e.month.text, e.dow.text}, " ")
}

// shows tells whether a clock that shows a time makes a run due.
func (e expression) shows(at time.Time) bool {
	dom, dow := e.dom.is[at.Day()], e.dow.is[int(at.Weekday())]
	day := dom || dow
	if e.dom.star || e.dow.star {
		day = dom && dow
	}
	return day && e.month.is[int(at.Month())] && e.hour.is[at.Hour()] && e.minute.is[at.Minute()]
}

// oracle lists the runs by letting a clock tick through every minute.
func (e expression) oracle(from, to time.Time) []time.Time {
	var out []time.Time
	shown := map[time.Time]bool{}
	asUTC := func(at time.Time) time.Time {
		return time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), 0, 0, time.UTC)
	}
	before := asUTC(from.Add(-time.Minute))
	for at := from; at.Before(to); at = at.Add(time.Minute) {
		now := asUTC(at)
		due := e.shows(now)
		if due && !e.hour.star && !e.minute.star {
			due = !shown[now]
		}
		for skipped := before.Add(time.Minute); skipped.Before(now) && !e.hour.star; skipped = skipped.Add(time.Minute) {
			due = due || e.shows(skipped)
		}
		if e.shows(now) {
			shown[now] = true
		}
		if due {
			out = append(out, at)
		}
		before = now
	}
	return out
}

func TestCrontabComesWhenAnIndependentClockSays(t *testing.T) { // crontab(5)
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	places := []string{"Europe/Paris", "America/New_York", "America/Havana", "America/Sao_Paulo", "Australia/Lord_Howe",
		"Asia/Beirut", "Asia/Tehran", "Africa/Casablanca", "UTC", "Asia/Kathmandu"}
	for range 150 {
		loc := place(t, places[r.IntN(len(places))])
		from := time.Date(2000+r.IntN(38), 1, 1+r.IntN(365), 0, 0, 0, 0, loc)
		if _, end := from.ZoneBounds(); !end.IsZero() && end.Sub(from) < 400*24*time.Hour && r.IntN(4) > 0 {
			y, m, d := end.AddDate(0, 0, -2).Date()
			from = time.Date(y, m, d, 0, 0, 0, 0, loc)
		}
		to := from.Add(6 * 24 * time.Hour)
		e := anyExpression(r)
		// What is shown before the stretch must be known at its begin.
		want := e.oracle(from.Add(-48*time.Hour), to)
		for len(want) > 0 && want[0].Before(from) {
			want = want[1:]
		}
		got := runsBetween(t, e.String(), from, to)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%s in %s from %s:\n got %v\nwant %v", e, loc, from, got, want)
		}
	}
}

func TestExpressionsThatMeanNothingAreRefused(t *testing.T) {
	for _, text := range []string{"", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8",
		"* * * * 7-9", "* * * * mon-7", "* * * * 6-7/0", "TZ=UTC 0 0 * * *", "CRON_TZ=", "@reboot", "5 seconds", "1 2 3 4 x"} {
		if _, err := timing.ParseSchedule(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
	for _, text := range []string{"@daily", "@weekly", "0 0 * * sun", "0 0 1 jan *", "0 0 ? * 7", "0 0 * * 0-7", "0 0 29 2 *"} {
		s, err := timing.ParseSchedule(text)
		if err != nil || s.Cron.Next(referenceTime()).IsZero() {
			t.Errorf("%q: %v", text, err)
		}
	}
}
