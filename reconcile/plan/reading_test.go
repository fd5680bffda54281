package plan

import (
	"testing"
	"time"

	"mainstay/spec"
)

// R8: while the newest commit is being read, a free claim is not taken under the
// older one, which may declare the side that was just left.
func TestNothingStartsWhileTheNewestCommitIsRead(t *testing.T) {
	in := Input{
		Now: time.Hour, Boot: "boot1", Instance: "m1", Reading: true,
		Doc: &Doc{Commit: "c1", Active: spec.Main, Node: "xivo-main", Role: "xivo", Exclusive: true, Side: spec.Main,
			Peer: "xivo-standby", Coordinated: true, Services: []Service{{Name: "asterisk"}}},
		Services: []Observed{{Run: Stopped}},
		Claim: ClaimView{Tip: Tip{ID: "t2", Claim: Claim{Seq: 2, Holder: HeldByNone, Action: Release,
			Down: Down{Standby: Proof{By: ByRelease, Seq: 2}}}}, Read: true, Reachable: true},
	}
	if d := Decide(&in); d.Status != Held || d.Push != nil || len(d.Steps) > 0 {
		t.Errorf("decided %+v", d)
	}
	in.Reading = false
	if d := Decide(&in); d.Push == nil {
		t.Errorf("read, and the claim is not taken: %+v", d)
	}
}

// R8: without a claim nothing is presumed under a commit that may not be the newest.
func TestNothingIsPresumedWhileTheNewestCommitIsRead(t *testing.T) {
	in := Input{
		Now: time.Hour, Boot: "boot1", Instance: "m1", Reading: true,
		Doc: &Doc{Commit: "c1", Active: spec.Main, Node: "xivo-main", Role: "xivo", Exclusive: true, Side: spec.Main,
			Peer: "xivo-standby", Handover: spec.Handover{Unconfirmed: spec.UnconfirmedStart, Wait: spec.Duration(time.Second)},
			Services: []Service{{Name: "asterisk"}}},
		Services: []Observed{{Run: Stopped}},
		Memory:   Memory{Waiting: true, WaitSince: time.Minute},
	}
	if d := Decide(&in); d.Status != Held || len(d.Steps) > 0 || d.Memory.Local != "" {
		t.Errorf("decided %+v", d)
	}
	in.Reading = false
	if d := Decide(&in); len(d.Steps) == 0 && d.Memory.Local == "" {
		t.Errorf("read, and nothing starts: %+v", d)
	}
}
