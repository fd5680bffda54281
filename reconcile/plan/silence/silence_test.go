package silence

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"mainstay/reconcile/plan"
)

// R4: a target is silent after enough tries in a row that were put and not
// answered, since the first of them.
func TestSilenceIsCountedFromTheFirstTryThatWasNotAnswered(t *testing.T) {
	const fail = 3
	silence := func(at plan.Time) Try { return Try{At: at, Heard: HeardNothing} }
	for _, c := range []struct {
		name    string
		probing Probing
		tries   []Try
		want    plan.ProbeView
	}{
		{"never asked", Probing{}, nil, plan.ProbeView{}},
		{"two of three tries", Probing{}, []Try{silence(1), silence(2)}, plan.ProbeView{Known: true, SilentSince: 1}},
		{"three tries", Probing{}, []Try{silence(1), silence(2), silence(3)}, plan.ProbeView{Known: true, Silent: true, SilentSince: 1}},
		{"an answer in between", Probing{}, []Try{silence(1), silence(2), {At: 3, Heard: HeardAnswer}, silence(4)},
			plan.ProbeView{Known: true, SilentSince: 4}},
		{"a try that could not ask in between", Probing{}, []Try{silence(1), silence(2), {At: 3, Why: "no route"}, silence(4)},
			plan.ProbeView{Known: true, SilentSince: 4}},
		{"could not ask", Probing{}, []Try{silence(1), {At: 2, Why: "no route"}}, plan.ProbeView{Known: true, Unasked: "no route"}},
		{"another answer to a witness", Probing{Witness: true}, []Try{{At: 1, Heard: HeardOther}}, plan.ProbeView{Known: true, Answers: true}},
		{"another answer to a detect probe", Probing{}, []Try{{At: 1, Heard: HeardOther}}, plan.ProbeView{Known: true}},
		{"a refusal of a port that answered", Probing{Witness: true, Answered: true},
			[]Try{{At: 1, Heard: HeardRefusal}, silence(2), silence(3)}, plan.ProbeView{Known: true, Silent: true, SilentSince: 1}},
		{"a refusal of a port that never answered", Probing{Witness: true}, []Try{{At: 1, Heard: HeardRefusal, Why: "refused"}},
			plan.ProbeView{Known: true, Unasked: "it was never answered, and the service may listen elsewhere: refused"}},
		{"a refusal to a detect probe", Probing{}, []Try{{At: 1, Heard: HeardRefusal}}, plan.ProbeView{Known: true, SilentSince: 1}},
	} {
		p := c.probing
		for _, try := range c.tries {
			p = p.After(try, fail)
		}
		if d := cmp.Diff(c.want, p.View); d != "" {
			t.Errorf("%s: -want +got\n%s", c.name, d)
		}
	}
}

// R4: what a target said while it was asked at another pace is void.
func TestAChangeOfPaceVoidsTheSilence(t *testing.T) {
	long := Probing{Witness: true, Answered: true}
	for at := range plan.Time(3) {
		long = long.After(Try{At: at + 1, Heard: HeardNothing}, 3)
	}
	if p, changed := long.AtPace(true, true); changed || !p.View.Silent {
		t.Errorf("the same pace: changed %t, %+v", changed, p)
	}
	p, changed := long.AtPace(true, false)
	if !changed || p.View != (plan.ProbeView{}) || !p.Answered {
		t.Errorf("asked often from now on: changed %t, %+v", changed, p)
	}
	if p = p.After(Try{At: 9, Heard: HeardNothing}, 3); p.View.Silent || p.View.SilentSince != 9 {
		t.Errorf("the first try after that: %+v", p)
	}
}
