package permit

import (
	"strings"
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// R5: what a node knows of its claim is what it read, and how long ago.
func TestJobsAreTiedToWhatWasReadOfTheClaim(t *testing.T) {
	minute := spec.Duration(time.Minute)
	own := plan.Tip{ID: "t2", Claim: plan.Claim{Holder: plan.HeldBy(spec.Main), Instance: "main-1"}}
	other := plan.Tip{ID: "t3", Claim: plan.Claim{Holder: plan.HeldBy(spec.Standby), Instance: "standby-1"}}
	for _, c := range []struct {
		name   string
		claim  plan.ClaimView
		memory plan.Memory
		want   OwnClaim
	}{
		{"read as its own", plan.ClaimView{Tip: own, Read: true, Reachable: true, Began: 90}, plan.Memory{}, OwnClaimHeld},
		{"not read at the newest look", plan.ClaimView{Tip: own, Read: true, Began: plan.Time(2 * time.Minute)}, plan.Memory{}, OwnClaimUnread},
		{"not read for longer than the other side waits", plan.ClaimView{Tip: own, Read: true, Began: plan.Time(85 * time.Second)}, plan.Memory{}, OwnClaimLost},
		{"not read since this node stood still", plan.ClaimView{Tip: own, Read: true, Reachable: true, Began: plan.Time(2 * time.Minute)}, plan.Memory{}, OwnClaimUnread},
		{"read by an earlier run only", plan.ClaimView{Tip: own, Began: plan.Time(2 * time.Minute)}, plan.Memory{}, OwnClaimLost},
		{"went back", plan.ClaimView{Tip: own, Read: true, Reachable: true, Regressed: true, Began: plan.Time(2 * time.Minute)}, plan.Memory{}, OwnClaimUnread},
		{"read as another's", plan.ClaimView{Tip: other, Read: true, Reachable: true, Began: 90}, plan.Memory{}, OwnClaimLost},
		{"read as free", plan.ClaimView{Read: true, Reachable: true, Began: 90}, plan.Memory{}, OwnClaimLost},
		{"serving without it", plan.ClaimView{Tip: own, Read: true, Reachable: true, Began: 90}, plan.Memory{Local: plan.R9}, OwnClaimLost},
	} {
		in := plan.Input{Now: plan.Time(150 * time.Second), Instance: "main-1", Claim: c.claim, Memory: c.memory, Late: strings.Contains(c.name, "stood still"),
			Doc: &plan.Doc{Exclusive: true, Coordinated: true, Handover: spec.Handover{Wait: minute}}}
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
		{Standing{plan.Active, OwnClaimHeld}, spec.WhenActive, true, true},
		{Standing{plan.Active, OwnClaimUnread}, spec.WhenActive, false, true},
		{Standing{plan.Active, OwnClaimLost}, spec.WhenActive, false, false},
		{Standing{plan.Deactivating, OwnClaimHeld}, spec.WhenActive, false, false},
		{Standing{plan.Inactive, OwnClaimLost}, spec.WhenInactive, true, true},
		{Standing{plan.Active, OwnClaimHeld}, spec.WhenInactive, false, false},
		{Standing{plan.Paused, OwnClaimHeld}, "", false, false},
		{Standing{plan.Unknown, OwnClaimLost}, "", true, true},
	} {
		begins, stays := Job(c.s, c.when, false) == "", Job(c.s, c.when, true) == ""
		if begins != c.begins || stays != c.stays {
			t.Errorf("%+v, %q: begins %t, stays %t", c.s, c.when, begins, stays)
		}
	}
}
