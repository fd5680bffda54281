package alert

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/e2e/attack"
	"mainstay/reconcile/alert/words"
	"mainstay/reconcile/plan"
	"mainstay/spec"
	"mainstay/spec/alerts"
	"mainstay/spec/timing"
)

func noon() time.Time { return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC) }

// story is a deployment as one teller sees it, moment after moment.
type story struct {
	t  *testing.T
	s  Sight
	st *State
	to []receiver
}

func newStory(t *testing.T, self string, list ...alerts.Alert) *story {
	if len(list) == 0 {
		list = []alerts.Alert{{Webhook: "https://a.example.org/"}}
	}
	report := func(name string, side spec.Side, status plan.Status) *plan.Report {
		return &plan.Report{Deployment: "paris", Node: name, Role: "xivo", Side: side, Status: status, Reason: "all is well", Tells: true, Accepted: "c1", Seq: 6,
			Running: status == plan.Active, Since: noon(), At: noon()}
	}
	y := &story{t: t, st: newState(), to: receivers(list), s: Sight{At: noon(), Deployment: "paris", Self: self, Git: true, Objective: time.Minute, Commit: "c1",
		Commits: map[string]Commit{"c2": {Who: "Ann <ann@example.org>", Subject: "main loses power"}},
		Nodes: []Node{
			{Name: "edge", Role: "edge", Fresh: true, Report: &plan.Report{Deployment: "paris", Node: "edge", Status: plan.Active, Tells: true}},
			{Name: "xivo-main", Role: "xivo", Side: spec.Main, Fresh: true, Report: report("xivo-main", spec.Main, plan.Active)},
			{Name: "xivo-standby", Role: "xivo", Side: spec.Standby, Fresh: true, Report: report("xivo-standby", spec.Standby, plan.Inactive)},
		},
		Roles: []Role{{Name: "xivo", Declared: spec.Main, Leads: true, Tip: plan.Tip{ID: "t6", Claim: plan.Claim{Seq: 6, Holder: "main", Guarantee: plan.Released, Commit: "c1"}}}}}}
	y.expect(0)
	return y
}

// expect moves on and compares what is told with what should be: the kind and the event
// of each message.
func (y *story) expect(after time.Duration, want ...string) []Message {
	y.t.Helper()
	y.s.At = y.s.At.Add(after)
	y.st.step(&y.s, y.to)
	var out []Message
	var got []string
	for _, r := range y.to {
		b := y.st.box(r.id)
		for _, m := range b.Queue {
			got = append(got, strings.TrimSuffix(string(m.Kind)+" "+string(m.Event)+" "+m.Node, " "))
			out = append(out, m)
		}
		b.Queue = nil
	}
	if diff := cmp.Diff(want, got); diff != "" {
		y.t.Errorf("at %s (-want +got):\n%s", y.s.At.Sub(noon()), diff)
	}
	return out
}

// restart reads back what is on disk.
func (y *story) restart() {
	y.t.Helper()
	b, err := json.Marshal(y.st)
	if err == nil {
		y.st = newState()
		err = json.Unmarshal(b, y.st)
	}
	if err != nil {
		y.t.Fatal(err)
	}
}

func (y *story) report(name string) *plan.Report { return y.s.node(name).Report }

// declare is a commit that declares a side, as this teller has accepted it.
func (y *story) declare(side spec.Side) {
	y.s.Roles[0].Declared, y.s.Commit = side, "c2"
}

// serve makes a side hold the claim and serve.
func (y *story) serve(side spec.Side, g plan.Guarantee) {
	r := &y.s.Roles[0]
	r.Tip.Seq++
	r.Tip.Holder, r.Tip.Guarantee, r.Tip.Commit = plan.HeldBy(side), g, "c2"
	for _, n := range y.s.of("xivo") {
		n.Report.Status, n.Report.Running, n.Report.Seq = plan.Inactive, false, r.Tip.Seq
		if n.Side == side {
			n.Report.Status, n.Report.Running = plan.Active, true
		}
	}
}

