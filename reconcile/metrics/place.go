package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The members are asked at most every askedEvery, because somebody scrapes, and each time
// for no longer than askedFor. What they said is told for as long as toldFor.
const (
	askedEvery = 10 * time.Second
	askedFor   = 5 * time.Second
	toldFor    = time.Minute
)

// Member is one member of the cluster that claims and reports are kept on.
type Member struct {
	At string
	// Up says that it answers, and Led that it knows of a leader.
	Up, Led bool
	Took    time.Duration
	Alarms  []string
}

// placeCollector tells of the place of claims and reports.
type placeCollector struct {
	engine string
	boot   func() time.Duration
	ask    func(context.Context) []Member

	mu      sync.Mutex
	asking  bool
	members []Member
	// heard is when the members were asked, in boot time, zero for never.
	heard time.Duration
}

// CountPlace exports which engine keeps claims and reports and, with ask, how its members
// are. A scrape never waits for them: it tells what they said when they were last asked, and
// how long ago that was.
func (m *Metrics) CountPlace(engine string, ask func(context.Context) []Member) {
	m.Registry.MustRegister(&placeCollector{engine: engine, boot: m.boot, ask: ask})
}

// Describe says nothing, so that members may come and go.
func (c *placeCollector) Describe(chan<- *prometheus.Desc) {}

// Collect tells what is known, and asks again.
func (c *placeCollector) Collect(out chan<- prometheus.Metric) {
	g := gauges{out}
	g.put("coordination_info", "Always 1; the label says what keeps claims and reports: git, etcd or off.", 1, "engine", c.engine)
	if c.ask == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.boot()
	if !c.asking && (c.heard == 0 || now-c.heard >= askedEvery) {
		c.asking = true
		go c.hear()
	}
	if c.heard == 0 || now-c.heard > toldFor {
		return // nothing counts as known that was not observed
	}
	g.put("coordination_members_age_seconds", "Since the members of the cluster were asked.", (now - c.heard).Seconds())
	for _, m := range c.members {
		g.put("coordination_member_up", "1 when a member of the cluster answers.", truth(m.Up), "member", m.At)
		if !m.Up {
			continue
		}
		g.put("coordination_member_led", "1 when a member knows of a leader: without one nothing is read.", truth(m.Led), "member", m.At)
		g.put("coordination_member_answer_seconds", "How long the newest answer of a member took.", m.Took.Seconds(), "member", m.At)
		for _, alarm := range m.Alarms {
			g.put("coordination_member_alarm", "Always 1; an alarm that a member raises, such as NOSPACE.", 1, "member", m.At, "alarm", alarm)
		}
	}
}

// hear asks the members once.
func (c *placeCollector) hear() {
	ctx, cancel := context.WithTimeout(context.Background(), askedFor)
	defer cancel()
	members, at := c.ask(ctx), c.boot()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.members, c.heard, c.asking = members, at, false
}
