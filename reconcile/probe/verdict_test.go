package probe

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"mainstay/spec"
)

// closedPort is an address of this machine where nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// mute is a server that accepts connections and says nothing.
func mute(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	return l.Addr().String()
}

// TestOnlyAQuestionThatWasPutCanMeetSilence: R4 and R6 take silence for a sign of
// death, so that failing to ask must never look like it.
func TestOnlyAQuestionThatWasPutCanMeetSilence(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, "http://pbx.no-such-host.invalid/", http.StatusFound)
		case "/broken":
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(page.Close)
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	closed := closedPort(t)
	missing := filepath.Join(t.TempDir(), "missing")
	shell := func(text string) []string { return []string{"/bin/sh", "-c", text} }
	for name, c := range map[string]struct {
		probe spec.Probe
		want  Verdict
	}{
		"the wanted answer":            {spec.Probe{HTTP: page.URL}, Answered},
		"another status":               {spec.Probe{HTTP: page.URL, Status: []int{204}}, Otherwise},
		"an error page":                {spec.Probe{HTTP: page.URL + "/broken"}, Otherwise},
		"another page":                 {spec.Probe{HTTP: page.URL, Body: "telephone"}, Otherwise},
		"a redirect to nowhere":        {spec.Probe{HTTP: page.URL + "/away", Body: "telephone"}, Otherwise},
		"a certificate of nobody":      {spec.Probe{HTTP: secure.URL}, Otherwise},
		"plain text instead of TLS":    {spec.Probe{HTTP: "https" + page.URL[len("http"):]}, Otherwise},
		"a name nobody knows":          {spec.Probe{HTTP: "http://pbx.no-such-host.invalid:8080/"}, Unasked},
		"a name nobody knows, tcp":     {spec.Probe{TCP: "pbx.no-such-host.invalid:8080"}, Unasked},
		"a name nobody knows, sip":     {spec.Probe{SIP: "pbx.no-such-host.invalid"}, Unasked},
		"nothing listens":              {spec.Probe{TCP: closed}, Refused},
		"nothing listens, http":        {spec.Probe{HTTP: "http://" + closed + "/"}, Refused},
		"nothing listens, sip":         {spec.Probe{SIP: closed}, Refused},
		"accepted and mute":            {spec.Probe{HTTP: "http://" + mute(t) + "/"}, Silent},
		"accepted and mute, sip":       {spec.Probe{SIP: mute(t), Transport: "tcp"}, Silent},
		"a command that says yes":      {spec.Probe{Command: shell("exit 0")}, Answered},
		"a command that says no":       {spec.Probe{Command: shell("exit 1")}, Silent},
		"a command that cannot tell":   {spec.Probe{Command: shell("exit 2")}, Unasked},
		"a command that was killed":    {spec.Probe{Command: shell("kill -9 $$")}, Unasked},
		"a command that takes forever": {spec.Probe{Command: shell("sleep 60")}, Unasked},
		"no such program":              {spec.Probe{Command: []string{missing}}, Unasked},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.probe.Timeout = spec.Duration(short)
			ask, err := New(c.probe)
			if err != nil {
				t.Fatal(err)
			}
			if err = ask(t.Context()); VerdictOf(err) != c.want {
				t.Errorf("verdict %d, want %d: %v", VerdictOf(err), c.want, err)
			}
		})
	}
}

// An error of a kind that nobody thought of proves nothing.
func TestAnUnknownErrorIsNoSilence(t *testing.T) {
	if v := VerdictOf(fmt.Errorf("what is this")); v != Unasked {
		t.Errorf("verdict %d", v)
	}
}

// A node whose own network is down must not take others for dead (R6).
func TestAWayThatDoesNotExistIsNoSilence(t *testing.T) {
	if err := ownNetwork("127.0.0.1:9"); err != nil {
		t.Errorf("loopback is always up: %v", err)
	}
	ask, err := New(spec.Probe{TCP: "[2001:db8::1]:9", Timeout: spec.Duration(short)})
	if err != nil {
		t.Fatal(err)
	}
	if conn, err := net.Dial("udp", "[2001:db8::1]:9"); err == nil {
		_ = conn.Close()
		return // this machine has a way to everywhere
	}
	if err := ask(t.Context()); VerdictOf(err) != Unasked {
		t.Errorf("verdict %d: %v", VerdictOf(err), err)
	}
}
