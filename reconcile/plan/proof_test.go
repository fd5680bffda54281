package plan

import "testing"

// R12: a side that takes the claim may serve from there on, so the proof of its own
// rest ends; what is known of the other side stays.
func TestATakerIsNotProvenDown(t *testing.T) {
	both := Down{Main: Proof{By: ByRelease, Seq: 2}, Standby: Proof{By: ByRelease, Seq: 4}}
	tip := Tip{ID: "t4", Claim: Claim{Seq: 4, Holder: HeldByNone, Action: Release, Down: both}}
	next := Next(tip, Claim{Action: Take, Holder: "main", Guarantee: Released})
	if want := (Down{Standby: both.Standby}); next.Down != want {
		t.Errorf("proven down: %+v", next.Down)
	}
}

// R12: a presumption, a person's word and a fencing are no observation of the other
// side, so they leave no proof of it, nor keep one.
func TestNobodySawWhomOneOnlyPresumesDown(t *testing.T) {
	tip := Tip{ID: "t4", Claim: Claim{Seq: 4, Holder: "standby", Down: Down{Standby: Proof{By: ByRelease, Seq: 2}}}}
	for _, g := range []Guarantee{Presumed, Attested, Fenced} {
		if next := Next(tip, Claim{Action: Seize, Holder: "main", Guarantee: g}); next.Down != (Down{}) {
			t.Errorf("%s leaves %+v", g, next.Down)
		}
	}
}
