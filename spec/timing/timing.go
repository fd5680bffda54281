// Package timing has the times that a document names: durations and schedules, as text.
package timing

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"mainstay/spec/crontab"
)

// Duration is a time.Duration written as text such as "30s".
type Duration time.Duration

// D returns the value as a time.Duration.
func (d Duration) D() time.Duration { return time.Duration(d) }

// String returns the text form.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalJSON writes the text form.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON reads the text form; a number is refused.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("a duration is text such as \"30s\": %w", err)
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("duration %q: %w", s, err)
	}
	*d = Duration(v)
	return nil
}

// Schedule is a fixed interval ("5s", "@every 5s") or a five-field cron
// expression, as crontab(5) has it. The timer, its jitter and its clock are the
// caller's.
type Schedule struct {
	// Text is what the document says.
	Text string
	// Every is the interval, or zero for a cron expression.
	Every time.Duration
	// Cron is nil for an interval.
	Cron cron.Schedule
}

// ParseSchedule reads an interval or a five-field cron expression.
func ParseSchedule(text string) (Schedule, error) {
	s := Schedule{Text: text}
	if d, err := time.ParseDuration(strings.TrimPrefix(text, "@every ")); err == nil {
		if d <= 0 {
			return s, fmt.Errorf("schedule %q: the interval must be above zero", text)
		}
		s.Every = d
		return s, nil
	}
	c, err := crontab.Parse(text)
	if err != nil {
		return s, fmt.Errorf("schedule %q: %w", text, err)
	}
	s.Cron = c
	return s, nil
}

// longestSpan is how many days ahead Longest looks: every month, and every week of
// one, however its days fall.
const longestSpan = 366

// Longest returns the interval, or for a cron expression the longest time without a
// run in the year after the day of from.
func (s Schedule) Longest(from time.Time) time.Duration {
	if c, ok := s.Cron.(*crontab.Expression); ok {
		return c.Gap(from, longestSpan)
	}
	return s.Every
}

// MarshalJSON writes the text form.
func (s Schedule) MarshalJSON() ([]byte, error) { return json.Marshal(s.Text) }

// UnmarshalJSON reads the text form.
func (s *Schedule) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("a schedule is text such as \"5s\" or \"0 * * * *\": %w", err)
	}
	v, err := ParseSchedule(text)
	if err != nil {
		return err
	}
	*s = v
	return nil
}
