package plan

import (
	"testing"
	"time"

	"mainstay/spec"
)

// waiting is a standby that is declared, in the place that main's claim was carried to.
func waiting(peer ReportView) *Input {
	return &Input{
		Now: time.Hour, Boot: "boot", Instance: "s1", Run: "run", Peer: peer,
		Doc: &Doc{Commit: "c2", Active: spec.Standby, Node: "xivo-standby", Role: "xivo", Exclusive: true, Side: spec.Standby,
			Peer: "xivo-main", Coordinated: true, Services: []Service{{Name: "asterisk"}},
			Handover: spec.Handover{Wait: spec.Duration(30 * time.Second), Unconfirmed: spec.UnconfirmedStart}},
		Services: []Observed{{Run: Stopped}},
		Claim: ClaimView{Tip: Tip{ID: "t9", Claim: Claim{Seq: 9, Holder: "main", Node: "xivo-main", Instance: "m1", Action: Enter, Lease: spec.Duration(time.Minute)}},
			Read: true, Reachable: true},
		Memory: Memory{Boot: "boot", Waiting: true, WaitSince: time.Hour - time.Minute},
	}
}

// R13: only a report under the claim as it came here says that its holder has come: one of
// an earlier stay does not, nor one of another machine. A fencing and a person's word are
// not waited with: they are about a side that is off.
func TestAHolderHasComeToTheNewPlaceOnceItReportsThere(t *testing.T) {
	report := func(instance string, seq uint64) ReportView {
		return ReportView{Known: true, Report: Report{Node: "xivo-main", Instance: instance, Seq: seq, Status: Active, Running: true}}
	}
	for name, c := range map[string]struct {
		peer ReportView
		come bool
	}{
		"nobody":            {ReportView{}, false},
		"in an earlier one": {report("m1", 8), false},
		"another machine":   {report("m2", 9), false},
		"the holder":        {report("m1", 9), true},
	} {
		d := Decide(waiting(c.peer))
		if seizes := d.Push != nil && d.Push.Claim.Guarantee == Lease; seizes != c.come || !c.come && (d.Status != Held || d.Rule != R13) {
			t.Errorf("%s: %s %s %s, pushes %+v", name, d.Status, d.Rule, d.Reason, d.Push)
		}
	}
	in := waiting(ReportView{})
	in.Takeover = &TakeoverAsk{Attest: "main is off"}
	if d := Decide(in); d.Push == nil || d.Push.Claim.Guarantee != Attested {
		t.Errorf("by a person's word: %s %s, pushes %+v", d.Status, d.Reason, d.Push)
	}
}

// R13: a claim that was carried away frees nobody: it is neither taken, nor renewed, nor
// released, and what serves is kept.
func TestAClaimThatWasCarriedAwayIsLeftAlone(t *testing.T) {
	for name, c := range map[string]struct {
		holder Holder
		run    Run
		want   Status
	}{
		"free":                        {HeldByNone, Stopped, Held},
		"of the other side":           {"main", Stopped, Held},
		"of this side, that serves":   {"standby", Running, Active},
		"of this side, that is down":  {"standby", Stopped, Held},
		"of the other side, and runs": {"main", Running, Deactivating}, // R1
	} {
		in := waiting(ReportView{})
		in.Claim.Tip.Claim = Claim{Seq: 9, Holder: c.holder, Node: "xivo-standby", Instance: "s1", Run: "run", Action: Move, To: "etcd-12"}
		in.Services[0] = Observed{Run: c.run, Ready: c.run == Running}
		if c.run == Running {
			in.Memory.Stage = StageServing
		}
		d := Decide(in)
		if d.Push != nil || d.Status != c.want || d.Ready {
			t.Errorf("%s: %s %s %s, ready %v, pushes %+v", name, d.Status, d.Rule, d.Reason, d.Ready, d.Push)
		}
		for _, s := range d.Steps {
			if s.Do == DoStart || c.want == Active {
				t.Errorf("%s: %s", name, s.Do)
			}
		}
	}
}
