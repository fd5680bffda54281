package record

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mainstay/e2e/attack"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// fullInput is an input with something in every field.
func fullInput() plan.Input {
	at := time.Date(2026, 3, 1, 8, 30, 0, 123456789, time.UTC)
	report := plan.Report{Deployment: "paris", Node: "xivo-main", Role: "xivo", Side: spec.Main, Instance: "m-1",
		Status: plan.Active, Reason: "all services run and answer", Rule: plan.R3, Declared: spec.Main, Ready: true,
		Running: true, Seen: "c1", Accepted: "c1", Applied: "c1", Document: "d1", Seq: 6, Holder: "main",
		Guarantee: plan.Released, Services: []plan.ServiceReport{{Name: "asterisk", Run: plan.Running, Ready: true}},
		Conditions: []plan.Condition{{Type: "X", Message: "y"}}, Checks: []plan.CheckReport{{Name: "age", OK: true, At: at}},
		Jobs:     []plan.JobReport{{Name: "replicate", At: at, Skipped: "the node is Paused"}},
		Versions: map[string]string{"mainstay": "1"}, Phases: []plan.Phase{{Name: "seen", At: at}},
		Until: at, Since: at, At: at, LastRead: at}
	view := plan.ReportView{Known: true, Report: report, SeqBefore: 5}
	tip := plan.Tip{ID: "abc", Claim: plan.Claim{Seq: 6, Holder: "main", Node: "xivo-main", Instance: "m-1", Action: plan.Seize,
		Start: 12, Commit: "c1", Document: "d1", Guarantee: plan.Lease, Reason: "r", Lease: spec.Duration(30 * time.Second),
		StopBound: spec.Duration(45 * time.Second), Debt: spec.Duration(time.Second), At: at}}
	sides := plan.SideReports{spec.Main: &view, spec.Standby: {}}
	return plan.Input{
		Now: 95 * time.Second, Boot: "b1", Instance: "s-1", Blocked: "", Restarted: true, Late: true,
		Doc: &plan.Doc{Commit: "c2", Digest: "d2", Active: spec.Standby, Node: "xivo-standby", Role: "xivo", Exclusive: true,
			Side: spec.Standby, Peer: "xivo-main", PeerPaused: true, Witness: true, Detect: true, Reason: "why",
			Handover: spec.Handover{Wait: spec.Duration(30 * time.Second), Unconfirmed: spec.UnconfirmedStart,
				Absent: spec.AbsentKeep, Lease: spec.Duration(time.Minute)},
			StopBound: 50 * time.Second, StopTime: 20 * time.Second, Coordinated: true,
			Services: []plan.Service{{Name: "asterisk", Drain: time.Minute, ByHand: "systemctl stop asterisk"}}},
		Claim:    plan.ClaimView{Tip: tip, Read: true, Began: 94 * time.Second, Reachable: true, Elsewhere: 6},
		Peer:     view,
		Followed: &plan.FollowView{Claim: plan.ClaimView{Tip: tip}, Reports: sides},
		Roles:    []plan.RoleView{{Role: "xivo", Tip: tip, Reports: sides}},
		Witness:  plan.ProbeView{Known: true, SilentSince: 50 * time.Second, Silent: true},
		Detect:   map[spec.Side]plan.ProbeView{spec.Main: {Known: true, Answers: true}, spec.Standby: {}},
		Services: []plan.Observed{{Run: plan.Stopped, Op: plan.OpStop, Err: "e", Drained: true, Detail: "inactive (dead)"}},
		Files:    []plan.FileState{{Path: "/etc/x", Same: true}},
		Pause:    &plan.PauseOrder{Reason: "p"},
		Takeover: &plan.TakeoverAsk{Attest: "a", Adopt: true, Reroot: true},
		Memory: plan.Memory{Boot: "b1", Stage: plan.StageClaiming, Start: 4, Pending: &plan.Pending{Parent: "abc", Action: plan.Seize},
			Waiting: true, WaitSince: 60 * time.Second, Hold: plan.Hold{Start: 4, Since: 61 * time.Second, For: time.Minute, Begun: true},
			StopRule: plan.R2, StopSince: 7, FencedAt: 8, Local: plan.R6, Guarantee: plan.Presumed, TakenOver: true,
			Tries: []plan.Tries{{Count: 2, Last: 90 * time.Second}}, Renders: []plan.Tries{{}}, Serving: spec.Main},
	}
}

// plainInput is a standby in the middle of taking over.
func plainInput() plan.Input {
	in := fullInput()
	in.Late, in.Pause, in.Takeover, in.Memory.Pending, in.Memory.Local = false, nil, nil, nil, ""
	in.Claim.Tip.Lease, in.Doc.Handover.Lease = 0, 0
	in.Followed, in.Doc.PeerPaused, in.Memory.TakenOver = nil, false, false
	in.Services = []plan.Observed{{Run: plan.Stopped}}
	return in
}

