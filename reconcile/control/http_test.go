package control

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/attack"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

func newAnswer() *httptest.ResponseRecorder { return httptest.NewRecorder() }

func newOrder(path, body string) *http.Request {
	return httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
}

func (n *ctlNode) handler() http.Handler {
	return (&HTTP{Agent: n.agent, Metrics: n.metrics.Handler(), Notify: &Notifier{Look: n.agent.Sync}, Boot: n.clock.Boot, Began: n.clock.Boot()}).Handler()
}

func get(h http.Handler, path string) (int, string) {
	w := newAnswer()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func TestMetricsSayWhatTheNodeIsAndDid(t *testing.T) {
	n := ctlServing(t)
	n.metrics.CountDropped(n.journal.Dropped)
	n.services.set(0, plan.Stopped)
	n.agent.Wake()
	n.until("healed", func(r plan.Report) bool { return r.Status == plan.Activating })
	n.untilStatus(plan.Active)
	code, text := get(n.handler(), "/metrics")
	if code != http.StatusOK {
		t.Fatalf("answered %d: %s", code, text)
	}
	for _, want := range []string{
		`mainstay_build_info{version="test"} 1`,
		`mainstay_node_info{deployment="paris",node="xivo-main",role="xivo",side="main"} 1`,
		`mainstay_status{status="Active"} 1`, `mainstay_status{status="Held"} 0`,
		`mainstay_claim_seq 1`, `mainstay_running 1`, `mainstay_converged 1`,
		`mainstay_looks_total{result="ok"}`, `mainstay_claim_pushes_total{action="take",result="ok"} 1`,
		`mainstay_steps_total{do="start"} 2`, `mainstay_heals_total 1`, `mainstay_explain_dropped_total 0`,
		`mainstay_service_ready{service="asterisk"} 1`, `mainstay_pass_duration_seconds_count`, `mainstay_last_pass_age_seconds`,
		`mainstay_last_good_read_age_seconds`, `process_resident_memory_bytes`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestMetricsCountWhatFails(t *testing.T) {
	n := ctlServing(t)
	n.git.with(func() { n.git.down = true })
	ctx, cancel := context.WithTimeout(t.Context(), ctlBound)
	defer cancel()
	if _, err := n.agent.SyncWait(ctx); err != nil {
		t.Fatal(err)
	}
	_, text := get(n.handler(), "/metrics")
	for _, want := range []string{`mainstay_looks_total{result="failed"}`, `mainstay_conditions{type="GitUnreachable"} 1`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestHealthIsAboutPassesAndReadinessAboutServing(t *testing.T) {
	n := ctlRun(t, "xivo-main", func(n *ctlNode) {
		n.git.commit(ctlDocument(spec.Main, ""), false)
		n.git.setClaim(plan.Claim{Seq: 4, Holder: "main", Node: "xivo-main", Instance: "another", Start: 9})
	})
	n.untilStatus(plan.Held)
	h := n.handler()
	if code, text := get(h, "/healthz"); code != http.StatusOK {
		t.Errorf("a held node makes passes, and healthz answers %d: %s", code, text)
	}
	if code, text := get(h, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "another instance") {
		t.Errorf("a held node is ready: %d: %s", code, text)
	}
	serving := ctlServing(t)
	if code, text := get(serving.handler(), "/readyz"); code != http.StatusOK || !strings.Contains(text, "Active") {
		t.Errorf("an Active node is not ready: %d: %s", code, text)
	}
}

func TestAnAgentThatMakesNoPassesIsNotHealthy(t *testing.T) {
	n := newCtlNode(t, "xivo-main", func(n *ctlNode) { n.git.commit(ctlDocument(spec.Main, ""), false) })
	var after time.Duration
	boot := func() time.Duration { return n.clock.Boot() + after }
	h := (&HTTP{Agent: n.agent, Metrics: http.NotFoundHandler(), Notify: http.NotFoundHandler(), Boot: boot, Began: n.clock.Boot()}).Handler()
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{aliveBound - time.Second, 200}, {2 * time.Second, 503}} {
		after += c.after
		if code, text := get(h, "/healthz"); code != c.want {
			t.Errorf("answered %d, want %d: %s", code, c.want, text)
		}
	}
	n.run()
	n.untilStatus(plan.Active)
	after = 0
	if code, _ := get(h, "/healthz"); code != http.StatusOK {
		t.Error("a pass does not make it healthy again")
	}
}

func TestTheListenAddressReadsTheStatusAndTakesNoOrders(t *testing.T) {
	n := ctlServing(t)
	h := n.handler()
	code, text := get(h, "/v1/status")
	var v View
	if err := json.Unmarshal([]byte(text), &v); code != http.StatusOK || err != nil || v.Node.Status != plan.Active {
		t.Errorf("answered %d, %v: %s", code, err, text)
	}
	for _, path := range []string{"/v1/sync", "/v1/pause", "/v1/resume", "/v1/accept", "/v1/takeover", "/v1/status"} {
		w := newAnswer()
		h.ServeHTTP(w, newOrder(path, "{}"))
		if w.Code < 400 {
			t.Errorf("%s is served to everybody: %d", path, w.Code)
		}
	}
}

// listening serves a handler on a loopback port until the test ends.
func listening(t *testing.T, h http.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		serve(ctx, l, h, 0, slog.New(slog.DiscardHandler))
	}()
	t.Cleanup(func() { cancel(); <-done })
	return l.Addr().String()
}

func TestTooManyRequestsAreTurnedAwayAtOnce(t *testing.T) {
	entered, leave := make(chan struct{}, busyMost), make(chan struct{})
	addr := listening(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		entered <- struct{}{}
		<-leave
	}))
	defer close(leave)
	for range busyMost {
		go func() {
			if resp, err := http.Get("http://" + addr); err == nil {
				_ = resp.Body.Close()
			}
		}()
	}
	for range busyMost {
		<-entered
	}
	resp, err := http.Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("one more than %d answered %d", busyMost, resp.StatusCode)
	}
}

