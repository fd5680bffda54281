package schema

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// MeantDuration is the duration that a text most likely means, as a document has it:
// "5 seconds" is 5s, "1d" is 24h and "hourly" is 1h. It is empty when the text says
// nothing of the kind, and for more than a year.
func MeantDuration(text string) string {
	text = strings.ToLower(strings.TrimSpace(text))
	if words := map[string]string{"hourly": "1h", "daily": "24h", "weekly": "168h"}; words[text] != "" {
		return words[text]
	}
	parts := durationPart().FindAllStringSubmatch(text, -1)
	if len(parts) == 0 || durationPart().ReplaceAllString(text, "") != "" {
		return ""
	}
	var sum, unit time.Duration
	for i, p := range parts {
		unit = unitOf(p[2], unit)
		if unit == 0 || p[2] == "" && i < len(parts)-1 {
			return ""
		}
		number, err := strconv.Atoi(p[1])
		if err != nil || number > int(year/unit) {
			return ""
		}
		sum += time.Duration(number) * unit
	}
	if sum <= 0 || sum > year {
		return ""
	}
	return plainDuration(sum)
}

const (
	day  = 24 * time.Hour
	year = 366 * day
)

// durationPart is a whole number with the word of its unit.
func durationPart() *regexp.Regexp { return regexp.MustCompile(`([0-9]+) *([a-zµ]*)[ ,]*(?:and )?`) }

// unitOf is the unit that a word names. Without a word it is the next smaller one than
// before, and a second at the beginning.
func unitOf(word string, before time.Duration) time.Duration {
	if word == "" {
		return map[time.Duration]time.Duration{0: time.Second, time.Hour: time.Minute, time.Minute: time.Second}[before]
	}
	word = strings.TrimSuffix(word, "s")
	switch word {
	case "m", "min", "minute":
		return time.Minute
	case "", "sec", "second":
		return time.Second
	case "h", "hr", "hour":
		return time.Hour
	case "d", "day":
		return day
	case "w", "week":
		return 7 * day
	case "msec", "milli", "millisecond":
		return time.Millisecond
	}
	return 0
}

// plainDuration writes a duration without the zeros that its own form ends in.
func plainDuration(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = strings.TrimSuffix(text, zero[1:])
		}
	}
	return text
}
