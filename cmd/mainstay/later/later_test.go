package later

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestATimeOfDayIsTheNextOne(t *testing.T) {
	zone := time.FixedZone("CET", 3600)
	now := time.Date(2030, 1, 31, 22, 30, 15, 0, zone)
	for text, want := range map[string]string{
		"23:00": "2030-01-31T23:00:00+01:00", "02:30": "2030-02-01T02:30:00+01:00", "22:30": "2030-02-01T22:30:00+01:00",
		"2030-02-01T01:00:00Z": "2030-02-01T01:00:00Z",
	} {
		if at, err := Parse(text, now); err != nil || at.Format(time.RFC3339) != want {
			t.Errorf("%s is %s, %v", text, at.Format(time.RFC3339), err)
		}
	}
	for _, text := range []string{"", "25:00", "2:3", "tomorrow", "2030-01-31T20:00:00Z", "2030-02-03T20:00:00Z", "02:30:00"} {
		if at, err := Parse(text, now); err == nil {
			t.Errorf("%q is %s", text, at)
		}
	}
}

// The wall clock counts: one that was set forward by hours, or stood still while the
// machine slept, is noticed, and what is late is not done.
func TestAWaitEndsAtItsTimeOrNotAtAll(t *testing.T) {
	at := time.Date(2030, 1, 1, 2, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		name  string
		clock []time.Duration // before and after its time, look by look
		want  error
		looks int
	}{
		{"in time", []time.Duration{-time.Hour, -time.Second, 0}, nil, 3},
		{"a little late", []time.Duration{-time.Hour, time.Minute}, nil, 2},
		{"set back meanwhile", []time.Duration{-time.Minute, -time.Hour, -time.Second, time.Second}, nil, 4},
		{"slept over it", []time.Duration{-time.Hour, 3 * time.Hour}, ErrMissed, 2},
	} {
		tick := make(chan time.Time, 10)
		looks := -1 // the first is for the words
		now := func() time.Time {
			if looks++; looks == 0 {
				return at.Add(c.clock[0])
			}
			tick <- time.Time{}
			return at.Add(c.clock[looks-1])
		}
		var said strings.Builder
		if err := Wait(t.Context(), at, now, tick, &said); !errors.Is(err, c.want) || looks != c.looks || !strings.Contains(said.String(), "Tue 1 Jan 02:30 UTC") {
			t.Errorf("%s: %v after %d looks: %s", c.name, err, looks, said.String())
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Wait(ctx, at, func() time.Time { return at.Add(-time.Hour) }, nil, &strings.Builder{}); !errors.Is(err, ErrBack) {
		t.Errorf("taken back, it says %v", err)
	}
}
