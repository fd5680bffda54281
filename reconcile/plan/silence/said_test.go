package silence

import (
	"strings"
	"testing"
	"time"

	"mainstay/reconcile/plan"
)

// A witness that cannot be asked is said to be so once that lasts: right after a switch
// the newest try may be from before the other side served.
func TestATargetThatCannotBeAskedIsToldOfOnceItLasts(t *testing.T) {
	var s Said
	target := Target{Who: "xivo-standby", Silent: plan.CondWitnessSilent, Unusable: plan.CondWitnessUnusable}
	says := func(at plan.Time, v plan.ProbeView) string {
		r := plan.Report{At: time.Unix(1000, 0)}
		s.Say(&r, at, target, v)
		var said []string
		for _, c := range r.Conditions {
			said = append(said, c.Type)
		}
		return strings.Join(said, " ")
	}
	unasked, answers := plan.ProbeView{Known: true, Unasked: "no route"}, plan.ProbeView{Known: true, Answers: true}
	for _, c := range []struct {
		at   plan.Time
		view plan.ProbeView
		want string
	}{
		{10 * time.Second, unasked, ""},
		{12 * time.Second, unasked, ""},
		{13 * time.Second, answers, ""},
		{14 * time.Second, unasked, ""},
		{16 * time.Second, unasked, ""},
		{17 * time.Second, unasked, plan.CondWitnessUnusable},
		{90 * time.Second, unasked, plan.CondWitnessUnusable},
		{91 * time.Second, answers, ""},
		{92 * time.Second, unasked, ""},
	} {
		if got := says(c.at, c.view); got != c.want {
			t.Errorf("at %s: said %q, want %q", c.at, got, c.want)
		}
	}
}
