package forecast

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

const document = `
apiVersion: mainstay/v1
kind: Deployment
name: paris
active: ACTIVE
handover: HANDOVER
nodes:
  m: { role: app, side: main }
  s: { role: app, side: standby }
roles:
  app:
    exclusive: true
    services:
      - { name: one, systemd: one.service, stopTimeout: 10s, ready: { tcp: "127.0.0.1:1", within: 20s } }
`

// world is what a story begins with: main serves and both nodes are heard.
type world struct {
	t         *testing.T
	handover  string
	extra     string
	main, stb *plan.Report
	age       map[string]time.Duration
	claim     plan.Tip
	off       bool
}

func newWorld(t *testing.T) *world {
	return &world{
		t: t, handover: "{}", age: map[string]time.Duration{},
		main:  &plan.Report{Status: plan.Active, Running: true, Services: []plan.ServiceReport{{Name: "one", Run: plan.Running}}},
		stb:   &plan.Report{Status: plan.Inactive, Services: []plan.ServiceReport{{Name: "one", Run: plan.Stopped}}},
		claim: plan.Tip{ID: "x", Claim: plan.Claim{Seq: 7, Holder: "main"}},
	}
}

func (w *world) load(active string) *spec.Deployment {
	w.t.Helper()
	text := strings.ReplaceAll(document, "ACTIVE", active)
	text = strings.ReplaceAll(text, "HANDOVER", w.handover)
	if active == "standby" {
		text += w.extra
	}
	d, problems := spec.Load("d.yaml", []byte(text), nil)
	if len(problems) > 0 {
		w.t.Fatal(problems)
	}
	return d
}

// plan is of the switch to standby.
func (w *world) plan() *Forecast {
	w.t.Helper()
	return w.of(w.load("main"), w.load("standby"))
}

// of is of a change from one document to another.
func (w *world) of(from, to *spec.Deployment) *Forecast {
	w.t.Helper()
	now := &fleet.Deployment{Name: "paris", Claims: map[string]fleet.Claim{"app": {Tip: w.claim}}}
	for name, r := range map[string]*plan.Report{"m": w.main, "s": w.stb} {
		n := fleet.Node{Name: name, Report: r, Age: w.age[name].Seconds()}
		n.Stale = r == nil || w.age[name] > time.Hour
		now.Nodes = append(now.Nodes, n)
	}
	return Of(Input{From: from, To: to, Now: now, Coordinated: !w.off})
}

// free makes the claim nobody's, with what it says of a main that is silent (R12).
func (w *world) free(p plan.Proof) {
	w.claim.Holder, w.claim.Down.Main, w.age["m"] = plan.HeldByNone, p, 2*time.Hour
	w.stb.Accepted = "c"
}

