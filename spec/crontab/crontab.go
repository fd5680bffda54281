// Package crontab tells when a five-field expression comes, as crontab(5) has it.
package crontab

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Expression is a five-field expression with the meaning that crontab(5) gives it.
// The library reads the fields; what two of them mean together, and what a
// change of the clocks does, is decided here:
//
//   - When the day of month or the day of week holds a *, also one with a step,
//     both must match. Otherwise one of the two is enough.
//   - A time that a change of the clocks skips comes at the change. That is so
//     when the expression names its hours; one for every hour goes by the time
//     that passes.
//   - A time that a change of the clocks brings twice comes the first time only,
//     unless the minutes or the hours hold a *.
type Expression struct {
	minute, hour, dom, month, dow uint64
	// anyDay tells that the day of month or the day of week holds a *, and
	// anyMinute and anyHour the same of theirs.
	anyDay, anyMinute, anyHour bool
}

// Parse reads an expression in the machine's own time zone. A zone in the
// expression is refused: a change of the clocks elsewhere surprises people.
func Parse(text string) (*Expression, error) {
	if strings.HasPrefix(text, "TZ=") || strings.HasPrefix(text, "CRON_TZ=") {
		return nil, errors.New("a time zone is not supported")
	}
	fields := strings.Fields(text)
	if len(fields) == 5 {
		week, err := weekdays(fields[4])
		if err != nil {
			return nil, wrongField(fields)
		}
		text = strings.Join(append(fields[:4:4], week), " ")
	}
	read, err := cron.ParseStandard(text)
	if err != nil && len(fields) == 5 {
		return nil, wrongField(fields)
	}
	if err != nil {
		return nil, err
	}
	s, ok := read.(*cron.SpecSchedule)
	if !ok {
		return nil, errors.New("it is not an expression of five fields")
	}
	c := &Expression{minute: plainBits(s.Minute), hour: plainBits(s.Hour), dom: plainBits(s.Dom), month: plainBits(s.Month), dow: plainBits(s.Dow)}
	if len(fields) != 5 { // a word such as @daily
		c.anyDay, c.anyHour = true, c.hour == 1<<24-1
		return c, nil
	}
	c.anyMinute, c.anyHour = hasStar(fields[0]), hasStar(fields[1])
	c.anyDay = hasStar(fields[2]) || hasStar(fields[4])
	return c, nil
}

// wrongField says in plain words which of five fields cannot be read.
func wrongField(fields []string) error {
	for i, takes := range []string{"minute takes 0-59", "hour takes 0-23", "day of month takes 1-31", "month takes 1-12 or jan-dec",
		"weekday takes 0-7 or sun-sat, where 0 and 7 are Sunday"} {
		alone := []string{"*", "*", "*", "*", "*"}
		alone[i] = fields[i]
		if i == 4 {
			if week, err := weekdays(fields[i]); err == nil {
				alone[i] = week
			}
		}
		if _, err := cron.ParseStandard(strings.Join(alone, " ")); err != nil {
			return fmt.Errorf("%q is wrong: the field for the %s, also as a range from the lower to the higher, a list, or */n", fields[i], takes)
		}
	}
	return errors.New("it is not an expression of five fields")
}

// plainBits leaves out the bit in which the library notes a *.
func plainBits(field uint64) uint64 { return field &^ (1 << 63) }

func hasStar(field string) bool { return strings.ContainsAny(field, "*?") }

// weekdays writes a field of weekdays for the library, which does not know that
// 7 is Sunday too.
func weekdays(field string) (string, error) {
	parts := strings.Split(field, ",")
	for i, part := range parts {
		span, step, stepped := strings.Cut(part, "/")
		first, last, ranged := strings.Cut(span, "-")
		if !ranged {
			last = first
		}
		if last != "7" {
			continue
		}
		from, err := strconv.Atoi(first)
		by := 1
		if err == nil && stepped {
			by, err = strconv.Atoi(step)
		}
		if err != nil || from < 0 || from > 7 || by < 1 {
			return "", fmt.Errorf("%q is no range of weekdays in numbers", part)
		}
		var days []string
		for day := from; day <= 7; day += by {
			days = append(days, strconv.Itoa(day%7))
		}
		parts[i] = strings.Join(days, ",")
	}
	return strings.Join(parts, ","), nil
}

// farthest is how many days ahead Next looks. The rarest date there is, the 29th
// of February on a given weekday, comes again within 40 years.
const farthest = 41 * 366

