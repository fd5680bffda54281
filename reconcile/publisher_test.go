package reconcile

import (
	"testing"
	"time"

	"mainstay/reconcile/plan"
)

func newPress() (*Publisher, *vault, *still) {
	v, c := newVault(""), newStill()
	return NewPublisher(v, c, 5*time.Minute, time.Second), v, c
}

func reportOf(s plan.Status, reason string) plan.Report {
	return plan.Report{Deployment: "paris", Node: "xivo-main", Status: s, Reason: reason}
}

func TestOnlyTheNewestReportIsPublished(t *testing.T) {
	p, v, _ := newPress()
	p.Offer(reportOf(plan.Activating, ""))
	p.Offer(reportOf(plan.Active, ""))
	if !p.Due() {
		t.Fatal("a first report is due")
	}
	if err := p.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(v.published) != 1 || v.published[0].Status != plan.Active || p.Due() {
		t.Errorf("published %+v, due %v", v.published, p.Due())
	}
}

func TestAnUnchangedReportWaitsForTheHeartbeat(t *testing.T) {
	p, _, c := newPress()
	p.Offer(reportOf(plan.Active, ""))
	if err := p.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := reportOf(plan.Active, "")
	again.At, again.LastRead = c.wall.Add(time.Minute), c.wall.Add(time.Minute)
	p.Offer(again)
	if p.Due() || p.Next() != 5*time.Minute {
		t.Errorf("moments are no news: next in %s", p.Next())
	}
	c.pass(5 * time.Minute)
	if !p.Due() {
		t.Error("no heartbeat")
	}
}

func TestWhatOthersDecideByIsToldAtOnceAndTheRestOnceASecond(t *testing.T) {
	p, _, c := newPress()
	p.Offer(reportOf(plan.Active, "a"))
	if err := p.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Offer(reportOf(plan.Active, "b"))
	if p.Due() {
		t.Error("another reason need not be told at once")
	}
	c.pass(detailsEvery)
	if !p.Due() {
		t.Error("another reason is told within a second")
	}
	p.Offer(reportOf(plan.Deactivating, "c"))
	if p.Next() != 0 {
		t.Errorf("another status is told after %s", p.Next())
	}
}

func TestAFailedPublicationBacksOffToAMinute(t *testing.T) {
	p, v, c := newPress()
	v.lost = true
	p.Offer(reportOf(plan.Active, ""))
	var waits []time.Duration
	for range 9 {
		if err := p.Publish(t.Context()); err == nil {
			t.Fatal("a lost publication is no success")
		}
		waits = append(waits, p.Next())
		p.Offer(reportOf(plan.Deactivating, "")) // news do not jump the queue
		if p.Due() {
			t.Fatal("again at once")
		}
		c.pass(p.Next())
	}
	if waits[0] != time.Second || waits[8] != time.Minute {
		t.Errorf("waits are %v", waits)
	}
}

func TestANodeWithoutADocumentPublishesNothing(t *testing.T) {
	p, _, _ := newPress()
	p.Offer(plan.Report{Node: "xivo-main"})
	if p.Due() {
		t.Error("a report of no deployment is due")
	}
}
