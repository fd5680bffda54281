// Package metrics counts what one agent does, for Prometheus.
//
// Nothing in the loop knows it: it observes the loop from outside.
package metrics

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"mainstay/reconcile"
	"mainstay/reconcile/plan"
)

// Metrics counts what one agent does, in a registry of its own. It is a
// reconcile.Observer.
type Metrics struct {
	// Registry holds every metric of the agent.
	Registry *prometheus.Registry

	source    Source
	boot      func() time.Duration
	lastGood  atomic.Int64 // boot time at which the newest good look began
	converged atomic.Bool
	objective atomic.Int64 // how long a switch should take, 0 for any time

	looks, steps, pushes, reports, notices *prometheus.CounterVec
	heals, heard                           prometheus.Counter
	lookTook, pass                         prometheus.Histogram
}

// Source is the agent whose status is told.
type Source interface {
	// Status is the node's report as of the newest pass, and false before it.
	Status() (plan.Report, bool)
	// Passed is the boot time at which the newest pass ended, zero before it.
	Passed() time.Duration
}

// New makes the metrics of an agent that does not run yet. boot is CLOCK_BOOTTIME;
// versions are what build information names.
func New(s Source, boot func() time.Duration, versions map[string]string) *Metrics {
	m := &Metrics{
		Registry: prometheus.NewRegistry(), source: s, boot: boot,
		looks:   counters("looks_total", "Looks at git, by result.", "result"),
		steps:   counters("steps_total", "Orders to services and files, by kind.", "do"),
		pushes:  counters("claim_pushes_total", "Claim pushes, by action and by whether the server answered well.", "action", "result"),
		reports: counters("reports_total", "Publications of this node's report, by result.", "result"),
		notices: counters("notifications_total", "Notifications, by result.", "result"),
		heals: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "mainstay", Name: "heals_total",
			Help: "Starts of a service that died while its node was serving."}),
		heard: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "mainstay", Name: "claim_looks_total",
			Help: "Looks at claims and reports alone, because another node said something."}),
		lookTook: seconds("look_duration_seconds", "How long a look at git took.", 0.005, 2.5, 12),
		pass:     seconds("pass_duration_seconds", "How long a pass took.", 0.00005, 4, 10),
	}
	for _, c := range []*prometheus.CounterVec{m.looks, m.reports} { // a first failure that appears as 1 is no increase
		c.WithLabelValues(result(true))
		c.WithLabelValues(result(false))
	}
	m.lastGood.Store(int64(boot()))
	m.Registry.MustRegister(m.looks, m.steps, m.pushes, m.reports, m.notices, m.heals, m.heard, m.lookTook, m.pass,
		newBuildInfo(versions), agentCollector{m}, collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
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

// CountDropped exports how many passes could not be kept on disk.
func (m *Metrics) CountDropped(dropped func() uint64) {
	m.Registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "mainstay",
		Name: "explain_dropped_total", Help: "Passes that could not be kept on disk."},
		func() float64 { return float64(dropped()) }))
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.Registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// result is the label of something that was tried.
func result(ok bool) string {
	if ok {
		return "ok"
	}
	return "failed"
}

// Looked counts a look at git. One at claims alone is none.
func (m *Metrics) Looked(s *reconcile.Snapshot, took time.Duration) {
	if s.Whole != s.Began {
		m.heard.Inc()
	} else {
		m.looks.WithLabelValues(result(s.OK)).Inc()
		m.lookTook.Observe(took.Seconds())
		if s.OK {
			m.lastGood.Store(int64(s.Began))
		}
	}
	if s.Accepted != nil {
		m.objective.Store(int64(s.Accepted.Deployment.Handover.Objective))
	}
}

// Pushed counts a push. One that was not answered well may have landed all the
// same.
func (m *Metrics) Pushed(o reconcile.Order, err error) {
	action := "restore"
	if o.Push != nil {
		action = string(o.Push.Claim.Action)
	}
	m.pushes.WithLabelValues(action, result(err == nil)).Inc()
}

// Passed counts a pass and its steps.
func (m *Metrics) Passed(d plan.Decision, took time.Duration) {
	m.pass.Observe(took.Seconds())
	m.converged.Store(d.Converged)
	for _, s := range d.Steps {
		m.steps.WithLabelValues(string(s.Do)).Inc()
		if s.Do == plan.DoStart && d.Memory.WasActive {
			m.heals.Inc()
		}
	}
}

// Published counts a publication of the report.
func (m *Metrics) Published(err error) {
	m.reports.WithLabelValues(result(err == nil)).Inc()
}

// Notified counts a notification, by whether it was believed: ok or refused.
func (m *Metrics) Notified(result string) {
	m.notices.WithLabelValues(result).Inc()
}
