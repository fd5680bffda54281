package metrics

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// said is an agent that says one report.
type said struct{ plan.Report }

func (s said) Status() (plan.Report, bool) { return s.Report, true }
func (said) Passed() time.Duration         { return 0 }

func TestANameThatIsNotTextCannotBreakTheScrape(t *testing.T) {
	m := New(said{plan.Report{Node: "a\xff", Conditions: []plan.Condition{{Type: "\xfe"}},
		Jobs: []plan.JobReport{{Name: "twice"}, {Name: "twice", OK: true}}}}, func() time.Duration { return time.Hour }, nil)
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if text := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(text, `node="a?"`) {
		t.Errorf("answered %d:\n%s", w.Code, text)
	}
}

func TestASwitchIsLaidBesideItsObjective(t *testing.T) {
	at := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	phases := []plan.Phase{{Name: plan.PhaseSeen, At: at}, {Name: plan.PhaseActive, At: at.Add(40 * time.Second)}}
	for _, c := range []struct {
		objective time.Duration
		phases    []plan.Phase
		want, not []string
	}{
		{time.Minute, phases, []string{"mainstay_switch_duration_seconds 40", "mainstay_switch_objective_seconds 60", "mainstay_switch_late 0"}, nil},
		{30 * time.Second, phases, []string{"mainstay_switch_late 1"}, nil},
		{0, phases, []string{"mainstay_switch_duration_seconds 40"}, []string{"switch_late", "switch_objective"}},
		{time.Minute, phases[:1], []string{"mainstay_switch_objective_seconds 60"}, []string{"switch_late", "switch_duration"}},
	} {
		m := New(said{plan.Report{Node: "a", Phases: c.phases}}, func() time.Duration { return time.Hour }, nil)
		m.Looked(&reconcile.Snapshot{Accepted: &reconcile.Accepted{Deployment: &spec.Deployment{Handover: spec.Handover{Objective: spec.Duration(c.objective)}}}}, 0)
		w := httptest.NewRecorder()
		m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		for _, want := range c.want {
			if !strings.Contains(w.Body.String(), want+"\n") {
				t.Errorf("%s: %q is missing", c.objective, want)
			}
		}
		for _, not := range c.not {
			if strings.Contains(w.Body.String(), "mainstay_"+not) {
				t.Errorf("%s: %q is told", c.objective, not)
			}
		}
	}
}

// Prometheus sees an increase only of what was there before.
func TestTheFirstFailureIsAnIncrease(t *testing.T) {
	m := New(said{}, func() time.Duration { return time.Hour }, nil)
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{"looks", "reports"} {
		if want := "mainstay_" + want + `_total{result="failed"} 0` + "\n"; !strings.Contains(w.Body.String(), want) {
			t.Errorf("%q is missing", want)
		}
	}
}

// A standby whose jobs are for the side that serves would otherwise look as if they failed.
func TestAJobThatWasNeverDueHereDidNotFail(t *testing.T) {
	at := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	m := New(said{plan.Report{Node: "a", Jobs: []plan.JobReport{{Name: "elsewhere", Skipped: "the node is Inactive"},
		{Name: "forbidden", Skipped: "not allowed"}, {Name: "before", At: at, Skipped: "the node is Inactive"}, {Name: "good", At: at, OK: true}}}},
		func() time.Duration { return time.Hour }, nil)
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	var got []string
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "mainstay_job_ok{") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	want := []string{`mainstay_job_ok{job="before"} 0`, `mainstay_job_ok{job="forbidden"} 0`, `mainstay_job_ok{job="good"} 1`}
	if !slices.Equal(got, want) {
		t.Errorf("%q is told, not %q", got, want)
	}
}