// Next returns the first time after the given one, in its zone, or the zero time
// when there is none.
func (c *Expression) Next(after time.Time) time.Time {
	zones := zonesOf(after.Location())
	day := after.Add(-26 * time.Hour) // the change of a clock moves no time by more
	at := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC)
	for range farthest {
		if c.month&(1<<at.Month()) == 0 {
			at = time.Date(at.Year(), at.Month()+1, 1, 0, 0, 0, 0, time.UTC)
			continue
		}
		if c.onDay(at) {
			if next := c.onDate(at, after, zones); !next.IsZero() {
				return next.In(after.Location())
			}
		}
		at = at.AddDate(0, 0, 1)
	}
	return time.Time{}
}

// onDay tells whether the expression names a date.
func (c *Expression) onDay(date time.Time) bool {
	if c.month&(1<<date.Month()) == 0 {
		return false
	}
	dom, dow := c.dom&(1<<date.Day()) != 0, c.dow&(1<<date.Weekday()) != 0
	if c.anyDay {
		return dom && dow
	}
	return dom || dow
}

// onDate returns the first time after the given one among those of a date, whose
// midnight by the clock on the wall is given as if that were UTC.
func (c *Expression) onDate(date, after time.Time, zones zones) time.Time {
	parts := zones.around(date)
	var best time.Time
	for hour := range 24 {
		if c.hour&(1<<hour) == 0 {
			continue
		}
		for minutes := c.minute; minutes != 0; minutes &= minutes - 1 {
			shown := date.Unix() + int64(hour)*3600 + int64(bits.TrailingZeros64(minutes))*60
			next := c.instant(shown, after.Unix(), parts)
			if next != 0 && (best.IsZero() || next < best.Unix()) {
				best = time.Unix(next, 0)
			}
		}
		if len(parts) == 1 && !best.IsZero() {
			break
		}
	}
	return best
}

// instant returns when a clock shows a time, later than after; or 0.
func (c *Expression) instant(shown, after int64, parts []part) int64 {
	seen := false
	for i, p := range parts {
		at := shown - p.offset
		if at >= p.begin && at < p.end {
			if seen && !c.anyMinute && !c.anyHour {
				return 0
			}
			seen = true
			if at > after {
				return at
			}
		}
		skipped := i+1 < len(parts) && at >= p.end && shown-parts[i+1].offset < p.end
		if skipped && !c.anyHour && p.end > after {
			return p.end
		}
	}
	return 0
}

// Gap returns the longest time without a run in the days after a date, where clocks
// never change.
func (c *Expression) Gap(from time.Time, days int) time.Duration {
	first, final, longest := c.ofDay()
	last := -1
	for day := range days {
		if c.onDay(from.AddDate(0, 0, day)) {
			longest, last = max(longest, day*minutesOfDay+first-last), day*minutesOfDay+final
		}
	}
	longest = max(longest, days*minutesOfDay-max(last, 0)) // from the last run to the end of those days
	return time.Duration(longest) * time.Minute
}

const minutesOfDay = 24 * 60

// ofDay returns the first and the last minute of a run in a day that has some, and the
// most minutes between two of them.
func (c *Expression) ofDay() (first, last, longest int) {
	first = -1
	for hour := range 24 {
		for minutes := c.minute; c.hour&(1<<hour) != 0 && minutes != 0; minutes &= minutes - 1 {
			at := hour*60 + bits.TrailingZeros64(minutes)
			if first < 0 {
				first = at
			} else {
				longest = max(longest, at-last)
			}
			last = at
		}
	}
	return first, last, longest
}

// zones are the times at which the clocks of a place differ from UTC by the same.
type zones struct{ place *time.Location }

func zonesOf(place *time.Location) zones { return zones{place} }

// part is a time during which a clock is ahead of UTC by offset, all in seconds.
type part struct{ begin, end, offset int64 }

// around lists the parts in which a clock may show a date.
func (z zones) around(date time.Time) []part {
	const ahead, behind = 26 * time.Hour, 50 * time.Hour
	var parts []part
	for at := date.Add(-ahead); at.Before(date.Add(behind)); {
		_, offset := at.In(z.place).Zone()
		begin, end := at.In(z.place).ZoneBounds()
		p := part{begin: -1 << 62, end: 1 << 62, offset: int64(offset)}
		if !begin.IsZero() {
			p.begin = begin.Unix()
		}
		if !end.IsZero() {
			p.end = end.Unix()
		}
		if n := len(parts); n > 0 && parts[n-1].offset == p.offset {
			parts[n-1].end = p.end
		} else {
			parts = append(parts, p)
		}
		if end.IsZero() {
			break
		}
		at = end
	}
	return parts
}