func TestASwitchIsToldOnceByWhoWinsIt(t *testing.T) {
	for _, self := range []string{"xivo-main", "xivo-standby", "edge", ""} {
		t.Run(self, func(t *testing.T) {
			tells := self == "xivo-standby" || self == ""
			want := func(text ...string) []string {
				if tells {
					return text
				}
				return nil
			}
			y := newStory(t, self)
			y.declare(spec.Standby)
			begun := y.expect(time.Second, want("began switch")...)
			y.restart()
			y.expect(time.Second)
			y.serve(spec.Standby, plan.Presumed)
			y.report("xivo-main").Leaves = []plan.CheckReport{
				{Name: "voicemails", OK: true, Output: "3 in /var/spool", At: noon().Add(-time.Minute)}, {Name: "records", OK: true, At: noon()},
				{Name: "faxes", Output: "no <b>disk", At: noon().Add(-time.Hour)}, {Name: "queues"}}
			done := y.expect(20*time.Second, want("over switch")...)
			y.restart()
			y.expect(time.Hour)
			if !tells {
				return
			}
			if text := begun[0].Text; !strings.Contains(text, "switch from main to standby begun\n") || !strings.Contains(text, "Commit: c2, by Ann\n") || !strings.Contains(text, "Why: main loses power\n") {
				t.Errorf("the begin says\n%s", text)
			}
			if text := done[0].Text; !strings.Contains(text, "Guarantee: presumed (the other side was silent") || !strings.Contains(text, "Took: 21s, the objective of 1m0s was kept\n") || !strings.Contains(text, "Look: mainstay history\n") ||
				!strings.Contains(text, "Left behind on main: voicemails: 3 in /var/spool (counted 2030-01-01 11:59:00 UTC)\n"+
					"What is left of faxes on main could not be counted: no ‹b›disk (tried 2030-01-01 11:00:00 UTC)\n"+
					"What is left of queues on main has not been counted\n") || strings.Contains(text, "records") {
				t.Errorf("the end says\n%s", text)
			}
		})
	}
}

// A chat takes no message of any length, and what is not shown is said to be there.
func TestWhatIsLeftBehindFitsInAMessage(t *testing.T) {
	y := newStory(t, "xivo-standby")
	y.declare(spec.Standby)
	y.expect(time.Second, "began switch")
	y.serve(spec.Standby, plan.Released)
	for i := range 40 {
		y.report("xivo-main").Leaves = append(y.report("xivo-main").Leaves, plan.CheckReport{Name: fmt.Sprintf("c%d", i), Output: strings.Repeat("x", 5000), At: noon()})
	}
	m := y.expect(20*time.Second, "over switch")[0]
	if shown := strings.Count(m.Text, "could not be counted"); shown == 0 || len(m.Text) > 2500 ||
		!strings.Contains(m.Text, fmt.Sprintf("not shown here: %d\n", 40-shown)) || len(m.Move.Left) != 40 {
		t.Errorf("%d characters:\n%s", len(m.Text), m.Text)
	}
}

func TestASwitchThatTakesTooLongIsToldOnceAndEndsWithIt(t *testing.T) {
	y := newStory(t, "xivo-standby")
	y.declare(spec.Standby)
	y.expect(0, "began switch")
	y.expect(59 * time.Second)
	y.expect(2*time.Second, "began late")
	y.restart()
	y.expect(time.Minute)
	y.serve(spec.Standby, plan.Fenced)
	if m := y.expect(0, "over switch"); !strings.Contains(m[0].Text, "the objective of 1m0s was missed") {
		t.Error(m[0].Text)
	}
	y = newStory(t, "xivo-standby", alerts.Alert{Command: []string{"x"}, On: []alerts.Event{alerts.Late}})
	y.declare(spec.Standby)
	y.expect(2 * time.Minute)
	y.expect(2*time.Minute, "began late")
	y.serve(spec.Standby, plan.Fenced)
	y.expect(0, "over late")
}

func TestASwitchThatIsTakenBackIsNotDone(t *testing.T) {
	y := newStory(t, "xivo-standby")
	y.declare(spec.Standby)
	y.expect(0, "began switch")
	y.declare(spec.Main)
	y.report("xivo-main").Status = plan.Deactivating
	y.expect(time.Second) // nobody saw main serve yet
	y.report("xivo-main").Status = plan.Active
	y.expect(time.Second, "off switch")
}

