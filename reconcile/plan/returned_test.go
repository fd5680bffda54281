package plan

import (
	"slices"
	"testing"
	"time"

	"mainstay/spec"
)

// cameBack is a main that finds its services down under its own claim, in the first
// pass of a run of its agent.
func cameBack() *Input {
	return &Input{
		Now: time.Hour, Boot: "boot2", Instance: "m1", Run: "run2", Restarted: true,
		Doc: &Doc{Commit: "c1", Active: spec.Main, Node: "xivo-main", Role: "xivo", Exclusive: true, Side: spec.Main,
			Peer: "xivo-standby", Coordinated: true, Witness: true, Poll: 5 * time.Second, Services: []Service{{Name: "asterisk"}}},
		Services: []Observed{{Run: Stopped}},
		Claim: ClaimView{Tip: Tip{ID: "t1", Claim: Claim{Seq: 1, Holder: "main", Node: "xivo-main", Instance: "m1", Run: "run1", Action: Take}},
			Read: true, Reachable: true},
		Memory: Memory{Boot: "boot1", Runs: []string{"run1"}},
	}
}

// andThen decides once more, some time later.
func andThen(in *Input, d Decision, later time.Duration) Decision {
	in.Memory, in.Restarted = d.Memory, false
	in.Now += later
	return Decide(in)
}

// R3: a machine that came back listens for two polls, and then renews its claim.
func TestAMachineThatCameBackListensForTwoPolls(t *testing.T) {
	in := cameBack()
	d := Decide(in)
	if d.Status != Held || d.Rule != R3 || d.Push != nil || d.Until != in.Now+10*time.Second {
		t.Errorf("at once: %+v", d)
	}
	if d = andThen(in, d, 9*time.Second); d.Push != nil {
		t.Errorf("before the end: %+v", d.Push)
	}
	if d = andThen(in, d, time.Second); d.Push == nil || d.Push.Claim.Action != Renew || d.Push.Claim.Run != "run2" {
		t.Errorf("after two polls: %+v", d)
	}
}

// R3: nobody is heard while git does not answer, so that time does not count.
func TestAMachineThatCameBackCountsOnlyWhileGitAnswers(t *testing.T) {
	in := cameBack()
	d := andThen(in, Decide(in), 9*time.Second)
	in.Claim.Reachable = false
	d = andThen(in, d, time.Minute)
	in.Claim.Reachable = true
	if d = andThen(in, d, 0); d.Push != nil {
		t.Errorf("counted: %+v", d)
	}
	if d = andThen(in, d, 10*time.Second); d.Push == nil {
		t.Errorf("never starts: %+v", d)
	}
}

// R3, R2: the other side must not step down for a machine that only listens, and a
// machine that only listens releases nothing.
func TestAMachineThatCameBackIsReadyForNothing(t *testing.T) {
	in := cameBack()
	in.Claim.Tip.Holder, in.Claim.Tip.Instance = "standby", "s1"
	in.Doc.Handover.Wait = spec.Duration(30 * time.Second)
	d := Decide(in)
	if d.Ready {
		t.Errorf("ready: %+v", d)
	}
	if d.Rule != R3 || d.Until != in.Now+10*time.Second || d.Wake > d.Until {
		t.Errorf("does not say why, or until when, or is not woken then: %+v", d)
	}
	in.Doc.Poll = 20 * time.Second // what comes first is the end of the wait
	if d := Decide(in); d.Rule != R4 || d.Until != in.Now+30*time.Second {
		t.Errorf("longer than the wait: %+v", d)
	}
	in.Doc.Poll = 5 * time.Second
	if d = andThen(in, d, 10*time.Second); !d.Ready {
		t.Errorf("never ready: %+v", d)
	}
	in = cameBack()
	in.Doc.Active = spec.Standby
	if d = Decide(in); d.Push != nil {
		t.Errorf("releases: %+v", d.Push)
	}
	if d = andThen(in, d, 10*time.Second); d.Push == nil || d.Push.Claim.Action != Release {
		t.Errorf("keeps the claim: %+v", d)
	}
}

