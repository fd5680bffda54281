package control

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/e2e/attack"
	"mainstay/reconcile"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/permit"
	"mainstay/reconcile/record"
	"mainstay/spec"
)

// dial serves the node's control socket and returns a client of it.
func (n *ctlNode) dial() *Client {
	n.t.Helper()
	path := filepath.Join(n.t.TempDir(), "agent.sock")
	l, err := ListenSocket(path)
	if err != nil {
		n.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.control.Serve(ctx, l, slog.New(slog.DiscardHandler))
	}()
	n.t.Cleanup(func() { cancel(); <-done })
	return NewClient(path, n.clock.Boot)
}

// refused asserts that an order was refused by a rule, with words in the reason.
func refused(t *testing.T, err error, rule plan.Rule, words string) {
	t.Helper()
	var r *permit.Refused
	if !errors.As(err, &r) {
		t.Fatalf("got %v, want a refusal", err)
	}
	if r.Rule != rule || !strings.Contains(r.Reason, words) {
		t.Errorf("refused by %q: %q, want %q with %q", r.Rule, r.Reason, rule, words)
	}
}

func misused(t *testing.T, err error, words string) {
	t.Helper()
	var m *Misused
	if !errors.As(err, &m) || !strings.Contains(m.Reason, words) {
		t.Errorf("got %v, want a misuse that says %q", err, words)
	}
}

func TestStatusTellsThisNodeTheOthersAndTheClaims(t *testing.T) {
	n := ctlServing(t)
	n.git.with(func() {
		n.git.reports["r1"] = plan.Report{Deployment: "paris", Node: "xivo-standby", Role: "xivo", Side: spec.Standby,
			Status: plan.Inactive, Reason: "the document declares main"}
		n.git.refs[plan.ReportRef("paris", "xivo-standby")] = "r1"
	})
	c := n.dial()
	if _, err := c.Sync(t.Context(), ctlBound); err != nil {
		t.Fatal(err)
	}
	v, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if v.Node.Node != "xivo-main" || v.Node.Status != plan.Active {
		t.Errorf("node is %s %s", v.Node.Node, v.Node.Status)
	}
	if s := v.Others["xivo-standby"]; s.Status != plan.Inactive || s.Side != spec.Standby {
		t.Errorf("xivo-standby is %+v", s)
	}
	if e := v.Others["edge"]; e.Status != plan.Unknown || e.Role != "edge" || e.Reason == "" {
		t.Errorf("a node that was never heard of is %+v", e)
	}
	if len(v.Others) != 2 {
		t.Errorf("others are %v, want the two other nodes", v.Others)
	}
	if k := v.Claims["xivo"]; k.Holder != "main" || k.Seq != 1 || k.Instance != "xivo-main-1" || !k.Reachable {
		t.Errorf("claim is %+v", k)
	}
}

func TestSyncWithWaitReturnsAfterALookThatBeganLater(t *testing.T) {
	n := ctlServing(t)
	c := n.dial()
	hash := n.git.commit(ctlDocument(spec.Main, "# another"), false)
	a, err := c.Sync(t.Context(), ctlBound)
	if err != nil {
		t.Fatal(err)
	}
	if a.Report == nil || a.Report.Accepted != hash {
		t.Errorf("after the sync the report is %+v, want commit %s accepted", a.Report, hash)
	}
}

func TestSyncSaysThatGitDoesNotAnswer(t *testing.T) {
	n := ctlServing(t)
	c := n.dial()
	n.git.with(func() { n.git.down = true })
	if _, err := c.Sync(t.Context(), ctlBound); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v, want the reason why git was not read", err)
	}
	if r, _ := n.agent.Status(); r.Status != plan.Active {
		t.Errorf("the node is %s without git, want Active (R5)", r.Status)
	}
}

func TestPauseHasAReasonAndAnEndAndResumeEndsIt(t *testing.T) { // R11
	n := ctlServing(t)
	c := n.dial()
	_, err := c.Pause(t.Context(), PauseRequest{For: "1h"})
	misused(t, err, "reason")
	_, err = c.Pause(t.Context(), PauseRequest{Reason: "disk swap"})
	misused(t, err, "end")
	_, err = c.Pause(t.Context(), PauseRequest{Reason: "disk swap", For: "tomorrow"})
	misused(t, err, `"tomorrow"`)
	a, err := c.Pause(t.Context(), PauseRequest{Reason: "disk swap", For: "1h"})
	if err != nil {
		t.Fatal(err)
	}
	if a.Report.Status != plan.Paused || a.Report.Reason != "disk swap" {
		t.Errorf("after pause: %s %q", a.Report.Status, a.Report.Reason)
	}
	if a, err = c.Resume(t.Context()); err != nil || a.Report.Status != plan.Active {
		t.Errorf("after resume: %+v, %v", a.Report, err)
	}
	if a, err = c.Resume(t.Context()); err != nil || !strings.Contains(a.Message, "not paused") {
		t.Errorf("a second resume says %q, %v", a.Message, err)
	}
}

