package fleet

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/reconcile/gitcmd"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

func at(seconds int) time.Time { return time.Date(2026, 1, 2, 3, 4, seconds, 0, time.UTC) }

func tip(seq uint64, holder plan.Holder, a plan.Action, seconds int) plan.Tip {
	node := "xivo-" + string(holder)
	if holder == plan.HeldByNone {
		node = "xivo-main"
	}
	return plan.Tip{Claim: plan.Claim{Seq: seq, Holder: holder, Action: a, Node: node, At: at(seconds), Guarantee: plan.Released}}
}

// A renewal is a new start on the same side, and no switch.
func TestSwitchesAreChangesOfSide(t *testing.T) {
	got := Switches("xivo", []plan.Tip{
		tip(5, "main", plan.Seize, 50), tip(4, "standby", plan.Renew, 40), tip(3, "standby", plan.Take, 31),
		tip(2, plan.HeldByNone, plan.Release, 30), tip(1, "main", plan.Take, 0),
	})
	var short []string
	for _, s := range got {
		short = append(short, s.Move()+" "+s.Took().String())
	}
	if diff := cmp.Diff([]string{"standby → main 0s", "main → standby 0s", "first → main 0s"}, short); diff != "" {
		t.Error(diff)
	}
}

// What is before a claim that cannot be read is not known: that is not nobody.
func TestWithoutTheFirstClaimItIsNotKnownWhoServedBefore(t *testing.T) {
	for want, chain := range map[string][]plan.Tip{
		"not known → main": {tip(3, "main", plan.Take, 31)},
		"first → main":     {tip(1, "main", plan.Take, 0), tip(2, "main", plan.Renew, 9)},
	} {
		if got := Switches("xivo", chain); len(got) != 1 || got[0].Move() != want || got[0].First != (chain[0].Seq == 1) {
			t.Errorf("%s: %+v", want, got)
		}
	}
}

func TestASwitchTellsWhyTheSideBeforeLeft(t *testing.T) {
	released := tip(2, plan.HeldByNone, plan.Release, 30)
	released.Reason = "all services were observed down"
	got := Switches("xivo", []plan.Tip{tip(1, "main", plan.Take, 0), released, tip(3, "standby", plan.Take, 31), tip(4, "main", plan.Seize, 50)})
	if got[1].Left != released.Reason || got[1].Leaver != "xivo-main" {
		t.Errorf("it says that %q left because %q", got[1].Leaver, got[1].Left)
	}
	if got[0].Left != "" || got[0].Leaver != "" {
		t.Errorf("of a seizure it says that %q left because %q", got[0].Leaver, got[0].Left)
	}
}

