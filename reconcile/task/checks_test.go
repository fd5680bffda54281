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

// newCheckDesk is a desk that has one check every five minutes.
func newCheckDesk(t *testing.T, allow func([]string) error) (*desk, *Checks) {
	d := newDesk(t)
	c := NewChecks(Config{Clock: d.clock, Runner: d.runner, Allow: allow, Log: slog.New(slog.DiscardHandler)})
	d.jobs = &Jobs{c.tasks}
	c.Configure(&spec.Wanted{Checks: []spec.Check{{Name: "age", Command: []string{"replication-age"},
		Every: spec.Duration(5 * time.Minute), Timeout: spec.Duration(time.Minute)}}})
	d.turn()
	return d, c
}

func checksOf(c *Checks) []plan.CheckReport {
	var r plan.Report
	c.Fill(&r)
	return r.Checks
}

func TestAChecksNewestResultIsPublished(t *testing.T) {
	d, c := newCheckDesk(t, func([]string) error { return nil })
	at := d.clock.Wall()
	if got := checksOf(c); len(got) != 0 {
		t.Errorf("before its first run has ended the report says %v", got)
	}
	d.started().end <- nil // at once
	d.over()
	if diff := cmp.Diff([]plan.CheckReport{{Name: "age", OK: true, Output: "output", At: at}}, checksOf(c)); diff != "" {
		t.Error(diff)
	}
	d.clock.pass(6 * time.Minute)
	d.turn()
	d.started().end <- errors.New("exit code 1")
	d.over()
	if got := checksOf(c)[0]; got.OK || got.Output != "exit code 1: output" {
		t.Errorf("a check that is not good is published as %+v", got)
	}
}

func TestChecksGoOnWhateverTheNodeIs(t *testing.T) {
	d, _ := newCheckDesk(t, func([]string) error { return nil })
	d.started().end <- nil
	d.over()
	for _, s := range []plan.Status{plan.Paused, plan.Failed, plan.Unknown, plan.Active, plan.Inactive} {
		d.at(6*time.Minute, s)
		d.started().end <- nil
		d.over()
	}
}

func TestACheckThatIsNotAllowedIsNotGood(t *testing.T) {
	d, c := newCheckDesk(t, func([]string) error { return errors.New("agent.yaml does not allow it") })
	d.idle("not allowed")
	if got := checksOf(c); len(got) != 1 || got[0].OK || got[0].Output != "agent.yaml does not allow it" {
		t.Errorf("published as %+v", got)
	}
}
