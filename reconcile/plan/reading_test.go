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
		Claim:    ClaimView{Tip: Tip{ID: "t2", Claim: Claim{Seq: 2, Holder: HeldByNone, Action: Release}}, Read: true, Reachable: true},
	}
	if d := Decide(&in); d.Status != Held || d.Push != nil || len(d.Steps) > 0 {
		t.Errorf("decided %+v", d)
	}
}
