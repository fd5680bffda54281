package reconcile

import (
	"strings"
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// A side that died cannot say so: the other one says since when nothing of it answers,
// and publishes that soon. Silence before the serving side ever was up is no news.
func TestTheSilenceOfTheServingSideIsReported(t *testing.T) {
	h := newHand(t)
	h.git.commit("c2", strings.Replace(paris(spec.Standby), "    services:", "    witness: { tcp: \"{{ .peer.address }}:5060\" }\n    services:", 1))
	h.held(plan.HeldBy(spec.Standby))
	h.git.silent = true
	h.rack.witness = plan.ProbeView{Known: true, Silent: true, SilentSince: h.clock.boot - 20*time.Second}
	h.pass()
	if c := silences(h.Report()); len(c) != 0 {
		t.Errorf("of a side that never said that it is up it says %+v", c)
	}
	h.git.report("r9", plan.Report{Deployment: "paris", Node: "xivo-standby", Role: "xivo", Side: spec.Standby,
		Instance: "xivo-standby/1", Status: plan.Active, Running: true, Seq: 9, Holder: plan.HeldBy(spec.Standby)})
	h.pass()
	c := silences(h.Report())
	if len(c) != 1 || !c[0].Since.Equal(h.clock.wall.Add(-20*time.Second)) || !strings.Contains(c[0].Message, "xivo-standby has not answered since") {
		t.Fatalf("it says %+v; %s", c, h.Report().Reason)
	}
	if every := h.Report().Every(5 * time.Minute); every > plan.BusyBeat {
		t.Errorf("a report of it is published every %s", every)
	}
	h.rack.witness = plan.ProbeView{Known: true, Answers: true}
	if h.pass(); len(silences(h.Report())) != 0 {
		t.Error("the side answers again, and is still called silent")
	}
}

func silences(r plan.Report) (out []plan.Condition) {
	for _, c := range r.Conditions {
		if c.Type == plan.CondWitnessSilent {
			out = append(out, c)
		}
	}
	return out
}
