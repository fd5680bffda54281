package plan

import (
	"testing"
	"time"

	"mainstay/spec"
)

// wordOf is a node of the standby that a person activated while git was away,
// with everything down.
func wordOf(memory Memory) Input {
	return Input{
		Now: time.Hour, Boot: "boot1", Instance: "s1", Takeover: &TakeoverAsk{Attest: "main is off"},
		Doc: &Doc{Commit: "c1", Active: spec.Main, Node: "xivo-standby", Role: "xivo", Exclusive: true, Side: spec.Standby,
			Peer: "xivo-main", Coordinated: true, Services: []Service{{Name: "asterisk"}}},
		Claim:    ClaimView{Tip: Tip{ID: "t1", Claim: Claim{Seq: 1, Holder: "main", Instance: "m1", Start: 3}}},
		Services: []Observed{{Run: Stopped}}, Memory: memory,
	}
}

func starts(d Decision) bool { return len(d.Steps) > 0 && d.Steps[0].Do == DoStart }

// R9, R6: a person said what was true before this machine was rebooted. Cut from
// git, nobody knows whether it still is: the other side may have been declared
// again and this one fenced.
func TestWordOfBeforeARebootStartsNothingWithoutGit(t *testing.T) {
	in := wordOf(Memory{Boot: "boot1"})
	d := Decide(&in)
	if !starts(d) {
		t.Fatalf("a person's word starts without git: %s %s", d.Status, d.Reason)
	}
	in = wordOf(d.Memory)
	in.Restarted = true
	if d := Decide(&in); !starts(d) {
		t.Errorf("it does so after a restart of the agent too: %s %s", d.Status, d.Reason)
	}
	in.Boot = "boot2"
	for range 3 {
		d = Decide(&in)
		if starts(d) || d.Status != Held || d.Done {
			t.Fatalf("after a reboot: %s %s %+v", d.Status, d.Reason, d.Steps)
		}
		in.Memory, in.Restarted = d.Memory, false
	}
	in.Claim.Read, in.Claim.Reachable = true, true
	if d = Decide(&in); d.Push == nil || d.Push.Claim.Guarantee != Attested {
		t.Errorf("once git answers it is published: %s %s %+v", d.Status, d.Reason, d.Push)
	}
}

// R9: a person's word is good for one takeover. Once it is in the claim, losing the
// claim ends it, also when the claim is free again by the time this node looks.
func TestAWordIsGoodForOneTakeover(t *testing.T) { // README: attested
	in := wordOf(Memory{Boot: "boot1", Stated: true, StatedOn: "t1", Stage: StageServing, Start: 4})
	in.Services[0] = Observed{Run: Running, Ready: true}
	in.Claim = ClaimView{Read: true, Reachable: true, Tip: Tip{ID: "t2", Claim: Claim{Seq: 2, Holder: "standby", Instance: "s1",
		Action: Seize, Guarantee: Attested, Start: 4}}}
	d := Decide(&in)
	in = wordOf(d.Memory)
	in.Claim = ClaimView{Read: true, Reachable: true, Tip: Tip{ID: "t4", Claim: Claim{Seq: 4, Holder: HeldByNone, Instance: "m1",
		Action: Release, Down: Down{Main: Proof{By: ByRelease, Seq: 4}}}}}
	if d = Decide(&in); d.Push != nil || !d.Done {
		t.Errorf("the word was carried out, and still counts: %s %s", d.Status, d.Reason)
	}
}

// R9: what a person stated counts for the claim that it was stated on, whatever of it
// this node remembers: a full disk may keep the statement and lose what became of it.
func TestAWordCountsForTheClaimItWasStatedOn(t *testing.T) {
	in := wordOf(Memory{Boot: "boot2"})
	on := "t1"
	in.Boot, in.Takeover.On = "boot2", &on
	in.Claim = ClaimView{Read: true, Reachable: true, Tip: Tip{ID: "t4", Claim: Claim{Seq: 4, Holder: "main", Instance: "m1", Start: 4}}}
	if d := Decide(&in); d.Push != nil || !d.Done {
		t.Errorf("it was stated on t1, and t4 is taken: %s %s %+v", d.Status, d.Reason, d.Push)
	}
	if on = ""; Decide(&in).Push != nil {
		t.Error("it was stated when there was no claim, and t4 is taken")
	}
	on = "t4"
	if d := Decide(&in); d.Push == nil {
		t.Errorf("it was stated on t4: %s %s", d.Status, d.Reason)
	}
}