// A takeover by a person needs no commit. It is told, and that the document names the
// other side begins nothing.
func TestASideThatServesWithoutACommitIsToldOnce(t *testing.T) {
	y := newStory(t, "xivo-standby")
	y.serve(spec.Standby, plan.Attested)
	y.expect(0, "over switch")
	y.expect(time.Hour)
	y.declare(spec.Standby) // the document is made to agree
	y.expect(time.Hour)
	y.declare(spec.Main)
	y.s.Nodes[1].Report.Accepted = "c3"
	y.expect(time.Hour)
	y.s.Self = "xivo-main"
	y.expect(time.Hour, "began switch", "began late")
}

func TestWhatANodeSaysOfItselfIsToldOnceAndItsEnd(t *testing.T) {
	at := noon()
	for name, c := range map[string]struct {
		change func(r *plan.Report)
		event  alerts.Event
		waits  time.Duration
	}{
		"held":   {func(r *plan.Report) { r.Status = plan.Held }, alerts.Held, time.Minute},
		"failed": {func(r *plan.Report) { r.Status = plan.Failed }, alerts.Failed, 15 * time.Second},
		"paused": {func(r *plan.Report) { r.Status, r.Paused = plan.Paused, true }, alerts.Paused, 8 * time.Hour},
		"check":  {func(r *plan.Report) { r.Checks = []plan.CheckReport{{Name: "age", At: at}} }, alerts.Check, 0},
		"job":    {func(r *plan.Report) { r.Jobs = []plan.JobReport{{Name: "copy", At: at}} }, alerts.Job, 0},
		"missed": {func(r *plan.Report) {
			r.Jobs = []plan.JobReport{{Name: "copy", Skipped: "the run before has not ended"}}
		}, alerts.Job, 0},
		"document": {func(r *plan.Report) { r.Conditions = []plan.Condition{{Type: plan.CondSignatureRefused}} }, alerts.Document, 0},
		"dual":     {func(r *plan.Report) { r.Conditions = []plan.Condition{{Type: plan.CondFencedAnswers}} }, alerts.Dual, 0},
		"condition": {func(r *plan.Report) {
			r.Conditions = []plan.Condition{{Type: plan.CondTwoAgents}, {Type: plan.CondTwoAgents}}
		}, alerts.Condition, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			y := newStory(t, "xivo-main", alerts.Alert{Webhook: "https://a.example.org/", After: map[alerts.Event]timing.Duration{}})
			for i := range y.s.Nodes { // nobody else sends alerts
				y.s.Nodes[i].Report.Tells = false
			}
			before := *y.report("xivo-main")
			before.Checks = []plan.CheckReport{{Name: "age", OK: true, At: at}}
			before.Jobs = []plan.JobReport{{Name: "copy", OK: true, At: at}}
			c.change(y.report("xivo-main"))
			told := strings.TrimSuffix("began "+string(c.event)+" xivo-main", " ")
			ended := "over " + string(c.event) + " xivo-main"
			if c.event == alerts.Document || c.event == alerts.Dual {
				told, ended = "began "+string(c.event), "over "+string(c.event)
			}
			if c.waits > 0 {
				y.expect(0)
				y.expect(c.waits - time.Second)
				y.restart()
			}
			y.expect(time.Second, told)
			y.restart()
			y.expect(time.Hour)
			y.expect(3*time.Hour, strings.Replace(told, "began", "still", 1))
			as := *y.report("xivo-main")
			*y.report("xivo-main") = plan.Report{Node: "xivo-main", Role: "xivo", Side: spec.Main, Status: plan.Unknown}
			y.expect(0) // an agent that has just begun saw no end
			if c.event == alerts.Check || c.event == alerts.Job {
				y.report("xivo-main").Status = plan.Active
				y.expect(0) // nor is what did not run yet
			}
			*y.report("xivo-main") = as
			y.expect(0)
			*y.report("xivo-main") = before
			y.expect(0, ended)
			y.restart()
			y.expect(24 * time.Hour)
		})
	}
}

