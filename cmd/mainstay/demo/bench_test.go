package demo

import (
	"io"
	"slices"
	"testing"
	"time"
)

// benchSwitches is how many changes of side a benchmark takes the median of.
const benchSwitches = 20

// BenchmarkSwitchNotified measures a planned switch of the whole demo with
// notifications: from the push until the new side is Active and the old one was
// seen stopped, the services' own stop and start included.
func BenchmarkSwitchNotified(b *testing.B) { benchSwitch(b, true) }

// BenchmarkSwitchPolled measures the same with default polling and nobody told.
func BenchmarkSwitchPolled(b *testing.B) { benchSwitch(b, false) }

func benchSwitch(b *testing.B, notify bool) {
	for b.Loop() {
		handed, err := switches(b, notify)
		if err != nil {
			b.Fatal(err)
		}
		slices.Sort(handed)
		b.ReportMetric(handed[len(handed)/2].Seconds(), "s/switch")
		b.ReportMetric(handed[len(handed)-1].Seconds(), "s/worst")
	}
}

// switches plays the demo and returns how long each handover took.
func switches(b *testing.B, notify bool) ([]time.Duration, error) {
	p, err := newPlace(Options{Poll: 5 * time.Second, Notify: notify})
	if err != nil {
		return nil, err
	}
	p.Self = program
	s := &story{place: p, board: newBoard(io.Discard, false), options: Options{Switches: benchSwitches, Within: time.Minute, Notify: notify, Poll: 5 * time.Second}}
	defer func() { _ = s.clean(false) }()
	if err := s.play(b.Context()); err != nil {
		return nil, err
	}
	var handed []time.Duration
	for _, sw := range s.switches {
		handed = append(handed, sw.Handed)
	}
	return handed, nil
}