func TestAnOrderCountsAndSaysSoWhenTheDiskIsFull(t *testing.T) {
	n := ctlServing(t)
	c := n.dial()
	n.disk.mu.Lock()
	n.disk.full = true
	n.disk.mu.Unlock()
	a, err := c.Pause(t.Context(), PauseRequest{Reason: "disk swap", For: "1h"})
	if err != nil || a.Report.Status != plan.Paused {
		t.Fatalf("got %+v, %v", a, err)
	}
	if !strings.Contains(a.Warning, "no space left") {
		t.Errorf("the warning is %q", a.Warning)
	}
}

func TestOnlyTheNewestCommitOfARewrittenBranchCanBeAccepted(t *testing.T) {
	n := ctlServing(t)
	c := n.dial()
	before, _ := n.agent.Status()
	hash := n.git.commit(ctlDocument(spec.Main, "# rewritten"), true)
	a, err := c.Sync(t.Context(), ctlBound)
	if err != nil || a.Report.Accepted != before.Accepted {
		t.Fatalf("a rewritten branch was accepted: %+v, %v", a.Report, err)
	}
	_, err = c.Accept(t.Context(), AcceptRequest{Commit: "deadbeef"})
	refused(t, err, "", "only that one")
	_, err = c.Accept(t.Context(), AcceptRequest{Commit: "main"})
	misused(t, err, "not a commit")
	_, err = c.Accept(t.Context(), AcceptRequest{})
	misused(t, err, "commit or the claim")
	if a, err = c.Accept(t.Context(), AcceptRequest{Commit: hash[:12]}); err != nil || a.Report.Accepted != hash {
		t.Errorf("after accept: %+v, %v", a.Report, err)
	}
}

func TestACommitThatIsWrongIsNotAcceptedByAPersonEither(t *testing.T) {
	n := ctlServing(t)
	c := n.dial()
	hash := n.git.commit("active: [", true)
	if _, err := c.Sync(t.Context(), ctlBound); err != nil {
		t.Fatal(err)
	}
	_, err := c.Accept(t.Context(), AcceptRequest{Commit: hash})
	refused(t, err, "", "was not accepted")
}

func TestTakeoverActivatesANodeThatTheDocumentDoesNotDeclare(t *testing.T) { // R9
	n := ctlRun(t, "xivo-standby", func(n *ctlNode) {
		n.git.commit(ctlDocument(spec.Main, ""), false)
		n.git.setClaim(plan.Claim{Seq: 7, Holder: "main", Node: "xivo-main", Instance: "xivo-main-1", Start: 3})
	})
	n.untilStatus(plan.Inactive)
	c := n.dial()
	_, err := c.Takeover(t.Context(), TakeoverRequest{Attest: "  "})
	refused(t, err, plan.R9, "statement")
	_, err = c.Takeover(t.Context(), TakeoverRequest{Attest: "x", End: true})
	misused(t, err, "nothing else")
	_, err = c.Takeover(t.Context(), TakeoverRequest{End: true})
	refused(t, err, plan.R9, "no takeover")
	_, err = c.Takeover(t.Context(), TakeoverRequest{Attest: "main burned down", Adopt: true})
	refused(t, err, plan.R9, "held by main")
	if _, err = c.Takeover(t.Context(), TakeoverRequest{Attest: "main burned down"}); err != nil {
		t.Fatal(err)
	}
	r := n.until("Active by a takeover", func(r plan.Report) bool { return r.Status == plan.Active })
	if r.Guarantee != plan.Attested || r.Seq != 8 || r.Takeover != "main burned down" {
		t.Errorf("the report says %s, seq %d, %q", r.Guarantee, r.Seq, r.Takeover)
	}
	if _, err = c.Takeover(t.Context(), TakeoverRequest{End: true}); err != nil {
		t.Fatal(err)
	}
	if r, _ = n.agent.Status(); r.Takeover != "" {
		t.Errorf("the takeover goes on: %q", r.Takeover)
	}
}

