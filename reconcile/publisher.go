package reconcile

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"mainstay/reconcile/news"
	"mainstay/reconcile/pace"
	"mainstay/reconcile/plan"
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
	differ       news.Differ
	news         news.Kind
	claiming     bool          // the claim is being changed beside what is offered
	claimed      bool          // it was, since the last publication
	since, first time.Duration // of when what is offered makes way, and its predecessors
	fresh        time.Duration // of when there were first news since the last publication
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

// Offer gives the publisher the newest report, and whether this node is about to change
// its claim.
func (p *Publisher) Offer(r plan.Report, claiming bool) {
	if r.Deployment == "" {
		return
	}
	now, before := p.clock.Boot(), p.makesWay()
	if !before {
		p.first = now
	}
	if !before || claiming != p.claiming || r.Status != p.offered.Status {
		p.since = now
	}
	p.offered, p.claiming, p.claimed = &r, claiming, p.claimed || claiming
	quiet := p.news == news.None
	if p.compare(); quiet {
		p.fresh = now
	}
}

// A report makes way no longer than atMost, and with others that it takes the place
// of no longer than detailsEvery.
const atMost = 200 * time.Millisecond

// makesWay reports whether the newest report can wait a moment: what it says may be over
// by then, or the claim is being changed or was given back, which the other side waits for.
// One git server does both, and tells every node of both.
func (p *Publisher) makesWay() bool {
	return p.published != nil && p.offered != nil && (p.claiming || p.claimed && p.offered.Status == plan.Inactive || news.Passing(*p.offered))
}

// Own is what a look found of this node's own report: when it was made, zero for none.
type Own struct {
	Looked time.Duration // when the look began, in boot time
	At     time.Time
}

// findOwn looks for this node's own report. One that is there and was not read says
// nothing.
func (l *Learner) findOwn(next *Snapshot, refs map[string]string) {
	ref := plan.ReportRef(next.Accepted.Deployment.Name, l.Node)
	switch own := next.Reports[l.Node]; {
	case refs[ref] == "":
		next.Own = Own{Looked: next.Began}
	case own != nil && own.Known && l.hashes[ref] == refs[ref]:
		next.Own = Own{Looked: next.Began, At: own.At}
	}
}

// Missed takes in what a look found of this node's report. One that was published before
// that look and is not there, or an older one in its place, is lost, as after a new git
// server or a restored one, and others wait for it.
func (p *Publisher) Missed(found Own) {
	if found.Looked > p.at && p.published != nil && found.At.Before(p.published.At) {
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
	case p.news == news.Urgent && p.makesWay():
		return min(p.since+atMost, p.first+detailsEvery) - now
	case p.news == news.Urgent:
		return 0
	case p.news == news.Detail:
		return max(p.at, p.fresh) + detailsEvery - now
	}
	return p.at + p.offered.Every(p.heartbeat) - now
}

// compare finds out what is new, once per offer and per publication.
func (p *Publisher) compare() { p.news = p.differ.Of(p.published, p.offered) }

// slowestTry is the longest time between two tries to publish while git fails. It is
// short once git was read again, because the other nodes may wait for this report.
func (p *Publisher) slowestTry() time.Duration {
	told := p.news != news.Urgent
	if told || p.offered.LastRead.Equal(p.triedRead) {
		return pace.Slowest
	}
	return urgentTry
}

// urgentTry is how often that is tried again.
const urgentTry = 5 * time.Second

// detailsEvery is the least time between two publications of what nobody decides by, and
// how long it waits for news that somebody does.
const detailsEvery = time.Second

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
	p.first, p.claimed = p.at, false
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
