package lookout

import (
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"testing"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/alert"
	"mainstay/reconcile/plan"
	"mainstay/spec"
	"mainstay/spec/alerts"
)

const document = `apiVersion: mainstay/v1
kind: Deployment
name: paris
active: main
agent: { poll: 5s, timeout: 10s, heartbeat: 1m }
handover: { objective: 45s }
nodes:
  a: { role: r, side: main, address: 10.0.0.1 }
  b: { role: r, side: standby, address: 10.0.0.2 }
  c: { role: s, address: 10.0.0.3 }
roles:
  r: { exclusive: true, services: [{ name: s, systemd: s.service }] }
  s: { follows: r }
`

// clock stands until it is moved.
type clock struct {
	boot time.Duration
	wall time.Time
}

func (c *clock) Boot() time.Duration { return c.boot }
func (c *clock) Wall() time.Time     { return c.wall }

func (c *clock) pass(d time.Duration) { c.boot, c.wall = c.boot+d, c.wall.Add(d) }

type disk map[string][]byte

func (d disk) Save(name string, v any) error {
	b, err := json.Marshal(v)
	d[name] = b
	return err
}

func (d disk) Load(name string, v any) error {
	if d[name] == nil {
		return fs.ErrNotExist
	}
	return json.Unmarshal(d[name], v)
}

// post is a node a with its lookout.
type post struct {
	*Lookout
	t     *testing.T
	clock *clock
	snap  reconcile.Snapshot
}

func newPost(t *testing.T) *post {
	t.Helper()
	d, problems := spec.Load("d.yaml", []byte(document), nil)
	if d == nil {
		t.Fatal(problems)
	}
	p := &post{t: t, clock: &clock{boot: time.Hour, wall: time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)}}
	p.Lookout = New(Config{Node: "a", Alerts: []alerts.Alert{{Command: []string{"x"}}}, Clock: p.clock, Log: slog.New(slog.DiscardHandler),
		Deliver: func(context.Context, alerts.Alert, alert.Message) error { return nil }})
	p.snap = reconcile.Snapshot{Looks: 1, OK: true, Accepted: &reconcile.Accepted{Deployment: d, Commit: "c1"},
		Claims:  map[string]plan.ClaimView{"r": {Tip: plan.Tip{ID: "t", Claim: plan.Claim{Seq: 3, Holder: "main"}}, Read: true, Reachable: true}},
		Reports: map[string]*plan.ReportView{"b": {Known: true, Report: plan.Report{Node: "b", Run: "x", Beat: 1, Status: plan.Inactive, At: p.clock.wall}}}}
	p.Reported(plan.Report{Deployment: "paris", Node: "a", Role: "r", Side: spec.Main, Status: plan.Active, Accepted: "c1"})
	return p
}

// see shows the snapshot and returns the other side's node as it is seen.
func (p *post) see() alert.Node {
	p.t.Helper()
	s := p.snap
	p.Looked(&s)
	now, ok := p.Sight()
	if !ok || len(now.Nodes) != 3 || now.Self != "a" || now.Objective != 45*time.Second {
		p.t.Fatalf("seen %+v", now)
	}
	return now.Nodes[1]
}

func (p *post) beats() {
	r := p.snap.Reports["b"].Report
	r.Beat++
	p.snap.Reports = map[string]*plan.ReportView{"b": {Known: true, Report: r}}
}

// FreshFor of the page is the same: two beats, a timeout and a minute.
const bound = 2*time.Minute + 10*time.Second + time.Minute

func TestANodeIsSilentByThisMachinesClockAlone(t *testing.T) {
	p := newPost(t)
	if n := p.see(); !n.Fresh || n.Silent {
		t.Errorf("at first %+v", n)
	}
	p.clock.pass(bound)
	if n := p.see(); n.Silent {
		t.Errorf("within its bound %+v", n)
	}
	p.clock.wall = p.clock.wall.Add(-48 * time.Hour) // nobody decides by it
	p.clock.pass(time.Second)
	if n := p.see(); n.Fresh || !n.Silent {
		t.Errorf("after its bound %+v", n)
	}
	p.beats()
	if n := p.see(); !n.Fresh || n.Silent || !n.Heard.Equal(p.clock.wall) {
		t.Errorf("heard again %+v", n)
	}
}