// An agent that was frozen finds orders of a while ago.
func TestAnOrderThatIsTakenUpTooLateIsRefused(t *testing.T) { // R9
	n := ctlRun(t, "xivo-standby", func(n *ctlNode) { n.git.commit(ctlDocument(spec.Main, ""), false) })
	n.untilStatus(plan.Inactive)
	c := n.dial()
	c.boot = func() time.Duration { return n.clock.Boot() - reconcile.OrderGoodFor - time.Minute }
	_, err := c.Takeover(t.Context(), TakeoverRequest{Attest: "main is off"})
	refused(t, err, "", "1m0s too late")
	_, err = c.Pause(t.Context(), PauseRequest{Reason: "disks", For: "1h"})
	refused(t, err, "", "1m0s too late")
	if r, _ := n.agent.Status(); r.Takeover != "" || r.Paused {
		t.Errorf("an order that came too late is in force: %+v", r)
	}
}

func TestTakeoverIsRefusedWhereARuleForbidsIt(t *testing.T) {
	for name, c := range map[string]struct {
		node, document string
		rule           plan.Rule
		words          string
	}{
		"this side is fenced": {"xivo-standby", ctlDocument(spec.Main, "fenced: standby"), plan.R2, "fenced: standby"},
		"a shared role":       {"edge", ctlDocument(spec.Main, ""), plan.R9, "belongs to no side"},
		"active already":      {"xivo-main", ctlDocument(spec.Main, ""), plan.R9, "Active already"},
		"the document pauses it": {"xivo-standby", strings.Replace(ctlDocument(spec.Main, ""),
			"side: standby,", "side: standby, paused: true, reason: new disks,", 1), plan.R11, "new disks"},
	} {
		t.Run(name, func(t *testing.T) {
			n := ctlRun(t, c.node, func(n *ctlNode) { n.git.commit(c.document, false) })
			n.until("at rest", func(r plan.Report) bool {
				return r.Status != plan.Unknown && r.Status != plan.Activating && r.Accepted != ""
			})
			_, err := n.dial().Takeover(t.Context(), TakeoverRequest{Attest: "seen by me"})
			refused(t, err, c.rule, c.words)
			if a, _ := n.agent.Status(); a.Takeover != "" {
				t.Errorf("a refused takeover is in force: %q", a.Takeover)
			}
		})
	}
}

func TestAdoptTakesTheClaimOfADeadInstanceOfThisSide(t *testing.T) { // R9
	n := ctlRun(t, "xivo-main", func(n *ctlNode) {
		n.git.commit(ctlDocument(spec.Main, ""), false)
		n.git.setClaim(plan.Claim{Seq: 4, Holder: "main", Node: "xivo-main", Instance: "the-machine-before", Start: 9})
	})
	n.untilStatus(plan.Held)
	if _, err := n.dial().Takeover(t.Context(), TakeoverRequest{Attest: "replaced", Adopt: true}); err != nil {
		t.Fatal(err)
	}
	r := n.untilStatus(plan.Active)
	if r.Seq < 5 || r.Guarantee != plan.Attested {
		t.Errorf("seq %d, %s", r.Seq, r.Guarantee)
	}
}

func TestThereIsNothingToAcceptWhileTheClaimHasNotGoneBack(t *testing.T) { // R10
	n := ctlServing(t)
	_, err := n.dial().Accept(t.Context(), AcceptRequest{Claim: true, Attest: "restored from a backup"})
	refused(t, err, plan.R10, "has not gone back")
}