func TestAJobThatDoesNotBelongToTheStateIsNotMissed(t *testing.T) {
	y := newStory(t, "xivo-standby")
	y.report("xivo-standby").Jobs = []plan.JobReport{{Name: "copy", Skipped: "the node is Inactive"}}
	y.expect(time.Hour)
}

func TestANodeTellsOfNoOther(t *testing.T) {
	y := newStory(t, "xivo-main")
	y.report("xivo-standby").Status = plan.Failed
	y.expect(time.Hour)
	page := newStory(t, "")
	page.report("xivo-standby").Status = plan.Failed
	page.expect(0)
	page.expect(time.Hour, "began failed xivo-standby")
}

// A node that is not heard is not observed: it is never said to be down, its own
// incidents are not over, and only its peer tells of its silence.
func TestSilenceIsNoEndAndNoDeath(t *testing.T) {
	y := newStory(t, "")
	y.report("xivo-main").Status = plan.Failed
	y.expect(0)
	y.expect(time.Minute, "began failed xivo-main")
	n := y.s.node("xivo-main")
	n.Fresh, n.Silent, n.Report.Status = false, true, plan.Active
	y.expect(time.Second)
	m := y.expect(time.Minute, "began silent xivo-main")
	for _, word := range []string{"down", "dead"} {
		if strings.Contains(m[0].Text, word) {
			t.Errorf("%q in\n%s", word, m[0].Text)
		}
	}
	if !strings.Contains(m[0].Text, "xivo-main is not observed any more") {
		t.Error(m[0].Text)
	}
	n.Fresh, n.Silent = true, false
	y.expect(time.Second, "over failed xivo-main", "over silent xivo-main")
	for self, tells := range map[string]bool{"xivo-standby": true, "edge": false} {
		y := newStory(t, self)
		n := y.s.node("xivo-main")
		n.Fresh, n.Silent = false, true
		y.expect(0)
		if tells {
			y.expect(time.Minute, "began silent xivo-main")
		} else {
			y.expect(time.Minute)
		}
	}
}

func TestWithoutGitNothingIsKnownOfTheOthers(t *testing.T) {
	y := newStory(t, "xivo-standby")
	y.report("xivo-main").Conditions = []plan.Condition{{Type: plan.CondDualActive, Message: "both"}}
	y.report("edge").Tells, y.report("xivo-main").Tells = false, false
	y.expect(0, "began dual")
	y.s.Git = false
	y.report("xivo-main").Conditions = nil
	y.expect(time.Minute)
	y.declare(spec.Standby)
	y.expect(time.Minute)
	y.s.Git = true
	y.declare(spec.Main)
	y.expect(time.Second, "over dual")
}

func TestNobodyServesOnlyWhenThatIsSeen(t *testing.T) {
	y := newStory(t, "xivo-main")
	main, standby := y.s.node("xivo-main"), y.s.node("xivo-standby")
	main.Report.Status, main.Report.Running = plan.Failed, false
	standby.Fresh = false
	y.expect(0)
	y.expect(14 * time.Second)
	y.expect(46*time.Second, "began failed xivo-main") // standby may serve: it is not known
	standby.Fresh = true
	y.expect(0)
	m := y.expect(30*time.Second, "began unserved")
	if !strings.Contains(m[0].Text, "nobody is seen to serve xivo") {
		t.Error(m[0].Text)
	}
	standby.Fresh = false
	y.expect(time.Minute)
	standby.Fresh, standby.Report.Status, standby.Report.Running = true, plan.Active, true
	y.expect(0, "over unserved")
}

// R5: a side that is only not heard may serve. One that does not answer its witness is not
// observed to, and that is what is said.
func TestNobodyIsSeenToServeWhenTheWitnessIsSilent(t *testing.T) {
	y := newStory(t, "xivo-standby")
	y.report("xivo-standby").Conditions = []plan.Condition{{Type: plan.CondWitnessSilent, Message: "no answer", Since: noon()}}
	y.expect(0)
	m := y.expect(30*time.Second, "began silent xivo-main", "began unserved")
	if !strings.Contains(m[1].Text, "xivo-main is not observed (last Active)") {
		t.Error(m[1].Text)
	}
	y.s.node("xivo-main").Heard = y.s.At // the way to the witness is broken, and main reports
	y.expect(0, "over silent xivo-main", "over unserved")
}

