package reconcile

import (
	"testing"
	"time"

	"mainstay/reconcile/news"
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
	p.Offer(reportOf(plan.Activating, ""), false)
	p.Offer(reportOf(plan.Active, ""), false)
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
	p.Offer(reportOf(plan.Active, ""), false)
	if err := p.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := reportOf(plan.Active, "")
	again.At, again.LastRead = c.wall.Add(time.Minute), c.wall.Add(time.Minute)
	p.Offer(again, false)
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
	p.Offer(reportOf(plan.Active, "a"), false)
	if err := p.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Offer(reportOf(plan.Active, "b"), false)
	if p.Due() {
		t.Error("another reason need not be told at once")
	}
	c.pass(detailsEvery)
	if !p.Due() {
		t.Error("another reason is told within a second")
	}
	p.Offer(reportOf(plan.Inactive, "c"), false)
	if p.Next() != 0 {
		t.Errorf("another status is told after %s", p.Next())
	}
}

// A report makes way for a change of the claim, and while the node is on its way to
// something else; never for longer than a moment, and never one that says Ready.
func TestAReportMakesWayForAMoment(t *testing.T) {
	ready := reportOf(plan.Held, "")
	ready.Ready = true
	for _, c := range []struct {
		what     string
		report   plan.Report
		claiming bool
		want     time.Duration
	}{
		{"on its way up", reportOf(plan.Activating, ""), false, atMost},
		{"on its way down", reportOf(plan.Deactivating, ""), false, atMost},
		{"there", reportOf(plan.Inactive, ""), false, 0},
		{"there, and the claim is released", reportOf(plan.Inactive, ""), true, atMost},
		{"ready", ready, false, 0},
	} {
		p, _, clock := newPress()
		p.Offer(c.report, c.claiming)
		if !p.Due() {
			t.Errorf("%s: a first report makes way", c.what)
		}
		p.Offer(reportOf(plan.Active, ""), false)
		if err := p.Publish(t.Context()); err != nil {
			t.Fatal(err)
		}
		clock.pass(time.Hour)
		p.Offer(reportOf(plan.Active, ""), false)
		if p.Offer(c.report, c.claiming); p.Next() != c.want {
			t.Errorf("%s: told after %s", c.what, p.Next())
		}
		clock.pass(atMost)
		if p.Offer(c.report, c.claiming); !p.Due() {
			t.Errorf("%s: held back again", c.what)
		}
		if !c.claiming {
			continue
		}
		if p.Offer(c.report, false); p.Next() != atMost {
			t.Errorf("%s: once the claim was given back, told after %s", c.what, p.Next())
		}
		clock.pass(atMost)
		if err := p.Publish(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p.Offer(reportOf(plan.Failed, ""), false); p.Next() != 0 {
			t.Errorf("%s: the next one is told after %s", c.what, p.Next())
		}
	}
}

// Details wait a second for what others decide by, however long ago anything was told; and
// a claim that was given back is made way for once.
func TestDetailsWaitForWhatOthersDecideBy(t *testing.T) {
	p, _, clock := newPress()
	tell := func(r plan.Report) {
		t.Helper()
		if p.Offer(r, false); p.news == news.None {
			return
		}
		if err := p.Publish(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	tell(reportOf(plan.Active, "a"))
	clock.pass(time.Minute)
	if p.Offer(reportOf(plan.Active, "b"), false); p.Next() != detailsEvery {
		t.Errorf("after a quiet minute a detail is told after %s", p.Next())
	}
	clock.pass(detailsEvery / 2)
	if p.Offer(reportOf(plan.Active, "c"), false); p.Next() != detailsEvery/2 {
		t.Errorf("another one is told after %s", p.Next())
	}
	p.Offer(reportOf(plan.Inactive, ""), true)
	tell(reportOf(plan.Inactive, ""))
	tell(reportOf(plan.Active, "d"))
	if p.Offer(reportOf(plan.Inactive, ""), false); p.Next() != 0 {
		t.Errorf("a stop under a claim of before is told after %s", p.Next())
	}
}

// Reports that take each other's place make way together no longer than a second.
func TestReportsThatKeepChangingAreTold(t *testing.T) {
	p, _, clock := newPress()
	p.Offer(reportOf(plan.Active, ""), false)
	if err := p.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		p.Offer(reportOf([]plan.Status{plan.Activating, plan.Deactivating}[i%2], ""), i%3 == 0)
		if p.Due() {
			if p.clock.Boot() < detailsEvery/2 {
				t.Errorf("told after %s", p.clock.Boot())
			}
			return
		}
		clock.pass(atMost / 2)
	}
	t.Errorf("not told after %s", p.clock.Boot())
}

func TestAFailedPublicationBacksOffToAMinute(t *testing.T) {
	p, v, c := newPress()
	v.lost = true
	p.Offer(reportOf(plan.Active, ""), false)
	var waits []time.Duration
	for range 9 {
		if err := p.Publish(t.Context()); err == nil {
			t.Fatal("a lost publication is no success")
		}
		waits = append(waits, p.Next())
		p.Offer(reportOf(plan.Deactivating, ""), false) // news do not jump the queue
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
	p.Offer(plan.Report{Node: "xivo-main"}, false)
	if p.Due() {
		t.Error("a report of no deployment is due")
	}
}
