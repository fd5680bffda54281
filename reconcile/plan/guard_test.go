package plan

import (
	"testing"
	"time"

	"mainstay/spec"
)

// leasedInput is a main that serves under a lease of 20 s, read 5 s ago.
func leasedInput() (*Input, Memory) {
	doc := &Doc{Commit: "c1", Node: "xivo-main", Role: "xivo", Exclusive: true, Side: spec.Main, Active: spec.Main,
		Coordinated: true, StopTime: 10 * time.Second, StopBound: 40 * time.Second, Services: []Service{{Name: "asterisk"}}}
	doc.Handover.Lease = spec.Duration(20 * time.Second)
	tip := Tip{ID: "t7", Claim: Claim{Seq: 7, Holder: HeldBy(spec.Main), Instance: "me", Start: 3,
		Lease: spec.Duration(20 * time.Second), StopBound: spec.Duration(40 * time.Second)}}
	return &Input{Now: 100 * time.Second, Boot: "b", Instance: "me", Doc: doc,
		Claim:    ClaimView{Tip: tip, Read: true, Reachable: true, Began: 95 * time.Second},
		Services: []Observed{{Run: Running, Ready: true}}}, Memory{Boot: "b", Stage: StageServing, Start: 3}
}

// R7: the guard knows until when the newest read is good, and is released by
// what was seen down, or by a claim without a lease, and by nothing else.
func TestTheGuardIsToldOfTheLease(t *testing.T) {
	armed := Watch{Boot: "b", Claim: "t7", Began: 95 * time.Second, Until: 115 * time.Second, StopTime: 10 * time.Second}
	at := func(now Time) Watch { w := armed; w.Passed = now; return w }
	for name, c := range map[string]struct {
		change func(*Input, *Memory)
		before Watch
		want   Watch
	}{
		"serves under a lease":           {want: armed},
		"nothing runs yet under it":      {change: func(in *Input, _ *Memory) { in.Services[0].Run = Stopped }, want: armed},
		"the claim has the stricter one": {change: func(in *Input, _ *Memory) { in.Doc.Handover.Lease = spec.Duration(time.Hour) }, want: armed},
		"no lease": {change: func(in *Input, _ *Memory) { in.Doc.Handover.Lease, in.Claim.Tip.Lease = 0, 0 },
			before: armed},
		"over, and being stopped": {change: func(in *Input, m *Memory) { in.Now, m.Stage = 116*time.Second, StageStopping },
			before: armed, want: at(116 * time.Second)},
		"over, and nobody stops it": {change: func(in *Input, _ *Memory) { in.Now = 116 * time.Second }, before: armed, want: armed},
		"over, and down": {change: func(in *Input, _ *Memory) { in.Now, in.Services[0].Run = 116*time.Second, Stopped },
			before: armed},
		"over, and not known to be down": {change: func(in *Input, m *Memory) {
			in.Now, in.Services[0].Run, m.Stage = 116*time.Second, RunUnsure, StageStopping
		},
			before: armed, want: at(116 * time.Second)},
		"seized, and being stopped": {change: func(in *Input, m *Memory) {
			in.Claim.Tip, m.Stage = Tip{ID: "t8", Claim: Claim{Holder: HeldBy(spec.Standby)}}, StageStopping
		},
			before: armed, want: at(100 * time.Second)},
		"seized, and down": {change: func(in *Input, _ *Memory) {
			in.Claim.Tip, in.Services[0].Run = Tip{ID: "t8", Claim: Claim{Holder: HeldBy(spec.Standby)}}, Stopped
		}, before: armed},
		"no document is known":   {change: func(in *Input, _ *Memory) { in.Doc = nil }, before: armed, want: armed},
		"nothing is managed":     {change: func(in *Input, _ *Memory) { in.Unmanaged = true }, before: armed, want: armed},
		"it was of another boot": {change: func(in *Input, _ *Memory) { in.Doc = nil }, before: Watch{Boot: "a", Until: 1}},
		"a new run, a read kept under this boot": {change: func(in *Input, _ *Memory) { in.Claim.Read = false },
			before: armed, want: armed},
		"a new run, no read kept": {change: func(in *Input, _ *Memory) { in.Claim.Read, in.Claim.Began = false, 0 },
			want: Watch{Boot: "b", Claim: "t7", StopTime: 10 * time.Second}},
		"by a person's word, without the claim": {change: func(in *Input, m *Memory) { m.Local, in.Takeover = R9, &TakeoverAsk{Attest: "off"} },
			before: armed},
	} {
		in, mem := leasedInput()
		if c.change != nil {
			c.change(in, &mem)
		}
		if got := WatchOf(in, mem, c.before); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

// R7: a lease is good for as long as the newest read of this boot, also when an
// earlier run of the agent made it.
func TestALeaseOutlivesTheAgentThatReadIt(t *testing.T) {
	for name, c := range map[string]struct {
		began, now Time
		want       Status
	}{
		"within it":       {95 * time.Second, 100 * time.Second, Active},
		"it has ended":    {75 * time.Second, 100 * time.Second, Deactivating},
		"nothing is kept": {0, 10 * time.Second, Deactivating},
	} {
		in, mem := leasedInput()
		in.Memory, in.Restarted = mem, true
		in.Claim.Read, in.Claim.Reachable, in.Claim.Began, in.Now = false, false, c.began, c.now
		if got := Decide(in); got.Status != c.want {
			t.Errorf("%s: got %s: %s", name, got.Status, got.Reason)
		}
	}
}

// R7: an agent that ends in order lets go of its lease by a change of its own
// claim, and changes nothing else.
func TestALeaseIsGivenUpByRenewingTheClaimWithoutIt(t *testing.T) {
	in, mem := leasedInput()
	in.Memory = mem
	p := WithoutLease(in)
	if p == nil || p.Parent != "t7" || p.Claim.Seq != 8 || p.Claim.Lease != 0 || p.Claim.Holder != HeldBy(spec.Main) ||
		p.Claim.Start != 3 || p.Claim.StopBound != in.Claim.Tip.StopBound {
		t.Fatalf("got %+v", p)
	}
	for name, change := range map[string]func(){
		"not its own":  func() { in.Claim.Tip.Instance = "other" },
		"not read":     func() { in.Claim.Read = false },
		"it went back": func() { in.Claim.Regressed = true },
		"no lease":     func() { in.Claim.Tip.Lease = 0 },
	} {
		in, _ = leasedInput()
		if change(); WithoutLease(in) != nil {
			t.Errorf("%s: it is changed all the same", name)
		}
	}
}
