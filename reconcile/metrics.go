package reconcile

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"mainstay/reconcile/plan"
)

// Metrics counts what one agent does, in a registry of its own. Its unexported
// methods may be called on nil, which counts nothing.
type Metrics struct {
	// Registry holds every metric of the agent.
	Registry *prometheus.Registry

	agent     *Agent
	lastGood  atomic.Int64 // boot time at which the newest good look began
	converged atomic.Bool

	looks, steps, pushes, reports, notices *prometheus.CounterVec
	heals                                  prometheus.Counter
	lookTook, pass                         prometheus.Histogram
}

// NewMetrics makes the metrics of an agent that does not run yet. versions are
// what build information names.
func NewMetrics(a *Agent, versions map[string]string) *Metrics {
	m := &Metrics{
		Registry: prometheus.NewRegistry(), agent: a,
		looks:   counters("looks_total", "Looks at git, by result.", "result"),
		steps:   counters("steps_total", "Orders to services and files, by kind.", "do"),
		pushes:  counters("claim_pushes_total", "Claim pushes, by action and by whether the server answered well.", "action", "result"),
		reports: counters("reports_total", "Publications of this node's report, by result.", "result"),
		notices: counters("notifications_total", "Notifications, by result.", "result"),
		heals: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "mainstay", Name: "heals_total",
			Help: "Starts of a service that died while its node was serving."}),
		lookTook: seconds("look_duration_seconds", "How long a look at git took.", 0.005, 2.5, 12),
		pass:     seconds("pass_duration_seconds", "How long a pass took.", 0.00005, 4, 10),
	}
	m.lastGood.Store(int64(a.clock.Boot()))
	m.Registry.MustRegister(m.looks, m.steps, m.pushes, m.reports, m.notices, m.heals, m.lookTook, m.pass,
		newBuildInfo(versions), agentCollector{m}, collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	a.metrics = m
	return m
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "mainstay", Name: name, Help: help}, labels)
}

func seconds(name, help string, first, factor float64, count int) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "mainstay", Name: name, Help: help,
		Buckets: prometheus.ExponentialBuckets(first, factor, count)})
}

func newBuildInfo(versions map[string]string) prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "mainstay", Name: "build_info",
		Help: "Always 1; the labels name what was built.", ConstLabels: versions})
	g.Set(1)
	return g
}

// CountDropped exports how many passes a ring could not keep on disk.
func (m *Metrics) CountDropped(r *Ring) {
	m.Registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "mainstay",
		Name: "explain_dropped_total", Help: "Passes that could not be kept on disk."},
		func() float64 { return float64(r.Dropped()) }))
}

// result is the label of something that was tried.
func result(ok bool) string {
	if ok {
		return "ok"
	}
	return "failed"
}

func (m *Metrics) looked(s *Snapshot, took time.Duration) {
	if m == nil {
		return
	}
	m.looks.WithLabelValues(result(s.OK)).Inc()
	m.lookTook.Observe(took.Seconds())
	if s.OK {
		m.lastGood.Store(int64(s.Began))
	}
}

// pushed counts a push. One that was not answered well may have landed all the
// same.
func (m *Metrics) pushed(o Order, err error) {
	if m == nil {
		return
	}
	action := "restore"
	if o.Push != nil {
		action = string(o.Push.Claim.Action)
	}
	m.pushes.WithLabelValues(action, result(err == nil)).Inc()
}

func (m *Metrics) passed(d plan.Decision, took time.Duration) {
	if m == nil {
		return
	}
	m.pass.Observe(took.Seconds())
	m.converged.Store(d.Converged)
	for _, s := range d.Steps {
		m.steps.WithLabelValues(string(s.Do)).Inc()
		if s.Do == plan.DoStart && d.Memory.WasActive {
			m.heals.Inc()
		}
	}
}

func (m *Metrics) published(err error) {
	if m != nil {
		m.reports.WithLabelValues(result(err == nil)).Inc()
	}
}

func (m *Metrics) notified(res string) {
	if m != nil {
		m.notices.WithLabelValues(res).Inc()
	}
}