// Who only opens connections, or sends half a request, keeps nobody else out.
func TestHalfOpenConnectionsDelayNobody(t *testing.T) {
	attack.Row(t, "HTTP", "300 half-open connections to the listen address", "healthz answers at once")
	addr := listening(t, http.NotFoundHandler())
	dial := func(text string) net.Conn {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_, _ = io.WriteString(c, text)
		return c
	}
	for i := range 300 {
		dial([]string{"", "GET / HTTP/1.1\r\nHost: x\r\n"}[i%2])
	}
	began := time.Now()
	c := dial("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	_ = c.SetReadDeadline(time.Now().Add(ctlBound))
	if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.Contains(line, "404") {
		t.Errorf("got %q, %v after %s", line, err, time.Since(began))
	}
}

// No more connections than the bound are open, and one that is asked keeps its place.
func TestConnectionsAreBounded(t *testing.T) {
	attack.Row(t, "HTTP", "more connections than there are slots", "turned away, the others answered")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := newLimited(l, 2)
	t.Cleanup(func() { _ = n.Close() })
	take := func() *limitedConn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		a, err := n.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return a.(*limitedConn)
	}
	first, second := take(), take()
	first.ask(1)
	third := take()
	if !slices.Equal(n.open, []*limitedConn{first, third}) {
		t.Errorf("open are %v, and not the first and the third", n.open)
	}
	if _, err := second.Read(make([]byte, 1)); err == nil {
		t.Error("the one that gave its place up is still open")
	}
	first.ask(-1)
	if take(); slices.Contains(n.open, first) || len(n.open) != 2 {
		t.Errorf("open are %v", n.open)
	}
}

// A page of a stranger's name that has come to mean loopback reads nothing (DNS
// rebinding); addresses and this machine's own names do.
func TestAStrangersNameForLoopbackIsRefused(t *testing.T) {
	attack.Row(t, "HTTP", "a browser on the machine is sent to loopback under a stranger's name", "421, nothing is told")
	addr := listening(t, ownHost(http.NotFoundHandler(), "xivo-main"))
	for host, want := range map[string]int{
		"rebind.example.org": 421, "xivo-main.evil.example": 421, "localhost.evil.example:9477": 421, "2130706433": 421,
		"localhost:9477": 404, "127.0.0.1": 404, "[::1]:9477": 404, "10.20.0.11:9477": 404, "XIVO-main.": 404,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: answered %d, want %d", host, resp.StatusCode, want)
		}
	}
}

func TestNotificationsWithoutASecretAreLimited(t *testing.T) {
	attack.Row(t, "HTTP", "a local user notifies without a secret as fast as can be", "20 looks, then 2 a second")
	open, closed := &Notifier{}, &Notifier{SecretFile: "secret"}
	open.last, closed.last = time.Now(), time.Now()
	for i := range openBurst + 5 {
		want := notifyGap
		if i >= openBurst {
			want = openGap
		}
		if got := open.gap(); got != want {
			t.Errorf("look %d waits %s, want %s", i, got, want)
		}
		if got := closed.gap(); got != notifyGap {
			t.Errorf("with a secret look %d waits %s", i, got)
		}
	}
	if open.last = time.Now().Add(-time.Minute); open.gap() != notifyGap {
		t.Error("a minute later the burst is not given back")
	}
}