// R4, R12, R13: the guarantee is the best that what is known allows.
func TestTheGuaranteeFollowsFromWhatIsKnown(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*world)
		want   plan.Guarantee
	}{
		{"both are there", func(w *world) {}, plan.Released},
		{"nobody holds the claim", func(w *world) { w.claim.Holder = plan.HeldByNone }, plan.Released},
		{"main is stated to be off", func(w *world) { w.age["m"], w.extra = 2*time.Hour, "fenced: main\n" }, plan.Fenced},
		{"main is silent and has a lease", func(w *world) { w.age["m"], w.claim.Lease = 2*time.Hour, spec.Duration(time.Minute) }, plan.Lease},
		{"main is silent", func(w *world) { w.age["m"] = 2 * time.Hour }, plan.Presumed},
		{"main was never heard", func(w *world) { w.main = nil }, plan.Presumed},
		{"main is silent and nobody presumes", func(w *world) { w.age["m"], w.handover = 2*time.Hour, "{ unconfirmed: hold }" }, ""},
		{"main is paused", func(w *world) { w.main.Paused, w.main.Status = true, plan.Paused }, ""},
		{"main could not start a service", func(w *world) { w.main.Status, w.main.Declared, w.main.Seq = plan.Failed, "main", 7 }, plan.Released},
		{"main could not stop", func(w *world) { w.main.Status, w.main.Declared, w.main.Seq = plan.Failed, "standby", 7 }, ""},
		{"main could not stop under an earlier claim", func(w *world) { w.main.Status, w.main.Declared, w.main.Seq = plan.Failed, "standby", 6 }, plan.Released},
		{"main could not stop, and is down by now", func(w *world) {
			w.main.Status, w.main.Declared, w.main.Seq, w.main.Running = plan.Failed, "standby", 7, false
		}, plan.Released},
		{"there are no claims", func(w *world) { w.off = true }, plan.Presumed},
		{"nobody holds the claim, and main is silent", func(w *world) { w.free(plan.Proof{}) }, plan.Presumed},
		{"nobody holds the claim, main is silent, and nobody presumes", func(w *world) { w.free(plan.Proof{}); w.handover = "{ unconfirmed: hold }" }, ""},
		{"main released the claim and is silent since", func(w *world) { w.free(plan.Proof{By: plan.ByRelease, Seq: 7}) }, plan.Released},
		{"main was seen down before standby came to the chain", func(w *world) {
			w.free(plan.Proof{By: plan.ByRelease, Seq: 7})
			w.stb.Accepted, w.stb.Joined = "c", 7
		}, plan.Presumed},
		{"main was seen down, and standby knows only a chain of another name", func(w *world) {
			w.free(plan.Proof{By: plan.ByRelease, Seq: 7})
			w.stb.Accepted, w.stb.Joined, w.stb.Deployment = "c", 1, "lutetia"
		}, plan.Presumed},
		{"main was seen down, and standby was never heard", func(w *world) { w.free(plan.Proof{By: plan.ByRelease, Seq: 7}); w.stb = nil }, plan.Presumed},
		{"nobody holds the claim, and main's lease was seized", func(w *world) { w.free(plan.Proof{By: plan.ByLease, Seq: 7}) }, plan.Lease},
		{"nobody holds the claim, whose lease nobody obeys any more", func(w *world) { w.free(plan.Proof{}); w.claim.Lease = spec.Duration(time.Minute) }, plan.Presumed},
		{"nobody holds the claim, and main is stated to be off", func(w *world) { w.free(plan.Proof{}); w.extra = "fenced: main\n" }, plan.Fenced},
		{"nobody holds the claim, and main is paused", func(w *world) { w.claim.Holder, w.main.Paused = plan.HeldByNone, true }, ""},
		{"there was never a claim, and main was never heard", func(w *world) { w.claim, w.main = plan.Tip{}, nil }, plan.Presumed},
		{"standby would start nothing", func(w *world) { w.stb.Conditions = []plan.Condition{{Type: plan.CondBlocked}} }, ""},
		{"standby is paused", func(w *world) { w.stb.Paused = true }, ""},
		{"a person activated main under this very document", func(w *world) {
			w.claim.Guarantee, w.claim.Document = plan.Attested, w.load("standby").Digest()
		}, ""},
		{"a person's takeover of main is in force", func(w *world) { w.main.Takeover = "standby is off" }, plan.Presumed},
		{"there are no claims, and main is stated to be off", func(w *world) { w.off, w.age["m"], w.extra = true, 2*time.Hour, "fenced: main\n" }, plan.Fenced},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.change(w)
			p := w.plan()
			if len(p.Handovers) != 1 || p.Handovers[0].Guarantee != string(c.want) {
				t.Errorf("got %+v", p.Handovers)
			}
		})
	}
}

