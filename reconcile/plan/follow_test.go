package plan

import (
	"testing"

	"mainstay/spec"
)

// R10: of a claim that went back a follower says that, and not where the role is now: it is
// not known.
func TestAFollowerDoesNotSayWhereARoleIsWhoseClaimWentBack(t *testing.T) {
	for _, c := range []struct {
		holder    Holder
		regressed bool
		state     gateState
		why       string
	}{
		{HeldBy(spec.Standby), false, gateLeft, "xivo is not on main"},
		{HeldBy(spec.Standby), true, gateLeft, "the claim of xivo went back, and was not on main before"},
		{HeldBy(spec.Main), true, gateShut, "the claim of xivo went back"},
	} {
		in := &Input{Followed: &FollowView{Claim: ClaimView{Read: true, Regressed: c.regressed, Tip: Tip{ID: "k5", Claim: Claim{Seq: 5, Holder: c.holder}}}}}
		p := &pass{in: in, doc: &Doc{Side: spec.Main, Follows: "xivo"}}
		if state, why := p.gate(); state != c.state || why != c.why {
			t.Errorf("held by %s, went back %t: got %v %q", c.holder, c.regressed, state, why)
		}
	}
}
