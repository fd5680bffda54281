package probe

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/attack"
	"mainstay/spec"
)

func serveHTTP(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL + "/"
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func page(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
}

func TestHTTPStatusDecides(t *testing.T) {
	for _, c := range []struct {
		code  int
		wants []int
		says  string // empty for an answer
	}{
		{200, nil, ""}, {204, nil, ""}, {304, nil, ""}, {302, nil, ""},
		{404, nil, "answered 404 Not Found, expected 200 to 399"},
		{503, nil, "answered 503 Service Unavailable"},
		{401, []int{200, 401}, ""},
		{204, []int{200, 401}, "answered 204 No Content, expected 200 or 401"},
		{302, []int{302}, ""},
	} {
		url := serveHTTP(t, status(c.code))
		err := ask(t, spec.Probe{HTTP: url, Status: c.wants, Timeout: long})
		if c.says == "" && err != nil {
			t.Errorf("%d: %v", c.code, err)
		}
		if c.says != "" {
			wantError(t, err, "http get "+url, c.says)
		}
	}
}

func TestHTTPBodyIsSearchedInItsFirst64KiB(t *testing.T) {
	filler := strings.Repeat("x", maxBody)
	wantAnswer(t, spec.Probe{HTTP: serveHTTP(t, page("it is ready now")), Body: "ready", Timeout: long})
	wantAnswer(t, spec.Probe{HTTP: serveHTTP(t, page(filler[:maxBody-5]+"ready"+filler)), Body: "ready", Timeout: long})
	late := ask(t, spec.Probe{HTTP: serveHTTP(t, page(filler[:maxBody-4]+"ready")), Body: "ready", Timeout: long})
	wantError(t, late, `"ready" is not in the first 65536 bytes`)
	wrong := ask(t, spec.Probe{HTTP: serveHTTP(t, page("maintenance")), Body: "ready", Timeout: long})
	wantError(t, wrong, `"ready" is not in the first 11 bytes of the page`)
	if strings.Contains(wrong.Error(), "maintenance") {
		t.Errorf("a report would publish the page: %v", wrong)
	}
}

func TestABodyThatDripsIsAnAnswerAsSoonAsTheTextIsThere(t *testing.T) {
	url := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		for _, b := range []byte("..ready..") {
			_, _ = w.Write([]byte{b})
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	})
	wantAnswer(t, spec.Probe{HTTP: url, Body: "ready", Timeout: long})
	wantAnswer(t, spec.Probe{HTTP: url, Timeout: long})
	err := ask(t, spec.Probe{HTTP: url, Body: "never", Timeout: short})
	wantError(t, err, `"never" had not come after 9 bytes`, "no answer within 200ms")
}

func TestHTTPWithoutAnAnswerSaysWhy(t *testing.T) {
	say := func(text string) string {
		return "http://" + serveTCP(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1<<16))
			_, _ = c.Write([]byte(text))
		}) + "/"
	}
	headers := "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Filler: "+strings.Repeat("y", 1000)+"\r\n", 100)
	for name, c := range map[string]struct{ url, says string }{
		"silent":       {"http://" + serveTCP(t, silent) + "/", "no answer within 200ms"},
		"silent tls":   {"https://" + serveTCP(t, silent) + "/", "no answer within 200ms"},
		"closed":       {say(""), "the connection was closed before the answer was complete"},
		"half":         {say("HTTP/1.1 200 OK\r\nX: "), "the connection was closed before the answer was complete"},
		"garbage":      {say("SSH-2.0-OpenSSH\r\n"), "malformed HTTP"},
		"huge headers": {say(headers), "header"},
		"nobody":       {"http://" + nobody(t) + "/", "nothing listens there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := ask(t, spec.Probe{HTTP: c.url, Timeout: boundFor(c.says)})
			wantError(t, err, "http get "+c.url, c.says)
		})
	}
}

func TestACertificateIsCheckedUnlessTheProbeIsInsecure(t *testing.T) {
	s := httptest.NewUnstartedServer(page("ready"))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	wantError(t, ask(t, spec.Probe{HTTP: s.URL, Timeout: long}), "its certificate is not accepted")
	wantAnswer(t, spec.Probe{HTTP: s.URL, Body: "ready", Insecure: true, Timeout: long})
}

