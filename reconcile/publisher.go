package reconcile

import (
	"context"
	"crypto/rand"
	"reflect"
	"slices"
	"time"

	"mainstay/reconcile/pace"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// Publisher pushes this node's report when it changed, and every heartbeat. It
// is owned by one goroutine. A report that cannot be published stops nothing.
type Publisher struct {
	coordination Coordination
	clock        Clock
	timeout      time.Duration
	heartbeat    time.Duration
	offered      *plan.Report
	published    *plan.Report
	compared     [2]plan.Report // what of both is news, kept because every pass compares
	news         news
	at           time.Duration
	failures     int
	tried        time.Duration
	triedRead    time.Time // when git was last read well before that try
	run          string
	beats        uint64 // how often it was tried: what got lost may have arrived
}

// NewPublisher returns a publisher that has published nothing yet. Its reports say
// that they are of one run of the agent, begun now.
func NewPublisher(c Coordination, clock Clock, heartbeat, timeout time.Duration) *Publisher {
	return &Publisher{coordination: c, clock: clock, heartbeat: heartbeat, timeout: timeout, run: rand.Text()}
}

// Run names this run of the agent. No other one has the same name, on this machine or
// on a copy of it.
func (p *Publisher) Run() string { return p.run }

// SetPace takes over what the document says of heartbeats and timeouts.
func (p *Publisher) SetPace(heartbeat, timeout time.Duration) {
	if heartbeat > 0 && timeout > 0 {
		p.heartbeat, p.timeout = heartbeat, timeout
	}
}

// Offer gives the publisher the newest report.
func (p *Publisher) Offer(r plan.Report) {
	if r.Deployment != "" {
		p.offered = &r
		p.compare()
	}
}

// Missed takes in when a look began that found no report of this node where reports are:
// one that was published before it is lost, as after a new git server, and others wait
// for it.
func (p *Publisher) Missed(looked time.Duration) {
	if looked > p.at {
		p.published = nil
	}
}

// Due reports whether the newest report should be pushed now.
func (p *Publisher) Due() bool { return p.offered != nil && p.Next() <= 0 }

// Next returns how long it is until Due, if nothing new is offered.
func (p *Publisher) Next() time.Duration {
	now := p.clock.Boot()
	switch {
	case p.offered == nil:
		return p.heartbeat
	case p.failures > 0:
		return p.tried + min(time.Second<<min(p.failures-1, 6), p.slowestTry()) - now
	case p.news == urgentNews:
		return 0
	case p.news == someNews:
		return p.at + detailsEvery - now
	}
	return p.at + p.offered.Every(p.heartbeat) - now
}

// news is how an offered report differs from the published one.
type news int

const (
	noNews     news = iota
	someNews        // in what nobody decides by
	urgentNews      // in what others decide by, or wait for
)

// compare finds out what is new, once per offer and per publication.
func (p *Publisher) compare() {
	switch {
	case p.published == nil || urgent(*p.published) != urgent(*p.offered):
		p.news = urgentNews
	default:
		p.compared, p.news = [2]plan.Report{significant(*p.published), significant(*p.offered)}, noNews
		if !reflect.DeepEqual(&p.compared[0], &p.compared[1]) {
			p.news = someNews
		}
	}
}

// slowestTry is the longest time between two tries to publish while git fails. It is
// short once git was read again, because the other nodes may wait for this report.
func (p *Publisher) slowestTry() time.Duration {
	told := p.published != nil && urgent(*p.published) == urgent(*p.offered)
	if told || p.offered.LastRead.Equal(p.triedRead) {
		return pace.Slowest
	}
	return urgentTry
}

// urgentTry is how often that is tried again.
const urgentTry = 5 * time.Second

// detailsEvery is the least time between two publications of what nobody
// decides by.
const detailsEvery = time.Second

// urgency is the part of a report that other nodes decide by, or wait for.
type urgency struct {
	status         plan.Status
	running, ready bool
	serving        spec.Side
	accepted       string
	seq            uint64
	heard, beside  string
	besideBeat     uint64
}

// urgent returns what must be told at once. The commit and the seq count only
// when something is said under them.
func urgent(r plan.Report) urgency {
	u := urgency{status: r.Status, running: r.Running, ready: r.Ready, serving: r.Serving, heard: r.Heard, beside: r.Beside, besideBeat: r.BesideBeat}
	if r.Ready {
		u.accepted = r.Accepted
	}
	if r.Ready || r.Status == plan.Active || r.Status == plan.Deactivating {
		u.seq = r.Seq
	}
	return u
}

// Publish pushes the newest report once.
func (p *Publisher) Publish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	r := *p.offered
	p.tried, p.triedRead = p.clock.Boot(), r.LastRead
	if err := p.push(ctx, r); err != nil {
		p.failures++
		return err
	}
	p.failures, p.published, p.at = 0, &r, p.clock.Boot()
	p.compare()
	return nil
}

func (p *Publisher) push(ctx context.Context, r plan.Report) error {
	p.beats++
	r.Run, r.Beat = p.run, p.beats
	return p.coordination.Publish(ctx, plan.ReportRef(r.Deployment, r.Node), r)
}

// lastWord bounds how long the last report of a run may take.
const lastWord = 3 * time.Second

// PublishEnd says in a last report that the agent ends in order. It takes no longer
// than a moment, whatever git does, and nothing is lost when it fails: the node is
// then missed when its next report does not come.
func (p *Publisher) PublishEnd() error {
	if p.offered == nil {
		return nil
	}
	r := *p.offered
	r.Ended, r.Ready = true, false // R2: nobody may step down for a side that ended
	r.At = p.clock.Wall().UTC()
	r.Conditions = append(slices.Clone(r.Conditions), plan.Condition{Type: plan.CondAgentEnded,
		Message: "the agent ended in order, and its services stay as they were: nobody looks after them"})
	ctx, cancel := context.WithTimeout(context.Background(), min(p.timeout, lastWord))
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- p.push(ctx, r) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// significant is a report without what changes all the time and says nothing
// new.
func significant(r plan.Report) plan.Report {
	r.At, r.LastRead = time.Time{}, time.Time{}
	r.Checks = slices.Clone(r.Checks)
	for i := range r.Checks {
		r.Checks[i].At = time.Time{}
		if r.Checks[i].OK {
			r.Checks[i].Output = "" // a number that changes all the time is no news
		}
	}
	return r
}