func TestWhatSpeaksAgainstASwitch(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*world)
		want   []string
	}{
		{"nothing", func(w *world) {}, nil},
		{"standby was never heard", func(w *world) { w.stb = nil }, []string{ObjectUnheard}},
		{"standby is silent", func(w *world) { w.age["s"] = 2 * time.Hour }, []string{ObjectUnheard}},
		{"standby is paused", func(w *world) { w.stb.Paused = true }, []string{ObjectPaused}},
		{"standby is Failed", func(w *world) { w.stb.Status = plan.Failed }, []string{ObjectFailed}},
		{"a check fails", func(w *world) { w.stb.Checks = []plan.CheckReport{{Name: "age"}} }, []string{ObjectChecks}},
		{"a file is refused", func(w *world) { w.stb.Conditions = []plan.Condition{{Type: plan.CondFileRefused}} }, []string{ObjectConditions}},
		{"standby may not start a service", func(w *world) { w.stb.Conditions = []plan.Condition{{Type: plan.CondBlocked}} }, []string{ObjectConditions}},
		{"standby refuses the commit", func(w *world) { w.stb.Conditions = []plan.Condition{{Type: plan.CondCommitRefused}} }, []string{ObjectConditions}},
		{"the claim is below a report", func(w *world) { w.stb.Conditions = []plan.Condition{{Type: plan.CondClaimBehind}} }, []string{ObjectConditions}},
		{"a push is on its way", func(w *world) { w.stb.Conditions = []plan.Condition{{Type: plan.CondPushUnknown}} }, nil},
		{"both serve", func(w *world) { w.stb.Conditions = []plan.Condition{{Type: plan.CondDualActive}} }, []string{ObjectDual}},
		{"main is paused", func(w *world) { w.main.Paused = true }, []string{ObjectHeld}},
		{"a service of main failed", func(w *world) { w.main.Status = plan.Failed }, nil},
		{"a stop on main failed", func(w *world) { w.main.Status, w.main.Declared, w.main.Seq = plan.Failed, "standby", 7 }, []string{ObjectHeld}},
		{"main is not off", func(w *world) { w.extra = "fenced: main\n" }, []string{ObjectFenced}},
		{"main is off", func(w *world) { w.extra, w.age["m"] = "fenced: main\n", 2*time.Hour }, nil},
		{"a check of main fails", func(w *world) { w.main.Checks = []plan.CheckReport{{Name: "age"}} }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.change(w)
			var got []string
			for _, o := range w.plan().Objections {
				got = append(got, o.What)
				if o.Advice == "" {
					t.Errorf("%s says not what to do", o.What)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What stays behind is told before a switch and holds nothing up; what could not be counted
// is not nothing.
func TestWhatStaysBehindIsForetold(t *testing.T) {
	w := newWorld(t)
	w.main.Leaves = []plan.CheckReport{{Name: "voicemails", OK: true, Output: "3 in /var/spool <b>"}, {Name: "records", OK: true}, {Name: "tapes", Output: "no disk"}}
	w.stb.Leaves = []plan.CheckReport{{Name: "voicemails", OK: true, Output: "7 in /elsewhere"}}
	p := w.plan()
	notes := strings.Join(p.Notes, "\n")
	for text, want := range map[string]bool{"voicemails stay behind on m: 3 in /var/spool": true, "what stays behind on m of tapes could not be counted: no disk": true,
		"elsewhere": false, "records": false} {
		if strings.Contains(notes, text) != want {
			t.Errorf("%q is said: %t in\n%s", text, !want, notes)
		}
	}
	var b strings.Builder
	if err := Markdown(&b, []*Forecast{p}); err != nil || len(p.Objections) > 0 || strings.Contains(b.String(), "<b>") || !strings.Contains(b.String(), "voicemails stay behind") {
		t.Errorf("%v, %v\n%s", err, p.Objections, b.String())
	}
}

// A preview tells what is: what does not run is not stopped.
func TestOnlyWhatRunsIsStopped(t *testing.T) {
	w := newWorld(t)
	w.main.Services[0].Run = plan.Stopped
	for _, s := range w.plan().Steps {
		if s.Do == DoStop {
			t.Errorf("%+v", s)
		}
	}
}

// R2: a handover that will not happen by itself stops nothing, and the preview says so.
func TestASideThatIsNotLetGoIsNotSaidToStop(t *testing.T) {
	for name, change := range map[string]func(*world){
		"main is paused":    func(w *world) { w.main.Paused = true },
		"standby is paused": func(w *world) { w.stb.Paused = true },
		"standby would start nothing": func(w *world) {
			w.stb.Conditions = []plan.Condition{{Type: plan.CondBlocked}}
		},
	} {
		w := newWorld(t)
		change(w)
		stays := false
		for _, s := range w.plan().Steps {
			stays = stays || s.Node == "m" && s.Do == DoKeep
			if s.Do == DoStop {
				t.Errorf("%s: %+v", name, s)
			}
		}
		if !stays {
			t.Errorf("%s: main is not said to go on", name)
		}
	}
	w := newWorld(t)
	w.stb.Paused, w.handover = true, "{ absent: stop }"
	if f := w.plan(); !slices.ContainsFunc(f.Steps, func(s Step) bool { return s.Do == DoStop && strings.Contains(s.After, "handover.absent is stop") }) {
		t.Errorf("handover.absent is not obeyed: %+v", f.Steps)
	}
}

// What is new on a side that serves is started, though not all of it runs yet.
func TestANewServiceStartsOnTheSideThatServes(t *testing.T) {
	for status, want := range map[plan.Status]Does{
		plan.Active: DoStart, plan.Activating: DoStart, plan.Failed: DoStart, plan.Inactive: DoChange, plan.Held: DoChange,
	} {
		w := newWorld(t)
		w.main.Status = status
		from := w.load("main")
		text := strings.ReplaceAll(strings.ReplaceAll(document, "ACTIVE", "main"), "HANDOVER", "{}") + "      - { name: two, systemd: two.service }\n"
		to, problems := spec.Load("d.yaml", []byte(text), nil)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		now := &fleet.Deployment{Name: "paris", Claims: map[string]fleet.Claim{"app": {Tip: w.claim}},
			Nodes: []fleet.Node{{Name: "m", Report: w.main}, {Name: "s", Report: w.stb}}}
		for _, s := range Of(Input{From: from, To: to, Now: now, Coordinated: true}).Steps {
			if s.Node == "m" && s.What == "two" && s.Do != want {
				t.Errorf("while main is %s: %s", status, s.Text)
			}
		}
	}
}

// R13: what leads a node to another claim is refused by it, and the forecast says so.
func TestWhatNodesRefuseForItsNameIsForetold(t *testing.T) {
	text := strings.ReplaceAll(strings.ReplaceAll(document, "ACTIVE", "main"), "HANDOVER", "{}")
	load := func(text string) *spec.Deployment {
		d, problems := spec.Load("d.yaml", []byte(text), nil)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return d
	}
	shared := strings.NewReplacer("exclusive: true", "exclusive: false", ", side: main", "", ", side: standby", "").Replace(text)
	for name, c := range map[string]struct{ from, to, want string }{
		"deployment": {text, strings.Replace(text, "name: paris", "name: lyon", 1), `renames the deployment from "paris" to "lyon"`},
		"role":       {text, strings.NewReplacer("role: app", "role: web", "  app:", "  web:").Replace(text), `takes m from the role "app" to "web"`},
		"re-typed":   {shared, text, `makes the role "app" exclusive`},
	} {
		p := Of(Input{From: load(c.from), To: load(c.to), Now: &fleet.Deployment{Name: "paris"}, Coordinated: true})
		if all := strings.Join(p.Notes, "\n"); strings.Count(all, c.want) != 1 || !strings.Contains(all, "mainstay accept COMMIT --attest") {
			t.Errorf("%s: notes are %s", name, all)
		}
	}
}

func TestNothingHappensWhenNothingChanges(t *testing.T) {
	w := newWorld(t)
	d := w.load("main")
	now := &fleet.Deployment{Name: "paris", Claims: map[string]fleet.Claim{"app": {Tip: w.claim}}}
	if p := Of(Input{From: d, To: d, Now: now, Coordinated: true}); p.Pending {
		t.Errorf("%+v", p)
	}
}

// What nodes and documents say cannot turn a comment into something else.
func TestMarkdownIsOnlyText(t *testing.T) {
	w := newWorld(t)
	w.stb.Checks = []plan.CheckReport{{Name: "age", Output: "<img src=x> | [a](b)\n# title `x` @everyone"}}
	var b strings.Builder
	if err := Markdown(&b, []*Forecast{w.plan()}); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{" <img", " | [a](b)", "\n# title", "@everyone"} {
		if strings.Contains(b.String(), bad) {
			t.Errorf("%q got through:\n%s", bad, b.String())
		}
	}
}

func TestDiffs(t *testing.T) {
	for _, c := range []struct{ name, before, after, want string }{
		{"same", "a\n", "a\n", ""},
		{"new", "", "a\nb\n", "--- f\n+++ f\n@@ -0,0 +1,2 @@\n+a\n+b\n"},
		{"one line", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n",
			"--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n"},
		{"two places", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "x\n2\n3\n4\n5\n6\n7\n8\ny\n",
			"--- f\n+++ f\n@@ -1,4 +1,4 @@\n-1\n+x\n 2\n 3\n 4\n@@ -6,4 +6,4 @@\n 6\n 7\n 8\n-9\n+y\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, Diff("f", c.before, c.after)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestASwitchThatIsUnderWayIsTold(t *testing.T) {
	w := newWorld(t)
	if got := w.plan().Notes; len(got) > 0 {
		t.Errorf("at rest: %q", got)
	}
	w.main.Status = plan.Deactivating
	want := []string{"an earlier switch is under way (m is Deactivating): its remaining steps are dropped"}
	if diff := cmp.Diff(want, w.plan().Notes); diff != "" {
		t.Error(diff)
	}
}

// A report tells that its node was alive when it made it: what holds should it
// have died since is said beside the guarantee, and bounds both.
func TestANodeThatWasNotHeardJustNowMayBeDead(t *testing.T) {
	old := func(w *world) { w.age["m"] = 4 * time.Minute }
	for _, c := range []struct {
		name    string
		change  func(*world)
		want    string
		longest float64
	}{
		{"heard just now", func(w *world) { w.age["m"] = 30 * time.Second }, "", 30},
		{"nobody else is asked", old, "m was last heard 4m ago; if it is dead: presumed after 30s", 50},
		{"a person is asked", func(w *world) { old(w); w.handover = "{ unconfirmed: hold }" },
			"m was last heard 4m ago; if it is dead: held until a person says that it is off", 30},
		{"its claim has a lease", func(w *world) {
			old(w)
			w.claim.Lease, w.claim.StopBound = spec.Duration(time.Minute), spec.Duration(20*time.Second)
		}, "m was last heard 4m ago; if it is dead: lease after 1m56s", 135.16},
		{"an earlier takeover left a debt", func(w *world) { old(w); w.claim.Debt = spec.Duration(time.Minute) },
			"m was last heard 4m ago; if it is dead: presumed after 30s", 110},
		{"it is stated to be off", func(w *world) { old(w); w.extra = "fenced: main\n" }, "", 20},
		{"it counts as silent", func(w *world) { w.age["m"] = 2 * time.Hour }, "", 50},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.change(w)
			h := w.plan().Handovers[0]
			if diff := cmp.Diff(c.want, h.IfDead); diff != "" {
				t.Error(diff)
			}
			if math.Abs(h.Longest-c.longest) > 0.01 {
				t.Errorf("over after %v s, want %v", h.Longest, c.longest)
			}
		})
	}
}

// A bound stays one however it is written.
func TestBoundsAreRoundedUp(t *testing.T) {
	for seconds, want := range map[float64]string{0: "0 s", 59.1: "60 s", 120: "2 min", 200: "4 min", 7200: "2.0 h", 7201: "2.1 h"} {
		if got := brief(seconds); got != want {
			t.Errorf("%v s: %q, want %q", seconds, got, want)
		}
	}
	if got := (Handover{Longest: 2.2}).Bound(); got != 3*time.Second {
		t.Errorf("2.2 s: %s", got)
	}
}

// A node that told what it allows does not have to refuse a commit for a person to
// learn that it will.
func TestWhatANodesOwnFileWillRefuseIsForetold(t *testing.T) {
	w := newWorld(t)
	w.stb.Allow = &spec.Allow{Systemd: []string{"two.service"}}
	f := w.plan()
	if len(f.Objections) != 1 || f.Objections[0].Node != "s" || f.Objections[0].What != ObjectConditions ||
		!strings.Contains(f.Objections[0].Why, `add under allow.systemd: - "one.service"`) {
		t.Errorf("standby will refuse the commit, and the objections are %+v", f.Objections)
	}
	w.stb.Allow, w.main.Allow = &spec.Allow{Systemd: []string{"one.service"}}, &spec.Allow{}
	f = w.plan()
	if len(f.Objections) != 0 || !strings.Contains(strings.Join(f.Notes, "\n"), "m: its own file will refuse this: services[0].systemd") {
		t.Errorf("main will refuse the commit: objections %+v, notes %q", f.Objections, f.Notes)
	}
}
