// Package later waits for the time of a switch, at the terminal of the person who asked
// for it.
//
// It must not know what happens then.
package later

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	// furthest is how far ahead a time may lie: nobody keeps a terminal for longer.
	furthest = 24 * time.Hour
	// lateBy is how late a time may be noticed: a laptop that slept does not switch in
	// the morning what was meant for the night.
	lateBy = 2 * time.Minute
	// every is how often the clock is looked at, which may be set meanwhile.
	every = time.Second
)

// ErrMissed means that the time passed while nobody could notice.
var ErrMissed = errors.New("its time passed while this machine slept, and nothing was done")

// ErrBack means that the person took it back.
var ErrBack = errors.New("taken back: nothing was changed")

// Parse reads a time of day, the next one, or a moment as 2006-01-02T15:04:05Z07:00.
func Parse(text string, now time.Time) (time.Time, error) {
	if day, err := time.Parse("15:04", text); err == nil {
		at := time.Date(now.Year(), now.Month(), now.Day(), day.Hour(), day.Minute(), 0, 0, now.Location())
		if !at.After(now) {
			at = time.Date(now.Year(), now.Month(), now.Day()+1, day.Hour(), day.Minute(), 0, 0, now.Location())
		}
		return at, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	switch {
	case err != nil:
		return time.Time{}, fmt.Errorf("%q is no time", text)
	case !at.After(now):
		return time.Time{}, fmt.Errorf("%s is over", text)
	case at.Sub(now) > furthest:
		return time.Time{}, fmt.Errorf("%s is more than a day away", text)
	}
	return at, nil
}

// Wait says until when it waits, and returns at that time. It goes by the wall clock, as
// the person does, and looks at it again every tick.
func Wait(ctx context.Context, at time.Time, now func() time.Time, tick <-chan time.Time, say io.Writer) error {
	fmt.Fprintf(say, "waiting until %s, in %s. This command has to go on running;\nCtrl-C takes it back. By then everything is looked at anew, and what speaks\nagainst it refuses it.\n",
		at.Format("Mon 2 Jan 15:04 MST"), at.Sub(now()).Round(time.Second))
	for {
		late := now().Round(0).Sub(at.Round(0))
		switch {
		case late > lateBy:
			return ErrMissed
		case late >= 0:
			return nil
		}
		select {
		case <-tick:
		case <-ctx.Done():
			return ErrBack
		}
	}
}

// Tick is a clock for Wait, and what stops it.
func Tick() (<-chan time.Time, func()) {
	t := time.NewTicker(every)
	return t.C, t.Stop
}