func entryOf(in plan.Input) Entry {
	return Entry{At: time.Date(2026, 3, 1, 8, 31, 0, 0, time.UTC), Input: in, Decision: plan.Decide(&in)}
}

func roundTrip(t *testing.T, e Entry) Entry {
	t.Helper()
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var out Entry
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestInputAndDecisionSurviveJSONExactly(t *testing.T) {
	for name, in := range map[string]plan.Input{"every field": fullInput(), "takeover": plainInput(), "empty": {}} {
		t.Run(name, func(t *testing.T) {
			e := entryOf(in)
			if diff := cmp.Diff(e, roundTrip(t, e), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("saved and read back (-before +after):\n%s", diff)
			}
		})
	}
}

func TestReplayOfASavedInputReachesTheSavedDecision(t *testing.T) {
	for name, in := range map[string]plan.Input{"every field": fullInput(), "takeover": plainInput(), "empty": {}} {
		t.Run(name, func(t *testing.T) {
			e := roundTrip(t, entryOf(in))
			if same, d := Replay(e); !same {
				t.Errorf("decided otherwise (-saved +now):\n%s", cmp.Diff(e.Decision, d))
			}
			e.Decision.Wake++
			if same, _ := Replay(e); same {
				t.Error("a decision that differs in one nanosecond passes as the same")
			}
		})
	}
}

func TestEqualDecisionsInARowAreCounted(t *testing.T) {
	r := NewJournal()
	e := entryOf(plainInput())
	r.add(e)
	e.Decision.Wake += time.Second
	e.Decision.Until += time.Second
	e.Decision.Memory.Tries = []plan.Tries{{Count: 9}}
	r.add(e)
	r.add(e)
	got := r.Last(10)
	if len(got) != 1 || got[0].Repeated != 2 {
		t.Fatalf("%d entries, the newest repeated %d times; want one, repeated twice", len(got), got[0].Repeated)
	}
	for name, change := range map[string]func(*plan.Decision){
		"status":     func(d *plan.Decision) { d.Status = plan.Failed },
		"rule":       func(d *plan.Decision) { d.Rule = plan.R7 },
		"reason":     func(d *plan.Decision) { d.Reason = "another" },
		"steps":      func(d *plan.Decision) { d.Steps = append(d.Steps, plan.Step{Do: plan.DoStop}) },
		"push":       func(d *plan.Decision) { d.Push = &plan.Push{Parent: "another"} },
		"conditions": func(d *plan.Decision) { d.Conditions = append(d.Conditions, plan.Condition{Type: "Another"}) },
	} {
		before := len(r.Last(kept))
		change(&e.Decision)
		r.add(e)
		if len(r.Last(kept)) != before+1 {
			t.Errorf("a decision with another %s is counted as the same", name)
		}
	}
}

// distinct returns an entry that differs from those of other numbers.
func distinct(i int) Entry {
	return Entry{Decision: plan.Decision{Status: plan.Held, Reason: fmt.Sprintf("reason %d", i)}}
}

func TestTheRingKeepsTheNewest(t *testing.T) {
	r := NewJournal()
	for i := range 3 * kept {
		r.add(distinct(i))
	}
	got := r.Last(10 * kept)
	if len(got) != kept || got[0].Decision.Reason != fmt.Sprintf("reason %d", 2*kept) {
		t.Errorf("%d entries from %q on", len(got), got[0].Decision.Reason)
	}
	if len(r.Last(-1)) != 0 {
		t.Error("fewer than none were asked for, and some came")
	}
}

func TestRecordNeverWaitsForADiskThatHangs(t *testing.T) {
	r := NewJournal() // nothing takes from its queue
	for i := range 10 * queued {
		r.add(distinct(i))
	}
	if r.Dropped() != 9*queued {
		t.Errorf("%d dropped, want %d", r.Dropped(), 9*queued)
	}
}

// written records entries while a file writes them, to the end.
func written(t *testing.T, dir string, entries ...Entry) *Journal {
	t.Helper()
	r := NewJournal()
	f := NewWriter(r, dir, slog.New(slog.DiscardHandler))
	for _, e := range entries {
		r.add(e)
		for len(r.queue) > 0 {
			f.take(<-r.queue)
		}
	}
	f.close()
	return r
}

func reasons(entries []Entry) []string {
	var out []string
	for _, e := range entries {
		out = append(out, fmt.Sprintf("%s+%d", e.Decision.Reason, e.Repeated))
	}
	return out
}

func TestPassesAreReadBackFromDiskWithTheirRepeats(t *testing.T) {
	dir := t.TempDir()
	e := entryOf(plainInput())
	written(t, dir, e, distinct(1), distinct(1), distinct(1), distinct(2))
	got, err := Read(dir, 100)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{e.Decision.Reason + "+0", "reason 1+2", "reason 2+0"}, reasons(got)); diff != "" {
		t.Error(diff)
	}
	if same, _ := Replay(got[0]); !same {
		t.Error("what was read back decides otherwise")
	}
	if got, _ = Read(dir, 1); len(got) != 1 || got[0].Decision.Reason != "reason 2" {
		t.Errorf("the newest one is %v", reasons(got))
	}
}

