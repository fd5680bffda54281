package metrics

import (
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"mainstay/reconcile/plan"
)

// agentCollector reads the agent's newest report when it is asked, so that what
// is scraped is never older than the newest pass.
type agentCollector struct{ *Metrics }

// Describe says nothing, so that conditions, checks and jobs may come and go.
func (c agentCollector) Describe(chan<- *prometheus.Desc) {}

// Collect reports the status as it is now.
func (c agentCollector) Collect(out chan<- prometheus.Metric) {
	g := gauges{out}
	r, _ := c.source.Status()
	now := c.boot()
	g.put("node_info", "Always 1; the labels say which node this is.", 1,
		"deployment", r.Deployment, "node", r.Node, "role", r.Role, "side", string(r.Side))
	for _, s := range []plan.Status{plan.Active, plan.Inactive, plan.Activating, plan.Deactivating,
		plan.Held, plan.Failed, plan.Paused, plan.Unknown} {
		g.put("status", "1 for the status this node is in.", truth(r.Status == s), "status", string(s))
	}
	g.put("converged", "1 when nothing is left to do or to wait for.", truth(c.converged.Load()))
	g.put("running", "1 while at least one service of an exclusive role is not seen down.", truth(r.Running))
	g.put("claim_seq", "The claim's number as last read.", float64(r.Seq))
	g.put("last_good_read_age_seconds", "Since the newest look at git that was answered began.",
		(now - time.Duration(c.lastGood.Load())).Seconds())
	if passed := c.source.Passed(); passed > 0 {
		g.put("last_pass_age_seconds", "Since the newest pass ended.", (now - passed).Seconds())
	}
	g.switched(r.Phases, time.Duration(c.objective.Load()))
	g.details(r)
}

// switched is how long the newest switch to this node took, from when it saw the commit,
// and whether that was longer than it should.
func (g gauges) switched(phases []plan.Phase, objective time.Duration) {
	var seen, active time.Time
	for _, p := range phases {
		switch p.Name {
		case plan.PhaseSeen:
			seen = p.At
		case plan.PhaseActive:
			active = p.At
		}
	}
	if objective > 0 {
		g.put("switch_objective_seconds", "How long a switch should take at most: handover.objective.", objective.Seconds())
	}
	if seen.IsZero() || active.Before(seen) {
		return
	}
	g.put("switch_duration_seconds", "How long the newest switch to this node took, from when it saw the commit until it was Active.", active.Sub(seen).Seconds())
	if objective > 0 {
		g.put("switch_late", "1 when the newest switch to this node took longer than handover.objective.", truth(active.Sub(seen) > objective))
	}
}

// details are the parts of a report that have a name each.
func (g gauges) details(r plan.Report) {
	count := map[string]float64{}
	for _, c := range r.Conditions {
		count[c.Type]++
	}
	for kind, n := range count {
		g.put("conditions", "Conditions that a person should know, by type.", n, "type", kind)
	}
	for name, ok := range byName(r.Services, func(s plan.ServiceReport) (string, bool) { return s.Name, s.Ready }) {
		g.put("service_ready", "1 while a service runs and answers.", truth(ok), "service", name)
	}
	for name, ok := range byName(r.Checks, func(c plan.CheckReport) (string, bool) { return c.Name, c.OK }) {
		g.put("check_ok", "1 when the newest run of a check was good.", truth(ok), "check", name)
	}
	ran := slices.DeleteFunc(slices.Clone(r.Jobs), awaited)
	for name, ok := range byName(ran, func(j plan.JobReport) (string, bool) { return j.Name, j.OK }) {
		g.put("job_ok", "1 when the newest run of a job was good.", truth(ok), "job", name)
	}
}

// awaited reports whether a job has never run here because the node is not in the state in
// which it runs: nothing is known of it, and nothing is wrong.
func awaited(j plan.JobReport) bool {
	return j.At.IsZero() && strings.HasPrefix(j.Skipped, "the node is ")
}

// byName makes sure that no name is exported twice, which would fail the whole
// scrape.
func byName[T any](list []T, of func(T) (string, bool)) map[string]bool {
	out := map[string]bool{}
	for _, v := range list {
		name, ok := of(v)
		out[name] = ok
	}
	return out
}

// gauges sends metrics that are made on the spot.
type gauges struct{ out chan<- prometheus.Metric }

// put sends one value; labels are pairs of name and value.
func (g gauges) put(name, help string, value float64, labels ...string) {
	var names, values []string
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, strings.ToValidUTF8(labels[i+1], "?"))
	}
	desc := prometheus.NewDesc("mainstay_"+name, help, names, nil)
	m, err := prometheus.NewConstMetric(desc, prometheus.GaugeValue, value, values...)
	if err != nil {
		m = prometheus.NewInvalidMetric(desc, err) // a panic here would end the agent
	}
	g.out <- m
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
