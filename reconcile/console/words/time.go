package words

import (
	"fmt"
	"strings"
	"time"
)

// Time writes a moment, in UTC as the command line does.
func (l *Language) Time(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	t = t.UTC()
	months := strings.Fields(l.Word("time.months"))
	first := fmt.Sprint(t.Day())
	if t.Day() == 1 {
		first = l.Word("time.first")
	}
	day := fmt.Sprintf("%s %s %d", first, months[int(t.Month())-1], t.Year())
	return l.Say("time.moment", "Day", day, "Clock", t.Format("15:04:05"))
}

// Clock writes a moment of a day that is told elsewhere.
func (l *Language) Clock(t time.Time) string { return t.UTC().Format("15:04:05") }

// Lasted writes how long something took or has been: tenths of seconds while they
// matter, two units at most.
func (l *Language) Lasted(d time.Duration) string {
	if d > 0 && d < 10*time.Second {
		text := fmt.Sprintf("%.1f", d.Seconds())
		return strings.Replace(text, ".", l.Word("time.point"), 1) + "\u00a0s"
	}
	return l.Age(d)
}

// Age writes how long ago something was, in whole units.
func (l *Language) Age(d time.Duration) string {
	d = max(d, 0)
	minutes, hours := int(d.Minutes()), int(d.Hours())
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d\u00a0s", int(d.Seconds()))
	case d < 10*time.Minute && int(d.Seconds())%60 > 0:
		return fmt.Sprintf("%d\u00a0min %02d\u00a0s", minutes, int(d.Seconds())%60)
	case d < time.Hour:
		return fmt.Sprintf("%d\u00a0min", minutes)
	case d < 48*time.Hour:
		return l.Say("time.hours", "H", hours, "M", fmt.Sprintf("%02d", minutes%60))
	}
	return l.Count("time.days", hours/24)
}

// Ago writes how long ago something was, as a part of a sentence.
func (l *Language) Ago(d time.Duration) string { return l.Say("time.ago", "Age", l.Age(d)) }
