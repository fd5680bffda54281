package terms

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

func noon() time.Time { return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC) }

const document = `apiVersion: mainstay/v1
kind: Deployment
name: paris
active: main
agent: { poll: 5s, timeout: 10s, heartbeat: 5m }
nodes:
  a: { role: r, side: main, address: 10.0.0.1 }
  b: { role: r, side: standby, address: 10.0.0.2 }
roles:
  r:
    exclusive: true
    services: [{ name: s, systemd: s.service }]
    jobs:
      - { name: hourly, when: active, schedule: "30 * * * *", command: [x] }
      - { name: often, when: always, schedule: 10m, command: [x] }
    checks: [{ name: disk, command: [x], every: 1m }]
`

func load(t *testing.T) *spec.Deployment {
	t.Helper()
	d, problems := spec.Load("d.yaml", []byte(document), nil)
	if d == nil {
		t.Fatal(problems)
	}
	return d
}

// good is a node whose every term is as young as it should be.
func good(t *testing.T) Subject {
	return Subject{Document: load(t), Newest: "c1", Digest: "d1", Heard: 10 * time.Second, Report: &plan.Report{
		Node: "a", Status: plan.Active, Seen: "c1", Accepted: "c1", Applied: "c1", Document: "d1", At: noon(), LastRead: noon().Add(-5 * time.Second),
		Checks: []plan.CheckReport{{Name: "disk", At: noon().Add(-time.Minute)}},
	}}
}

func TestEveryTermThatIsOldIsNamed(t *testing.T) {
	if got := good(t).Late(); len(got) > 0 {
		t.Errorf("nothing is old: %+v", got)
	}
	if got := (Subject{}).Late(); len(got) > 0 {
		t.Errorf("of a node that never reported: %+v", got)
	}
	for _, c := range []struct {
		name   string
		change func(*Subject)
		want   []Late
	}{
		{"a report", func(s *Subject) { s.Heard = 6 * time.Minute }, []Late{{Kind: Report, Age: 6 * time.Minute, Bound: 5*time.Minute + 10*time.Second}}},
		{"a report of a node on its way", func(s *Subject) { s.Heard, s.Report.Status = time.Minute, plan.Held }, []Late{{Kind: Report, Age: time.Minute, Bound: 40 * time.Second}}},
		{"a report of a clock that is ahead", func(s *Subject) { s.Heard, s.Ahead = time.Hour, true }, nil},
		{"a look at git", func(s *Subject) { s.Report.LastRead = noon().Add(-11 * time.Second) }, []Late{{Kind: Read, Age: 11 * time.Second, Bound: 10 * time.Second}}},
		{"a check", func(s *Subject) { s.Report.Checks[0].At = noon().Add(-3 * time.Minute) }, []Late{{Kind: Check, Name: "disk", Age: 3 * time.Minute, Bound: 2 * time.Minute}}},
		{"a check that never ran", func(s *Subject) { s.Report.Checks[0].At = time.Time{} }, nil},
		{"a check that is not in the document", func(s *Subject) { s.Report.Checks[0] = plan.CheckReport{Name: "x", At: noon().Add(-time.Hour)} }, nil},
		{"a commit", func(s *Subject) { s.Newest, s.Digest = "c2", "d2" }, []Late{{Kind: Seen, Has: "c1", Wants: "c2"}}},
		{"a commit about something else", func(s *Subject) { s.Newest = "c2" }, nil},
		{"a commit that is refused", func(s *Subject) { s.Report.Seen, s.Newest, s.Digest = "c2", "c2", "d2" }, []Late{{Kind: Accepted, Has: "c1", Wants: "c2"}}},
		{"a commit on its way", func(s *Subject) { s.Report.Applied = "c0" }, []Late{{Kind: Applied, Has: "c0", Wants: "c1"}}},
		{"without a document", func(s *Subject) { s.Document, s.Heard, s.Report.Applied = nil, time.Hour, "" }, []Late{{Kind: Applied, Wants: "c1"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := good(t)
			c.change(&s)
			if diff := cmp.Diff(c.want, s.Late()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhenAJobComesNext(t *testing.T) {
	d := load(t)
	jobs := d.Roles["r"].Jobs
	for _, c := range []struct {
		name   string
		job    int
		active bool
		last   time.Time
		want   Run
	}{
		{"by the clock", 0, true, time.Time{}, Run{Clock, noon().Add(30 * time.Minute), "30 * * * *"}},
		{"on the other side", 0, false, noon(), Run{Kind: Idle, Schedule: "30 * * * *"}},
		{"after the last", 1, false, noon().Add(-time.Minute), Run{About, noon().Add(9 * time.Minute), "10m"}},
		{"before the first", 1, false, time.Time{}, Run{Kind: Soon, Schedule: "10m"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, Next(jobs[c.job], c.active, c.last, noon())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheRulesBehindADecisionAreTold(t *testing.T) {
	got := Rules(&plan.Report{Rule: plan.R2, Reason: "waits (R4)", Conditions: []plan.Condition{{Type: plan.CondClaimRegressed, Message: "x"}, {Type: "Unknown", Message: "R99 and R2"}}})
	var names []string
	for _, r := range got {
		names = append(names, r.Name+" "+r.For+" "+r.Title)
		if r.Text != plan.Rule(r.Name).Text() {
			t.Errorf("%s says %q", r.Name, r.Text)
		}
	}
	want := []string{"R2  R2, stepping down", "R4  R4, taking over", "R10 ClaimRegressed R10, a claim that goes back"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if got := Rules(&plan.Report{Rule: plan.RFollow}); len(got) != 1 || !strings.HasPrefix(got[0].Title, "RFollow, the followers' rule") {
		t.Errorf("%+v", got)
	}
	if len(Rules(nil))+len(Rules(&plan.Report{Rule: "<script>"})) > 0 {
		t.Error("a rule that there is not is told")
	}
}

// Each claim has numbers of its own: one of the present name hides no side that serves under
// the name from before.
func TestBothSidesServeUnderWhateverName(t *testing.T) {
	active := func(name string, side spec.Side, seq uint64) fleet.Node {
		return fleet.Node{Name: string(side), Role: "xivo", Side: side, Report: &plan.Report{Deployment: name, Status: plan.Active, Running: true, Seq: seq}}
	}
	for former, dual := range map[string]bool{"paris": true, "lyon": false} {
		d := &fleet.Deployment{Name: "lyon", Claims: map[string]fleet.Claim{"xivo": {Tip: plan.Tip{Claim: plan.Claim{Seq: 9, Holder: plan.HeldBy(spec.Standby)}}}},
			Nodes: []fleet.Node{active(former, spec.Main, 5), active("lyon", spec.Standby, 9)}}
		if got := len(DualRoles(d)) > 0; got != dual {
			t.Errorf("%s: both serve: %v", former, got)
		}
	}
}
