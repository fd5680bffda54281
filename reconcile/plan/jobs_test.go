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
		want   OwnClaim
	}{
		{"read as its own", ClaimView{Tip: own, Read: true, Reachable: true, Began: 90}, Memory{}, OwnClaimHeld},
		{"not read at the newest look", ClaimView{Tip: own, Read: true, Began: Time(2 * time.Minute)}, Memory{}, OwnClaimUnread},
		{"not read for longer than the other side waits", ClaimView{Tip: own, Read: true, Began: Time(85 * time.Second)}, Memory{}, OwnClaimLost},
		{"not read since this node stood still", ClaimView{Tip: own, Read: true, Reachable: true, Began: Time(2 * time.Minute)}, Memory{}, OwnClaimUnread},
		{"read by an earlier run only", ClaimView{Tip: own, Began: Time(2 * time.Minute)}, Memory{}, OwnClaimLost},
		{"went back", ClaimView{Tip: own, Read: true, Reachable: true, Regressed: true, Began: Time(2 * time.Minute)}, Memory{}, OwnClaimUnread},
		{"read as another's", ClaimView{Tip: other, Read: true, Reachable: true, Began: 90}, Memory{}, OwnClaimLost},
		{"read as free", ClaimView{Read: true, Reachable: true, Began: 90}, Memory{}, OwnClaimLost},
		{"serving without it", ClaimView{Tip: own, Read: true, Reachable: true, Began: 90}, Memory{Local: R9}, OwnClaimLost},
	} {
		in := Input{Now: Time(150 * time.Second), Instance: "main-1", Claim: c.claim, Memory: c.memory, Late: strings.Contains(c.name, "stood still"),
			Doc: &Doc{Exclusive: true, Coordinated: true, Handover: spec.Handover{Wait: minute}}}
		if got := OwnClaimOf(&in); got != c.want {
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
		{Standing{Active, OwnClaimHeld}, spec.WhenActive, true, true},
		{Standing{Active, OwnClaimUnread}, spec.WhenActive, false, true},
		{Standing{Active, OwnClaimLost}, spec.WhenActive, false, false},
		{Standing{Deactivating, OwnClaimHeld}, spec.WhenActive, false, false},
		{Standing{Inactive, OwnClaimLost}, spec.WhenInactive, true, true},
		{Standing{Active, OwnClaimHeld}, spec.WhenInactive, false, false},
		{Standing{Paused, OwnClaimHeld}, "", false, false},
		{Standing{Unknown, OwnClaimLost}, "", true, true},
	} {
		begins, stays := ForbidJob(c.s, c.when, false) == "", ForbidJob(c.s, c.when, true) == ""
		if begins != c.begins || stays != c.stays {
			t.Errorf("%+v, %q: begins %t, stays %t", c.s, c.when, begins, stays)
		}
	}
}
