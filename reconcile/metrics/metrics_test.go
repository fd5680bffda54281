package metrics

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"mainstay/reconcile/plan"
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
