package crontab

import (
	"strings"
	"testing"
)

// Which field is wrong, and what it takes, is said in words.
func TestAWrongFieldIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"0 0 * * sunday": `"sunday" is wrong: the field for the weekday takes 0-7`,
		"0 0 * * 8":      "weekday takes 0-7",
		"0 0 * * 7-1":    `"7-1" is wrong: the field for the weekday`,
		"0 25 * * *":     `"25" is wrong: the field for the hour takes 0-23`,
		"60 * * * *":     "minute takes 0-59",
		"0 0 L * *":      "day of month takes 1-31",
		"0 0 * 13 *":     "month takes 1-12",
		"*/0 * * * *":    `"*/0" is wrong`,
		"0 0 32 * 7-1":   "day of month",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "strconv") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