// The claim that ends a start tells how it came up, and how it went down.
func TestOlderSwitchesKeepTheirPhases(t *testing.T) {
	phases := func(names ...string) (out []plan.Phase) {
		for i, n := range names {
			out = append(out, plan.Phase{Name: n, At: at(20 + i)})
		}
		return out
	}
	took := tip(3, "standby", plan.Take, 19)
	released := tip(5, plan.HeldByNone, plan.Release, 30)
	released.Node, released.Before = "xivo-standby", &plan.Served{Seq: 3, Phases: phases("seen", "ready", "started", "active")}
	released.Phases = phases("seen", "stopped")
	foreign := tip(6, "main", plan.Take, 31)
	foreign.Before = &plan.Served{Seq: 1, Phases: phases("active")}
	got := Switches("xivo", []plan.Tip{tip(1, "main", plan.Take, 0), took, tip(4, "standby", plan.Renew, 25), released, foreign})
	var names []string
	for _, s := range got {
		line := string(s.To)
		for _, p := range s.Phases {
			line += " " + p.Node + ":" + p.Name
		}
		names = append(names, line)
	}
	want := []string{
		"main xivo-standby:stopped xivo-standby:released xivo-main:taken",
		"standby xivo-standby:taken xivo-standby:ready xivo-standby:started xivo-standby:active",
		"main xivo-main:taken",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

func TestPhasesAreInTheOrderOfTime(t *testing.T) {
	s := Switches("xivo", []plan.Tip{tip(1, "main", plan.Take, 0), tip(2, plan.HeldByNone, plan.Release, 30), tip(3, "standby", plan.Take, 31)})[0]
	s.Reported(plan.Report{Role: "xivo", Side: spec.Standby, Seq: 3, Node: "xivo-standby",
		Phases: []plan.Phase{{Name: "seen", At: at(28)}, {Name: "active", At: at(35)}}})
	s.Reported(plan.Report{Role: "xivo", Side: spec.Main, Seq: 3, Node: "xivo-main", Phases: []plan.Phase{{Name: "stopped", At: at(29)}}})
	s.Reported(plan.Report{Role: "xivo", Side: spec.Standby, Seq: 9, Phases: []plan.Phase{{Name: "active", At: at(59)}}})
	s.Declare(Declared{At: at(27), Side: spec.Standby})
	var names []string
	for _, p := range s.Phases {
		names = append(names, p.Name)
	}
	if diff := cmp.Diff([]string{"declared", "stopped", "released", "taken", "active"}, names); diff != "" {
		t.Error(diff)
	}
	if s.Took() != 4*time.Second {
		t.Errorf("it took %s", s.Took())
	}
}

// A machine's clock may be wrong by any time: what it measured is no part of a sum
// with what another one measured.
func TestASwitchTookWhatTheNodeThatCameUpMeasured(t *testing.T) {
	for name, wrong := range map[string]time.Duration{"ahead": 2 * time.Minute, "behind": -5 * time.Second, "right": 0} {
		released := tip(2, plan.HeldByNone, plan.Release, 30)
		released.At = released.At.Add(wrong)
		released.Phases = []plan.Phase{{Name: "stopped", At: at(29).Add(wrong)}}
		taken := tip(3, "standby", plan.Take, 31)
		taken.Phases = []plan.Phase{{Name: "seen", At: at(27)}, {Name: "ready", At: at(28)}}
		s := Switches("xivo", []plan.Tip{tip(1, "main", plan.Take, 0), released, taken})[0]
		s.Declare(Declared{At: at(26).Add(wrong), Side: spec.Standby})
		s.Reported(plan.Report{Role: "xivo", Side: spec.Standby, Seq: 3, Node: "xivo-standby", Phases: []plan.Phase{{Name: "active", At: at(35)}}})
		if s.Took() != 8*time.Second {
			t.Errorf("with the other clocks %s it took %s", name, s.Took())
		}
		for _, c := range s.Timelines() {
			if c.Node == "xivo-main" && c.Took() != time.Second {
				t.Errorf("with its clock %s, main took %s from stopped to released", name, c.Took())
			}
		}
	}
}

// A node that a person activated saw the last commit long before, and that is no
// part of the switch.
func TestASwitchThatNoCommitAskedForDoesNotBeginWithOne(t *testing.T) {
	seized := tip(2, "standby", plan.Seize, 50)
	seized.Phases = []plan.Phase{{Name: "seen", At: at(12)}}
	s := Switches("xivo", []plan.Tip{tip(1, "main", plan.Take, 10), seized})[0]
	s.Declare(Declared{At: at(5), Side: spec.Main})
	if s.Took() != 0 {
		t.Errorf("it took %s", s.Took())
	}
}

// R9: a person on the node took over against what was declared, and is named.
func TestATakeoverByAPersonIsNotAskedForByACommitOfTheOtherSide(t *testing.T) {
	seized := tip(2, "standby", plan.Seize, 40)
	seized.Guarantee = plan.Attested
	s := Switches("xivo", []plan.Tip{tip(1, "main", plan.Take, 10), seized})[0]
	s.Declare(Declared{Who: "ops", At: at(20), Side: spec.Main})
	if s.Declared != nil || s.Who() != "a person on xivo-standby" {
		t.Errorf("%q asked for it by %+v", s.Who(), s.Declared)
	}
	s.Declare(Declared{Who: "ops", At: at(20), Side: spec.Standby})
	if s.Declared == nil || s.Who() != "ops" {
		t.Errorf("%q asked for it by %+v", s.Who(), s.Declared)
	}
}

// What happened before the side that leaves came is of another switch.
func TestPhasesOfAnEarlierSwitchAreNotTold(t *testing.T) {
	back := tip(5, "standby", plan.Seize, 50)
	back.Phases = []plan.Phase{{Name: "ready", At: at(15)}}
	s := Switches("xivo", []plan.Tip{
		tip(1, "main", plan.Take, 0), tip(2, plan.HeldByNone, plan.Release, 18), tip(3, "standby", plan.Take, 20), tip(4, "main", plan.Seize, 30), back,
	})[0]
	s.Declare(Declared{At: at(14), Side: spec.Standby})
	s.Reported(plan.Report{Role: "xivo", Side: spec.Standby, Seq: 5, Node: "xivo-standby",
		Phases: []plan.Phase{{Name: "started", At: at(16)}, {Name: "active", At: at(52)}}})
	var names []string
	for _, p := range s.Phases {
		names = append(names, p.Name)
	}
	if diff := cmp.Diff([]string{"taken", "active"}, names); diff != "" {
		t.Error(diff)
	}
	if s.Declared == nil || s.Took() != 2*time.Second {
		t.Errorf("it took %s, asked for by %+v", s.Took(), s.Declared)
	}
}

// What lies on the side that went is told of the newest switch only, and only once its node
// knows of that switch and serves no more: a count from before is of something else.
func TestAHistorySaysWhatStaysBehind(t *testing.T) {
	counts := []plan.CheckReport{
		{Name: "voicemails", OK: true, Output: "3 in /var/spool", At: at(40)}, {Name: "recordings", OK: true, At: at(40)},
		{Name: "call records", Output: "no such table", At: at(41)},
	}
	tell := func(change func(r *plan.Report)) *History {
		main := plan.Report{Node: "xivo-main", Role: "xivo", Side: spec.Main, Status: plan.Inactive, Seq: 3, Leaves: counts}
		change(&main)
		h := &History{Switches: Switches("xivo", []plan.Tip{
			tip(3, "standby", plan.Take, 31), tip(2, plan.HeldByNone, plan.Release, 30), tip(1, "main", plan.Take, 0)})}
		h.Tell(t.Context(), gitcmd.Repo{Dir: t.TempDir()}, &Deployment{Nodes: []Node{
			{Name: "xivo-main", Role: "xivo", Side: spec.Main, Report: &main},
			{Name: "xivo-standby", Role: "xivo", Side: spec.Standby, Report: &plan.Report{Seq: 3, Status: plan.Active, Leaves: counts}},
			{Name: "cc-main", Role: "cc", Side: spec.Main, Report: &plan.Report{Seq: 9, Leaves: counts}},
		}})
		return h
	}
	h := tell(func(*plan.Report) {})
	want := []Stay{{Node: "xivo-main", Name: "voicemails", Said: "3 in /var/spool", At: at(40)},
		{Node: "xivo-main", Name: "call records", Said: "no such table", Failed: true, At: at(41)}}
	if diff := cmp.Diff(want, h.Switches[0].Stays); diff != "" || h.Switches[1].Stays != nil {
		t.Errorf("%s%v", diff, h.Switches[1].Stays)
	}
	for what, change := range map[string]func(r *plan.Report){
		"it serves still":                func(r *plan.Report) { r.Status = plan.Active },
		"it knows nothing of the switch": func(r *plan.Report) { r.Seq = 2 },
	} {
		if got := tell(change).Switches[0].Stays; got != nil {
			t.Errorf("%s: %v", what, got)
		}
	}
}

// What a node says under another name is of that name's claims: no switch of this one is told
// by it, whatever their numbers are.
func TestAReportUnderAnotherNameTellsOfNoSwitch(t *testing.T) {
	counts := []plan.CheckReport{{Name: "voicemails", Output: "3"}}
	for name, of := range map[string]bool{"paris": false, "lyon": true} {
		h := &History{Switches: []Switch{{Role: "xivo", Seq: 3, From: spec.Main, To: spec.Standby}}}
		h.Tell(t.Context(), gitcmd.Repo{Dir: t.TempDir()}, &Deployment{Name: "lyon", Nodes: []Node{{Name: "xivo-main", Role: "xivo", Side: spec.Main, Report: &plan.Report{
			Deployment: name, Node: "xivo-main", Role: "xivo", Side: spec.Main, Status: plan.Inactive, Seq: 3, Leaves: counts, Phases: []plan.Phase{{Name: plan.PhaseStopped, At: at(3)}}}}}})
		if s := h.Switches[0]; len(s.Stays) > 0 != of || len(s.Phases) > 0 != of {
			t.Errorf("under %s: %+v and %+v", name, s.Stays, s.Phases)
		}
	}
}
