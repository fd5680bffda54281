package task

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// What stays behind is counted whatever the node is, so that it is known after a switch too.
func TestWhatStaysBehindIsCountedOnEverySide(t *testing.T) {
	d := newDesk(t)
	l := NewLeaves(Config{Clock: d.clock, Runner: d.runner, Allow: func([]string) error { return nil }, Log: slog.New(slog.DiscardHandler)})
	d.jobs = &Jobs{l.tasks}
	l.Configure(&spec.Wanted{Leaves: []spec.Check{{Name: "voicemails", Command: []string{"left"}, Every: spec.Duration(5 * time.Minute), Timeout: spec.Duration(time.Minute)}}})
	d.turn()
	at := d.clock.Wall()
	d.started().end <- nil
	d.over()
	leaves := func() []plan.CheckReport {
		var r plan.Report
		l.Fill(&r)
		return r.Leaves
	}
	if diff := cmp.Diff([]plan.CheckReport{{Name: "voicemails", OK: true, Output: "output", At: at}}, leaves()); diff != "" {
		t.Error(diff)
	}
	for _, s := range []plan.Status{plan.Inactive, plan.Paused, plan.Active} {
		d.at(6*time.Minute, s)
		d.started().end <- errors.New("no disk")
		d.over()
		if got := leaves()[0]; got.OK {
			t.Errorf("what could not be counted is %+v", got)
		}
	}
}