func TestWhoDiedIsStoodInFor(t *testing.T) {
	y := newStory(t, "xivo-main")
	y.report("edge").Conditions = []plan.Condition{{Type: plan.CondDualActive}}
	y.expect(0) // the edge tells
	y.s.node("edge").Fresh = false
	y.report("xivo-standby").Conditions = y.report("edge").Conditions
	y.expect(0, "began dual")
}

// A node that comes back finds what others told already. It tells of it only when nobody who
// told before is there.
func TestWhoComesBackTellsNothingAgain(t *testing.T) {
	for _, elder := range []bool{true, false} {
		y := newStory(t, "xivo-main")
		y.s.Young, y.s.node("xivo-standby").Elder = true, elder
		y.report("xivo-standby").Conditions = []plan.Condition{{Type: plan.CondDualActive}}
		y.report("edge").Tells = false
		y.report("xivo-main").Checks = []plan.CheckReport{{Name: "own", At: noon()}}
		want := []string{"began check xivo-main", "began dual"}
		if elder {
			want = want[:1]
		}
		y.expect(0, want...)
		y.restart()
		y.s.Young = false
		if elder { // nobody knows that it was told: twice is better than never
			y.expect(time.Hour, "began dual")
		}
	}
}

func TestAReceiverHearsOfWhatItWants(t *testing.T) {
	never := timing.Duration(0)
	y := newStory(t, "xivo-main", alerts.Alert{Command: []string{"a"}, On: []alerts.Event{alerts.Held}, After: map[alerts.Event]timing.Duration{alerts.Held: 0}, Repeat: &never},
		alerts.Alert{Command: []string{"b"}, On: []alerts.Event{alerts.Failed}})
	y.report("xivo-main").Status = plan.Held
	y.expect(0, "began held xivo-main")
	y.expect(100 * time.Hour)
}

func TestABoxIsBounded(t *testing.T) {
	y := newStory(t, "xivo-main")
	for i := range 3 * mostWaiting {
		y.report("xivo-main").Checks = append(y.report("xivo-main").Checks, plan.CheckReport{Name: fmt.Sprintf("c%03d", i), At: noon()})
	}
	y.st.step(&y.s, y.to)
	b := y.st.box(y.to[0].id)
	if len(b.Queue) != mostWaiting || b.Dropped != 2*mostWaiting || b.Queue[mostWaiting-1].Name != "c095" {
		t.Errorf("%d wait, %d dropped", len(b.Queue), b.Dropped)
	}
}

func TestForeignTextIsPlainInEveryMessage(t *testing.T) {
	attack.Row(t, "alerts", "mail headers, Markdown, HTML, mentions and escape sequences in a commit subject or a reason", "plain text on one line")
	y := newStory(t, "xivo-standby")
	hostile := "x\r\nBcc: all@example.org\r\n\r\n<b onload=1> [a](https://evil) `rm` *b* @channel <!here> \x1b[2J\u202e" + strings.Repeat("y", 1000)
	y.s.Commits["c2"] = Commit{Who: hostile, Subject: hostile}
	y.report("xivo-standby").Checks = []plan.CheckReport{{Name: "c", Output: hostile, At: noon()}}
	y.declare(spec.Standby)
	for _, m := range y.expect(0, "began check xivo-standby", "began switch") {
		b, _ := json.Marshal(m)
		for _, bad := range []string{"\r", "\x1b", "\u202e", "<b", "](", "`", "*b", "@ch", "https://", "\\n\\n", "\\u003c"} {
			if strings.Contains(m.Text+string(b), bad) {
				t.Errorf("%q is in\n%s\n%s", bad, m.Text, b)
			}
		}
		if strings.ContainsAny(m.Subject, "\r\n") || len(m.Text) > 3000 || strings.Contains(m.Text, "\nBcc") {
			t.Errorf("%q", m.Text)
		}
	}
}

