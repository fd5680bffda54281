package fleet

import (
	"slices"
	"strings"
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// When a node was heard is not known by another machine's clock alone (R4): a
// report from the future is of no known age, and an old date is no silence.
func TestAnotherMachinesClockIsNotBelieved(t *testing.T) {
	read := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	silent := plan.Report{At: read, Status: plan.Inactive, Side: spec.Standby, Conditions: []plan.Condition{{Type: plan.CondWitnessSilent}}}
	for _, c := range []struct {
		name         string
		at           time.Duration // of the report, from now
		change       func(*Node)
		peer         *plan.Report
		within, live bool
		when, finds  string
	}{
		{name: "just now", at: -10 * time.Second, within: true, live: true, when: "10s ago"},
		{name: "a little ahead", at: 30 * time.Second, within: true, live: true, when: "0s ago"},
		{name: "far ahead", at: 30 * time.Minute, live: true, when: "at a time that is not known, because its clock is ahead", finds: "its clock is at least 30m ahead"},
		{name: "far ahead, and it moved", at: 30 * time.Minute, change: func(n *Node) { n.Moved = read.Add(-2 * time.Second) },
			within: true, live: true, when: "2s ago", finds: "its clock is at least 30m ahead"},
		{name: "15 min old", at: -15 * time.Minute, live: true, when: "15m ago", finds: "not heard for 15m"},
		{name: "15 min old, and it moved", at: -15 * time.Minute, change: func(n *Node) { n.Moved = read.Add(-time.Second) }, within: true, live: true, when: "1s ago"},
		{name: "15 min old, and its silence was seen", at: -15 * time.Minute, change: func(n *Node) { n.Silent = true }, when: "15m ago", finds: "not heard"},
		{name: "15 min old, and the other side finds it silent", at: -15 * time.Minute, peer: &silent, when: "15m ago", finds: "not heard"},
		{name: "hours old", at: -4 * time.Hour, when: "4h00m ago", finds: "not heard"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Deployment{Name: "paris", Nodes: []Node{{Name: "m", Side: spec.Main, Report: &plan.Report{At: read.Add(c.at), Status: plan.Active, Running: true, Side: spec.Main}},
				{Name: "s", Side: spec.Standby, Report: c.peer}}}
			if c.change != nil {
				c.change(&d.Nodes[0])
			}
			v := View{Read: read, Deployments: []Deployment{d}}
			v.judge()
			n := d.Nodes[0]
			if n.HeardWithin(30*time.Second) != c.within || d.MayServe(n) != c.live || n.When() != c.when {
				t.Errorf("within %v, may serve %v, %q", n.HeardWithin(30*time.Second), d.MayServe(n), n.When())
			}
			if all := strings.Join(n.Findings, "\n"); !strings.Contains(all, c.finds) {
				t.Errorf("findings: %s", all)
			}
		})
	}
}

func TestAReportThatMovesIsDatedByThisClock(t *testing.T) {
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	s := &Source{beats: map[string]beat{}, now: func() time.Time { return now }}
	if at := s.moved("r", "1"); !at.IsZero() {
		t.Errorf("the first look saw it move at %s", at)
	}
	if at := s.moved("r", "1"); !at.IsZero() {
		t.Errorf("it did not move, and moved at %s", at)
	}
	if at := s.moved("r", "2"); at != now {
		t.Errorf("it moved at %s", at)
	}
	then := now
	now = now.Add(time.Minute)
	if at := s.moved("r", "2"); at != then {
		t.Errorf("it moved at %s", at)
	}
}

// What a node said of itself before the other side took the claim is told as old.
func TestANodeThatWasOvertakenIsNotSaidToServe(t *testing.T) { // R1
	read := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	old := plan.Report{Side: spec.Standby, Status: plan.Active, Seq: 3, Accepted: "a", At: read.Add(-time.Minute), Reason: "all services run and answer"}
	held := Claim{Tip: plan.Tip{ID: "x", Claim: plan.Claim{Seq: 4, Holder: "main"}}}
	for seq, want := range map[uint64]string{3: "was Active under claim #3, and main holds #4 since: nothing was heard of it after that", 4: ""} {
		old.Seq = seq
		d := Deployment{Name: "paris", Active: spec.Main, Claims: map[string]Claim{"web": held}, Nodes: []Node{{Name: "s", Role: "web", Side: spec.Standby, Report: &old}}}
		v := View{Read: read, Coordinated: true, Deployments: []Deployment{d}}
		v.judge()
		if got := v.Deployments[0].Nodes[0].Findings; want != "" && !slices.Contains(got, want) || want == "" && slices.ContainsFunc(got, func(f string) bool { return strings.HasPrefix(f, "was Active") }) {
			t.Errorf("seq %d: %q, want %q", seq, got, want)
		}
	}
}