func TestAClaimThatWentBackIsPutAboveTheHighestNumberByAPerson(t *testing.T) { // R9, R10
	n := ctlServing(t)
	c := n.dial()
	for seq := uint64(2); seq <= 3; seq++ {
		n.git.setClaim(plan.Claim{Seq: seq, Holder: "main", Node: "xivo-main", Instance: "xivo-main-1", Start: 1})
		if _, err := c.Sync(t.Context(), ctlBound); err != nil {
			t.Fatal(err)
		}
	}
	n.git.setClaim(plan.Claim{Seq: 1, Holder: "main", Node: "xivo-main", Instance: "xivo-main-1", Start: 1})
	if _, err := c.Sync(t.Context(), ctlBound); err != nil {
		t.Fatal(err)
	}
	_, err := c.Takeover(t.Context(), TakeoverRequest{Attest: "seen by me", Adopt: true})
	refused(t, err, plan.R10, "went back")
	_, err = c.Accept(t.Context(), AcceptRequest{Claim: true})
	refused(t, err, plan.R9, "statement")
	if _, err := c.Accept(t.Context(), AcceptRequest{Claim: true, Attest: "restored from a backup"}); err != nil {
		t.Fatal(err)
	}
	pushed := func() bool {
		n.git.mu.Lock()
		defer n.git.mu.Unlock()
		return slices.ContainsFunc(mapValues(n.git.claims), func(c plan.Claim) bool {
			return c.Action == plan.Reroot && c.Seq >= 4 && c.Reason == "restored from a backup"
		})
	}
	n.until("pushed above the highest number", func(plan.Report) bool { return pushed() })
}

func mapValues[K comparable, V any](m map[K]V) []V {
	var out []V
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

func TestExplainTellsTheNewestPasses(t *testing.T) {
	n := ctlServing(t)
	e, err := n.dial().Explain(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Entries) == 0 || len(e.Entries) > 3 {
		t.Fatalf("got %d entries, want one to three", len(e.Entries))
	}
	if last := e.Entries[len(e.Entries)-1]; last.Decision.Status != plan.Active {
		t.Errorf("the newest pass decided %s", last.Decision.Status)
	}
}

func TestOrdersAreBoundedAndStrict(t *testing.T) {
	attack.Row(t, "control socket", "orders that are long, or hold what none may", "refused")
	n := ctlServing(t)
	post := func(path, body string) int {
		w := newAnswer()
		n.control.Handler().ServeHTTP(w, newOrder(path, body))
		return w.Code
	}
	for body, want := range map[string]int{
		`{"reason":"x","for":"1h","until":"never"}`:             http.StatusBadRequest,
		`{"reason":"` + strings.Repeat("x", controlBody) + `"}`: http.StatusBadRequest,
		`[]`: http.StatusBadRequest,
		``:   http.StatusBadRequest,
	} {
		if got := post("/v1/pause", body); got != want {
			t.Errorf("pause with %.30q answered %d, want %d", body, got, want)
		}
	}
	if got := post("/v1/sync?wait=1000h", ""); got != http.StatusBadRequest {
		t.Errorf("an endless wait answered %d", got)
	}
	if got := post("/v1/status", ""); got != http.StatusMethodNotAllowed {
		t.Errorf("POST of the status answered %d", got)
	}
}

func TestTheSocketReplacesAStaleOneAndLeavesALiveOneAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run", "agent.sock")
	first, err := ListenSocket(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("mode is %v, %v; want 0660", info.Mode(), err)
	}
	if _, err := ListenSocket(path); !errors.Is(err, ErrInUse) {
		t.Errorf("a second agent got %v, want ErrInUse", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := ListenSocket(path)
	if err != nil {
		t.Fatalf("a socket that was left behind is not replaced: %v", err)
	}
	defer second.Close()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

func TestTheSocketNeverReplacesAFile(t *testing.T) {
	attack.Row(t, "control socket", "a file stands where the socket is to be", "it stays, and the agent says so")
	path := filepath.Join(t.TempDir(), "agent.sock")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ListenSocket(path); err == nil {
		t.Error("a file was replaced by a socket")
	}
	if b, _ := os.ReadFile(path); string(b) != "precious" {
		t.Errorf("the file now holds %q", b)
	}
}

func TestAClientSaysThatThereIsNoAgent(t *testing.T) {
	_, err := NewClient(filepath.Join(t.TempDir(), "none.sock"), ctlClock{time.Now()}.Boot).Status(t.Context())
	if !errors.Is(err, ErrNoAgent) {
		t.Errorf("got %v, want ErrNoAgent", err)
	}
}

func TestAClientDoesNotWaitForAnAgentThatHangs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.sock")
	l, err := ListenSocket(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := NewClient(path, ctlClock{time.Now()}.Boot).Status(ctx); !errors.Is(err, ErrLate) {
		t.Errorf("got %v, want ErrLate", err)
	}
}

func TestARunningAgentsPassesReplay(t *testing.T) {
	n := ctlServing(t)
	for _, e := range n.journal.Last(100) {
		if same, d := record.Replay(e); !same {
			t.Errorf("decided otherwise (-saved +now):\n%s", cmp.Diff(e.Decision, d))
		}
	}
}
