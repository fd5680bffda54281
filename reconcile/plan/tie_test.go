package plan

import (
	"strings"
	"testing"
	"time"

	"mainstay/spec"
)

// R5: what a node knows of its claim is what it read, and how long ago.
func TestJobsAreTiedToWhatWasReadOfTheClaim(t *testing.T) {
	minute := spec.Duration(time.Minute)
	own := Tip{ID: "t2", Claim: Claim{Holder: HeldBy(spec.Main), Instance: "main-1"}}
	other := Tip{ID: "t3", Claim: Claim{Holder: HeldBy(spec.Standby), Instance: "standby-1"}}
	for _, c := range []struct {
		name   string
		claim  ClaimView
		memory Memory
		want   Tie
	}{
		{"read as its own", ClaimView{Tip: own, Read: true, Reachable: true, Began: 90}, Memory{}, TieHeld},
		{"not read at the newest look", ClaimView{Tip: own, Read: true, Began: Time(2 * time.Minute)}, Memory{}, TieUnread},
		{"not read for longer than the other side waits", ClaimView{Tip: own, Read: true, Began: 1}, Memory{}, TieLost},
		{"not read since this node stood still", ClaimView{Tip: own, Read: true, Reachable: true, Began: Time(2 * time.Minute)}, Memory{}, TieUnread},
		{"read by an earlier run only", ClaimView{Tip: own, Began: Time(2 * time.Minute)}, Memory{}, TieLost},
		{"went back", ClaimView{Tip: own, Read: true, Reachable: true, Regressed: true, Began: Time(2 * time.Minute)}, Memory{}, TieUnread},
		{"read as another's", ClaimView{Tip: other, Read: true, Reachable: true, Began: 90}, Memory{}, TieLost},
		{"read as free", ClaimView{Read: true, Reachable: true, Began: 90}, Memory{}, TieLost},
		{"serving without it", ClaimView{Tip: own, Read: true, Reachable: true, Began: 90}, Memory{Local: R9}, TieLost},
	} {
		in := Input{Now: Time(150 * time.Second), Instance: "main-1", Claim: c.claim, Memory: c.memory, Late: strings.Contains(c.name, "stood still"),
			Doc: &Doc{Exclusive: true, Coordinated: true, Handover: spec.Handover{Wait: minute}}}
		if got := TieOf(&in); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// R5, R11: a job of the active side begins only under a claim that was read, and
// is ended once the tie is lost.
func TestJobsRunOnlyWhileTheirTieHolds(t *testing.T) {
	for _, c := range []struct {
		s             Standing
		when          spec.When
		begins, stays bool
	}{
		{Standing{Active, TieHeld}, spec.WhenActive, true, true},
		{Standing{Active, TieUnread}, spec.WhenActive, false, true},
		{Standing{Active, TieLost}, spec.WhenActive, false, false},
		{Standing{Deactivating, TieHeld}, spec.WhenActive, false, false},
		{Standing{Inactive, TieLost}, spec.WhenInactive, true, true},
		{Standing{Active, TieHeld}, spec.WhenInactive, false, false},
		{Standing{Paused, TieHeld}, "", false, false},
		{Standing{Unknown, TieLost}, "", true, true},
	} {
		begins, stays := ForbidJob(c.s, c.when, false) == "", ForbidJob(c.s, c.when, true) == ""
		if begins != c.begins || stays != c.stays {
			t.Errorf("%+v, %q: begins %t, stays %t", c.s, c.when, begins, stays)
		}
	}
}