func TestTheFilesStaySmallAndKeepTheNewest(t *testing.T) {
	dir := t.TempDir()
	long := strings.Repeat("x", 100_000)
	var all []Entry
	for i := range 40 {
		e := distinct(i)
		e.Decision.Conditions = []plan.Condition{{Message: long}}
		all = append(all, e)
	}
	written(t, dir, all...)
	files, _ := os.ReadDir(dir)
	var size int64
	for _, f := range files {
		info, _ := f.Info()
		size += info.Size()
	}
	if len(files) != 2 || size > 2*fileSize+4*int64(len(long)) {
		t.Errorf("%d files of %d bytes", len(files), size)
	}
	got, err := Read(dir, 1)
	if err != nil || got[0].Decision.Reason != "reason 39" {
		t.Errorf("the newest is %v, %v", reasons(got), err)
	}
}

func TestATornLineCostsOneEntry(t *testing.T) {
	dir := t.TempDir()
	written(t, dir, distinct(1), distinct(2))
	path := filepath.Join(dir, newerFile)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b[:len(b)-20], 0o600); err != nil {
		t.Fatal(err)
	}
	written(t, dir, distinct(3))
	got, err := Read(dir, 10)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"reason 1+0", "reason 3+0"}, reasons(got)); diff != "" {
		t.Error(diff)
	}
}

func TestADiskThatRefusesDropsAndRecovers(t *testing.T) {
	attack.Row(t, "accident", "the disk refuses the journal", "the agent runs on and says so")
	dir := filepath.Join(t.TempDir(), "state")
	r := NewJournal()
	f := NewWriter(r, dir, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	r.add(distinct(1))
	f.take(<-r.queue) // the folder is not there
	if r.Dropped() != 1 {
		t.Errorf("%d dropped, want 1", r.Dropped())
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	go func() { defer close(done); f.Run(ctx) }()
	r.add(distinct(2))
	cancel()
	<-done
	got, err := Read(dir, 10)
	if err != nil || len(got) != 1 || got[0].Decision.Reason != "reason 2" {
		t.Errorf("got %v, %v", reasons(got), err)
	}
}

func TestEntriesAreReadFromWhatExplainPrints(t *testing.T) {
	e := entryOf(plainInput())
	e.Repeated = 3
	one, _ := json.MarshalIndent(e, "", "  ")
	many, _ := json.MarshalIndent(map[string]any{"entries": []Entry{e, e}}, "", "  ")
	line, _ := json.Marshal(e)
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"one entry":   {string(one), 1},
		"explain":     {string(many), 2},
		"lines":       {string(line) + "\n" + string(line) + "\n", 2},
		"not entries": {"hello\n{}\n", 0},
		"nothing":     {"", 0},
	} {
		got, err := ReadEntries(strings.NewReader(c.text))
		if err != nil || len(got) != c.want {
			t.Errorf("%s: %d entries, %v; want %d", name, len(got), err, c.want)
		}
		for _, g := range got {
			if diff := cmp.Diff(e, g, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	}
}

func TestWordsTellWhatWhyAndByWhichRule(t *testing.T) {
	e := entryOf(plainInput())
	e.Decision.Steps = []plan.Step{{Do: plan.DoStop, Index: 0, Rule: plan.R1, Reason: "the claim is free"},
		{Do: plan.DoRender, Index: 0, Rule: plan.RService, Reason: "changed"}, {Do: plan.DoStart, Index: 7, Rule: plan.R3, Reason: "down"},
		{Do: plan.DoSelfFence, Rule: plan.R7, Reason: "too late"}}
	e.Repeated = 4
	got := Words(e)
	for _, want := range []string{
		"Activating: ", "(R4, taking over)", "guarantee presumed", "seize the claim as seq 7",
		"stops asterisk: the claim is free (R1, fencing)", "renders /etc/x", "starts number 8", "self-fence: too late (R7, lease)",
		"decided the same 4 more times",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in:\n%s", want, got)
		}
	}
}

func TestWhatOthersSaidIsNoLineOfTheStory(t *testing.T) {
	attack.Row(t, "terminal", "a reason with line breaks and escape sequences, shown by mainstay explain", "one line, cleaned")
	e := Entry{Decision: plan.Decision{Status: plan.Failed, Reason: "no\n2026-01-01 00:00:00Z  Active: ok\x1b[2J\u202e",
		Conditions: []plan.Condition{{Type: "x", Message: "a\r\n    starts asterisk\u2028b"}}}}
	text := Words(e)
	if n := strings.Count(text, "\n"); n != 2 || strings.ContainsAny(text, "\r\x1b\u2028\u202e") {
		t.Errorf("%q", text)
	}
}