func TestRedirectsAreFollowedOnlyWhereTheyAreNoAnswerAndOnlyAFew(t *testing.T) {
	hops := func(n int) string {
		return serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
			if len(r.URL.Path) <= n {
				http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
				return
			}
			fmt.Fprint(w, "arrived")
		})
	}
	wantAnswer(t, spec.Probe{HTTP: hops(3), Status: []int{200}, Body: "arrived", Timeout: long})
	wantAnswer(t, spec.Probe{HTTP: hops(3), Body: "arrived", Timeout: long})
	wantAnswer(t, spec.Probe{HTTP: hops(99), Timeout: long})
	err := ask(t, spec.Probe{HTTP: hops(4), Status: []int{200}, Timeout: long})
	wantError(t, err, "redirected more than 3 times")
}

func TestAProbeStaysAtItsHostAndRepeatsNothingOfTheAnswer(t *testing.T) {
	attack.Row(t, "probes", "what a probe asks sends it elsewhere, or answers with a secret", "it stays, and no report holds the secret")
	elsewhere := strings.Replace(serveHTTP(t, page("secret")), "127.0.0.1", "127.0.0.2", 1)
	away := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere+"/secret?token=secret", http.StatusFound)
	})
	raw := func(text string) string {
		return "http://" + serveTCP(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1<<16))
			_, _ = c.Write([]byte(text))
		}) + "/"
	}
	for name, p := range map[string]spec.Probe{
		"another host":     {HTTP: away, Body: "secret"},
		"a page":           {HTTP: serveHTTP(t, page("secret")), Body: "other"},
		"a reason":         {HTTP: raw("HTTP/1.1 503 secret\r\n\r\n")},
		"no HTTP":          {HTTP: raw("secret\r\n")},
		"a bad header":     {HTTP: raw("HTTP/1.1 200 OK\r\nsecret\r\n\r\n")},
		"a bad length":     {HTTP: raw("HTTP/1.1 200 OK\r\nContent-Length: secret\r\n\r\n")},
		"a bad redirect":   {HTTP: raw("HTTP/1.1 302 Found\r\nLocation: http://%secret\r\n\r\n"), Body: "x"},
		"a link-local one": {HTTP: "http://169.254.169.254/"},
	} {
		p.Timeout = long
		err := ask(t, p)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantError(t, ask(t, spec.Probe{HTTP: away, Body: "secret", Timeout: long}), "redirected to another host")
	wantError(t, ask(t, spec.Probe{TCP: "[::ffff:169.254.1.1]:80", Timeout: long}), "link-local")
}

func TestNoEnvironmentVariableSendsAProbeThroughAProxy(t *testing.T) {
	attack.Row(t, "probes", "a proxy variable in the agent's environment", "not used")
	proxy := serveHTTP(t, page("from the proxy"))
	t.Setenv("HTTP_PROXY", proxy)
	t.Setenv("http_proxy", proxy)
	q := &httpQuestion{}
	client, done := q.client(&dialed{})
	defer done()
	if client.Transport.(*http.Transport).Proxy != nil {
		t.Error("the client asks for a proxy")
	}
}

func TestAPasswordInAURLStaysOutOfTheError(t *testing.T) {
	err := ask(t, spec.Probe{HTTP: "http://user:secret@" + nobody(t) + "/", Timeout: long})
	wantError(t, err, "nothing listens there")
	if strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

func TestAnHTTPTryLeavesNothingBehind(t *testing.T) {
	drip := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "started")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	mute := "http://" + serveTCP(t, silent) + "/"
	leavesNothing(t, func() {
		for range 5 {
			wantAnswer(t, spec.Probe{HTTP: drip, Body: "started", Timeout: long})
			bound := spec.Duration(10 * time.Millisecond)
			wantError(t, ask(t, spec.Probe{HTTP: drip, Body: "ended", Timeout: bound}), "no answer")
			wantError(t, ask(t, spec.Probe{HTTP: mute, Timeout: bound}), "no answer")
		}
	})
}