// R3: what the other side says after this run began counts, whatever the witness says.
func TestAMachineThatCameBackIsAnsweredByAReportThatNamesItsRun(t *testing.T) {
	for name, c := range map[string]struct {
		peer   ReportView
		answer bool
		starts bool
	}{
		"an old report, nothing answers": {ReportView{Known: true, Report: Report{Running: true, Heard: "run1"}}, false, true},
		"an old report, it answers":      {ReportView{Known: true, Report: Report{Heard: "run1"}}, true, false},
		"it runs":                        {ReportView{Known: true, Report: Report{Running: true, Heard: "run2"}}, false, false},
		"it rests":                       {ReportView{Known: true, Report: Report{Heard: "run2"}}, true, true},
	} {
		in := cameBack()
		in.Peer, in.Witness = c.peer, ProbeView{Known: true, Answers: c.answer}
		if d := andThen(in, Decide(in), 10*time.Second); (d.Push != nil) != c.starts {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// R3: a person who knows ends the wait.
func TestAMachineThatCameBackIsStartedByAPerson(t *testing.T) {
	in := cameBack()
	in.Takeover = &TakeoverAsk{Attest: "standby is off"}
	if d := Decide(in); d.Push == nil {
		t.Errorf("decided %+v", d)
	}
}

// R1: a claim that another run made, which is not on this disk, is a copy's.
func TestAClaimOfACopyStopsThisMachine(t *testing.T) {
	in := cameBack()
	in.Restarted, in.Memory = false, Memory{Boot: "boot2", Stage: StageServing, Runs: []string{"run1", "run2"}}
	in.Services[0] = Observed{Run: Running, Ready: true}
	if d := Decide(in); d.Status == Deactivating {
		t.Fatalf("its own claim stops it: %+v", d)
	}
	in.Claim.Tip.Run = "other"
	if d := Decide(in); d.Status != Deactivating || d.Rule != R1 {
		t.Errorf("goes on: %+v", d)
	}
	if in.KnowsRun("other") {
		t.Error("jobs are tied to a copy's claim")
	}
}

// R5, R1: a disk that was full or damaged knows nothing of the run that made the claim.
// Services that a new run of the agent finds running under a claim of this machine are
// its own, whether the claim is read at once or later; after a reboot nothing is found.
func TestServicesFoundRunningAreNotStoppedForADiskThatForgot(t *testing.T) {
	for name, c := range map[string]struct {
		memory Memory
		late   bool
		kept   bool
	}{
		"a full disk":                {Memory{Boot: "boot2", Stage: StageServing, Runs: []string{"run0"}}, false, true},
		"a full disk, read later":    {Memory{Boot: "boot2", Stage: StageServing, Runs: []string{"run0"}}, true, true},
		"a damaged one":              {Memory{Fresh: true}, false, true},
		"another boot, so of nobody": {Memory{Boot: "boot1", Stage: StageServing, Runs: []string{"run0"}}, false, false},
	} {
		in := cameBack()
		in.Memory = c.memory
		in.Doc.Services = append(in.Doc.Services, Service{Name: "monit"})
		in.Services = []Observed{{Run: Running, Ready: true}, {Run: Stopped}}
		in.Claim.Read, in.Claim.Reachable = !c.late, !c.late
		all := []Decision{Decide(in)}
		in.Claim.Read, in.Claim.Reachable = true, true
		for range 3 {
			all = append(all, andThen(in, all[len(all)-1], time.Second))
		}
		stopped := slices.ContainsFunc(all, func(d Decision) bool { return d.Status == Deactivating })
		if known := slices.Contains(in.Memory.Runs, "run1"); stopped == c.kept || known != c.kept {
			t.Errorf("%s: known %v: %+v", name, known, all)
		}
	}
}

// R1, R3: a machine whose disk was restored knows no run that came after, and is no
// copy of anything.
func TestARestoredDiskKnowsItsClaimAgain(t *testing.T) {
	in := cameBack()
	in.Claim.Tip.Run = "later"
	d := Decide(in)
	if d.Push != nil {
		t.Errorf("at once: %+v", d.Push)
	}
	if d = andThen(in, d, 10*time.Second); d.Push == nil || d.Push.Claim.Action != Renew {
		t.Errorf("after two polls: %+v", d)
	}
}

// R3: an agent that learns of a second one of its name leaves the claim alone.
func TestACopyLeavesTheClaimAlone(t *testing.T) {
	for _, active := range []spec.Side{spec.Main, spec.Standby} {
		in := cameBack()
		in.Doc.Active, in.Copied = active, true
		d := andThen(in, Decide(in), time.Hour)
		if d.Status != Held || d.Push != nil || d.Ready {
			t.Errorf("active %s: %+v", active, d)
		}
	}
}

// R7: an agent that started nothing has no lease to give up.
func TestAnAgentThatOnlyListensKeepsTheLeaseAsItIs(t *testing.T) {
	in := cameBack()
	in.Claim.Tip.Lease = spec.Duration(time.Minute)
	in.Memory = Decide(in).Memory
	if p := WithoutLease(in); p != nil {
		t.Errorf("pushes %+v", p.Claim)
	}
}