// What git did not show was not observed: silence counts from when it answers again.
func TestWithoutGitNobodyIsSilent(t *testing.T) {
	for name, breaks := range map[string]func(s *reconcile.Snapshot, broken bool){
		"git": func(s *reconcile.Snapshot, broken bool) { s.OK = !broken },
		"coordination": func(s *reconcile.Snapshot, broken bool) {
			s.Conditions = nil
			if broken {
				s.Conditions = []plan.Condition{{Type: plan.CondCoordinationUnreachable}}
			}
		},
	} {
		p := newPost(t)
		p.see()
		breaks(&p.snap, true)
		p.clock.pass(time.Hour)
		if n := p.see(); n.Silent || n.Fresh {
			t.Errorf("%s: without it %+v", name, n)
		}
		breaks(&p.snap, false)
		if n := p.see(); n.Silent {
			t.Errorf("%s: as soon as it answers %+v", name, n)
		}
		p.clock.pass(bound + time.Second)
		if n := p.see(); !n.Silent {
			t.Errorf("%s: silent since %+v", name, n)
		}
	}
}

// A report from before this agent began is of now only if it says so.
func TestAnOldReportIsNotOfNow(t *testing.T) {
	p := newPost(t)
	p.clock.pass(24 * time.Hour)
	if n := p.see(); n.Fresh || n.Silent {
		t.Errorf("of yesterday %+v", n)
	}
	p.beats()
	if n := p.see(); !n.Fresh {
		t.Errorf("after a newer one %+v", n)
	}
}

func TestAClaimThatCannotBeBelievedIsNone(t *testing.T) {
	p := newPost(t)
	for name, change := range map[string]func(c *plan.ClaimView){
		"unread": func(c *plan.ClaimView) { c.Read = false }, "out of reach": func(c *plan.ClaimView) { c.Reachable = false },
		"gone back": func(c *plan.ClaimView) { c.Regressed = true },
	} {
		p.see()
		if now, _ := p.Sight(); len(now.Roles) != 1 || !now.Roles[0].Leads || now.Roles[0].Declared != spec.Main {
			t.Errorf("%s: before %+v", name, now.Roles)
		}
		c := p.snap.Claims["r"]
		change(&c)
		s := p.snap
		s.Claims = map[string]plan.ClaimView{"r": c}
		p.Looked(&s)
		if now, _ := p.Sight(); len(now.Roles) != 0 {
			t.Errorf("%s: %+v", name, now.Roles)
		}
	}
}

func TestWhoMadeACommitOutlivesTheAgent(t *testing.T) {
	p, kept := newPost(t), disk{}
	for _, hash := range []string{"c0", "c1"} {
		p.Read(hash, "Ann <ann@example.org>", "go "+hash)
	}
	p.Prepare(kept)
	p.see()
	p.engine.Step()
	again := newPost(t)
	again.Prepare(kept)
	again.see()
	if now, _ := again.Sight(); now.Commits["c1"].Subject != "go c1" || now.Commit != "c1" {
		t.Errorf("%+v", now.Commits)
	}
	for range 100 {
		again.Read(time.Now().String(), "x", "y")
	}
	if len(again.commits) != mostCommits {
		t.Errorf("%d commits are kept", len(again.commits))
	}
}

// Who told before this agent began is known by its run: one that began again since is no
// elder.
func TestWhoToldBeforeIsAnElderUntilItBeginsAgain(t *testing.T) {
	p := newPost(t)
	r := p.snap.Reports["b"]
	r.Tells = true
	if n := p.see(); !n.Elder {
		t.Errorf("it told before: %+v", n)
	}
	if now, _ := p.Sight(); !now.Young {
		t.Error("it has just begun")
	}
	p.clock.pass(young)
	if now, _ := p.Sight(); now.Young {
		t.Error("it began long ago")
	}
	again := r.Report
	again.Run, again.Beat = "y", 1
	p.snap.Reports = map[string]*plan.ReportView{"b": {Known: true, Report: again}}
	if n := p.see(); n.Elder {
		t.Errorf("it began again: %+v", n)
	}
}

// After a start the report is of what was recalled until a look is in it.
func TestARecalledReportIsNotLookedAt(t *testing.T) {
	p := newPost(t)
	s := p.snap
	s.LastRead = p.clock.wall
	p.Looked(&s)
	if _, ok := p.Sight(); ok {
		t.Error("a report from before the look is a sight")
	}
	p.Reported(plan.Report{Deployment: "paris", Node: "a", Status: plan.Active, LastRead: p.clock.wall})
	if _, ok := p.Sight(); !ok {
		t.Error("a report of the look is no sight")
	}
}

func TestNobodyToTellIsNobody(t *testing.T) {
	if New(Config{}) != nil {
		t.Error("a lookout without alerts")
	}
}
