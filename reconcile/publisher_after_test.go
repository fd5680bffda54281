package reconcile

import (
	"context"
	"errors"
	"testing"
	"time"

	"mainstay/reconcile/plan"
)

// refusing is a coordination repository that takes no report.
type refusing struct {
	Coordination
	down bool
}

func (r *refusing) Publish(context.Context, string, plan.Report) error {
	if r.down {
		return errors.New("connection refused")
	}
	return nil
}

// R2: the other side waits for this node's readiness, so however long git was
// away, that is told within seconds of its return.
func TestReadinessIsNotKeptBackByAnOldFailure(t *testing.T) {
	git, clock := &refusing{}, newStill()
	p := NewPublisher(git, clock, 5*time.Minute, time.Second)
	r := plan.Report{Deployment: "paris", Node: "xivo-standby", Status: plan.Inactive}
	p.Offer(r, false)
	if err := p.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	git.down = true
	r.Reason = "something nobody decides by"
	p.Offer(r, false)
	for range 10 {
		if err := p.Publish(t.Context()); err == nil {
			t.Fatal("published")
		}
	}
	if next := p.Next(); next < 30*time.Second {
		t.Errorf("what nobody decides by is tried again in %s", next)
	}
	r.Ready = true
	p.Offer(r, false)
	if next := p.Next(); next < 30*time.Second {
		t.Errorf("readiness is tried again in %s although git was not read since", next)
	}
	r.LastRead = clock.Wall()
	p.Offer(r, false)
	if next := p.Next(); next > 5*time.Second {
		t.Errorf("readiness is tried again in %s", next)
	}
}

// R13: a new git server has no report of this node, and the other side waits for one. It
// is told again at once, and not with the next heartbeat; a look from before it was told
// says nothing.
func TestAReportThatGitLostIsToldAgain(t *testing.T) {
	clock := newStill()
	p := NewPublisher(&refusing{}, clock, 5*time.Minute, time.Second)
	r := plan.Report{Deployment: "paris", Node: "xivo-standby", Status: plan.Active, At: clock.wall}
	clock.pass(time.Minute)
	p.Offer(r, false)
	if err := p.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what  string
		found Own
		lost  bool
	}{
		{"a look from before", Own{Looked: clock.boot - time.Second}, false},
		{"the very report", Own{Looked: clock.boot + time.Second, At: r.At}, false},
		{"a newer one of somebody else", Own{Looked: clock.boot + time.Second, At: r.At.Add(time.Second)}, false},
		{"an older one in its place", Own{Looked: clock.boot + time.Second, At: r.At.Add(-time.Second)}, true},
		{"none", Own{Looked: clock.boot + 2*time.Second}, true},
	} {
		p.Missed(c.found)
		if p.Offer(r, false); p.Due() != c.lost {
			t.Errorf("%s: told again in %s", c.what, p.Next())
		}
		if !c.lost {
			continue
		}
		if err := p.Publish(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