func TestEverySentenceIsSpokenInBothLanguages(t *testing.T) {
	for _, name := range words.Names() {
		s := words.Of(name)
		if s.English == "" || s.French == "" || s.English == s.French || strings.Count(s.English, "%") != strings.Count(s.French, "%") {
			t.Errorf("%s: %+v", name, s)
		}
	}
	x := Incident{Node: "a", Role: "r", Name: "n", Move: &Move{From: spec.Main, To: spec.Standby, Guarantee: plan.Released, Took: time.Second, Commit: "c", Why: "w",
		Left: []Left{{Name: "c", Said: "3", At: noon()}, {Name: "f", Failed: true, At: noon()}, {Name: "n", Failed: true}}}}
	s := &Sight{At: noon(), Deployment: "paris"}
	for _, e := range alerts.Events() {
		for _, kind := range []Kind{Began, Still, Over} {
			x.Event = e
			for _, language := range []string{words.English, words.French} {
				m := s.MessageOf(x, kind, 1, language)
				if strings.Contains(m.Text, "%!") || strings.TrimSpace(strings.TrimPrefix(m.Subject, "[paris]")) == "" || m.Look == "" {
					t.Errorf("%s %s: %s", kind, e, m.Text)
				}
			}
		}
	}
	for _, g := range []plan.Guarantee{plan.Released, plan.Fenced, plan.Lease, plan.Presumed, plan.Attested} {
		if words.Of("means."+string(g)).English != g.Meaning() {
			t.Errorf("%s means %q, and is said to mean %q", g, g.Meaning(), words.Of("means."+string(g)).English)
		}
	}
}

func TestBoxesAreNamedByWhoTheyAreFor(t *testing.T) {
	list := []alerts.Alert{{To: "ntfy://a/b"}, {Command: []string{"x"}}, {Command: []string{"x"}}}
	ids := func(list []alerts.Alert) (out []string) {
		for _, r := range receivers(list) {
			out = append(out, r.id)
		}
		slices.Sort(out)
		return out
	}
	before := ids(list)
	slices.Reverse(list)
	if diff := cmp.Diff(before, ids(list)); diff != "" || len(slices.Compact(before)) != 3 {
		t.Error(diff, before)
	}
}

// Whoever serves on standby is reminded of going back, after a day or as long as is said.
func TestStandbyIsNotForGood(t *testing.T) {
	for after, waits := range map[time.Duration]time.Duration{0: 24 * time.Hour, 4 * time.Hour: 4 * time.Hour} {
		one := alerts.Alert{Webhook: "https://a.example.org/", On: []alerts.Event{alerts.Away}}
		if after > 0 {
			one.After = map[alerts.Event]timing.Duration{alerts.Away: timing.Duration(after)}
		}
		y := newStory(t, "xivo-standby", one)
		main, standby := y.report("xivo-main"), y.report("xivo-standby")
		y.expect(48 * time.Hour) // main serves: nothing to go back from
		main.Status, main.Running, standby.Status, standby.Running, standby.Since = plan.Inactive, false, plan.Active, true, y.s.At
		y.expect(0)
		y.expect(waits - time.Second)
		y.restart()
		y.expect(time.Second, "began away xivo-standby")
		for _, status := range []plan.Status{plan.Held, plan.Failed, plan.Paused, plan.Unknown} {
			standby.Status, standby.Paused = status, status == plan.Paused
			y.expect(time.Minute) // it runs still
		}
		standby.Status, standby.Paused, standby.Running = plan.Inactive, false, false
		y.expect(0, "over away xivo-standby")
	}
}

// Each claim has numbers of its own: a node that goes by the name from before serves under
// none of the present one.
func TestAReportUnderAnotherNameIsNotUnderTheClaim(t *testing.T) {
	r := Role{Name: "xivo", Tip: plan.Tip{Claim: plan.Claim{Seq: 3, Holder: plan.HeldBy(spec.Main)}}}
	for name, want := range map[string]spec.Side{"paris": "", "lyon": spec.Main, "": spec.Main} {
		s := &Sight{Deployment: "lyon", Git: true, Nodes: []Node{{Name: "xivo-main", Role: "xivo", Side: spec.Main, Fresh: true,
			Report: &plan.Report{Deployment: name, Status: plan.Active, Seq: 3}}}}
		if got := s.serves(r); got != want {
			t.Errorf("under %q: %q serves", name, got)
		}
	}
}
