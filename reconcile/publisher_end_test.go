package reconcile

import (
	"context"
	"testing"
	"time"

	"mainstay/reconcile/plan"
)

func TestReportsCountWithinOneRunOfTheAgent(t *testing.T) {
	p, v, c := newPress()
	for range 3 {
		p.Offer(reportOf(plan.Active, ""), false)
		if err := p.Publish(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.wall = c.wall.Add(-time.Hour) // a clock that is set says nothing
	}
	for i, r := range v.published {
		if r.Run == "" || r.Run != v.published[0].Run || r.Beat != uint64(i+1) {
			t.Errorf("report %d is beat %d of run %q", i, r.Beat, r.Run)
		}
	}
	if p.Offer(reportOf(plan.Active, ""), false); p.Due() {
		t.Error("a beat is no news")
	}
	c.pass(time.Second)
	again := NewPublisher(v, c, time.Minute, time.Second)
	again.Offer(reportOf(plan.Active, ""), false)
	if err := again.Publish(t.Context()); err != nil || v.published[3].Run == v.published[0].Run {
		t.Errorf("another run has the same name: %v", err)
	}
}

func TestAnAgentThatEndsSaysSoAndIsReadyForNothing(t *testing.T) { // R2
	p, v, _ := newPress()
	r := reportOf(plan.Inactive, "")
	r.Ready = true
	p.Offer(r, false)
	if err := p.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.PublishEnd(); err != nil {
		t.Fatal(err)
	}
	last := v.published[1]
	if !last.Ended || last.Ready || last.Beat != 2 || !hasCondition(last.Conditions, plan.CondAgentEnded) {
		t.Errorf("the last report is %+v", last)
	}
}

// mute is a coordination that hears nobody out.
type mute struct{ *vault }

func (mute) Publish(context.Context, string, plan.Report) error { select {} }

func TestALastReportHoldsNobodyUp(t *testing.T) {
	p := NewPublisher(mute{newVault("")}, newStill(), time.Minute, 20*time.Millisecond)
	p.Offer(reportOf(plan.Active, ""), false)
	if err := p.PublishEnd(); err == nil {
		t.Error("a report that nobody took was published")
	}
}

func TestANodeInTheMiddleOfSomethingReportsMoreOften(t *testing.T) {
	silent := reportOf(plan.Inactive, "")
	silent.Conditions = []plan.Condition{{Type: plan.CondWitnessSilent}}
	for name, c := range map[string]struct {
		report plan.Report
		want   time.Duration
	}{
		"quiet":          {reportOf(plan.Inactive, ""), 5 * time.Minute},
		"held":           {reportOf(plan.Held, ""), plan.BusyBeat},
		"failed":         {reportOf(plan.Failed, ""), plan.BusyBeat},
		"witness silent": {silent, plan.BusyBeat},
	} {
		p, _, _ := newPress()
		p.Offer(c.report, false)
		if err := p.Publish(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := p.Next(); got != c.want {
			t.Errorf("%s: next in %s", name, got)
		}
	}
}
