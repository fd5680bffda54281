package console

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"mainstay/e2e/attack"
	"mainstay/reconcile/console/signin"
)

// raw sends a request as it is written here, and returns the status and the rest.
func (s *site) raw(request string) (code int, head http.Header, body string) {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.server.Listener.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		s.t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, nil, "" // hung up on
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, res.Header, string(b)
}

func TestAnAddressLeadsToNoFile(t *testing.T) {
	attack.Row(t, "web page", "addresses with .., //, %2e, backslashes and whole hosts", "nothing of the disk, no other host")
	s := newSite(t, Options{}, &repository{view: viewOf(calm("paris"))})
	host := s.server.Listener.Addr().String()
	for _, path := range []string{
		"/../../../../etc/passwd", "/assets/../../../etc/passwd", "/assets/%2e%2e/%2e%2e/etc/passwd", "/assets/..%2f..%2fconsole.go", "//etc/passwd",
		`/assets/..\..\console.go`, "/assets/", "/assets/console.go", "/d/../../etc/passwd", "/d/paris/../../../etc/passwd", "/d/%2e%2e%2fetc", "//evil.example/d/paris",
		"http://evil.example/", "/%00", "/d/paris%00.html", "/d/paris/history%2f..%2f..%2faudit",
	} {
		code, head, body := s.raw("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
		if strings.Contains(body, "root:") || strings.Contains(body, "package console") || code == http.StatusOK && !strings.Contains(body, "<html") {
			t.Errorf("%s: %d %s", path, code, body)
		}
		if to := head.Get("Location"); to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.HasPrefix(to, `/\`)) {
			t.Errorf("%s leads to %q", path, to)
		}
	}
}

func TestOnlyTheMethodsOfAPageAreAnswered(t *testing.T) {
	attack.Row(t, "web page", "PUT, DELETE, TRACE, or a GET with a method in a header or a field", "refused, or a page that is only read")
	d := newDesked(t, signin.Options{}, &repository{view: viewOf(calm("paris"))})
	b := d.browser()
	b.signIn("ada")
	u, err := url.Parse(d.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	token := ""
	for _, c := range b.client.Jar.Cookies(u) {
		token = c.Name + "=" + c.Value
	}
	for _, method := range []string{"PUT", "DELETE", "TRACE", "PATCH", "CONNECT", "PROPFIND", "get", "BREW"} {
		for _, path := range []string{"/", "/d/paris", "/d/paris/switch", "/audit", "/signin", "/api/v1/deployments"} {
			code, _, body := d.raw(method + " " + path + " HTTP/1.1\r\nHost: " + u.Host + "\r\nCookie: " + token + "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			if code < 400 || strings.Contains(body, token) {
				t.Errorf("%s %s: %d %s", method, path, code, body)
			}
		}
	}
	before := len(d.log.Last())
	res, _ := b.send("/d/paris?to=standby&_method=POST&reason=x", nil, "X-Http-Method-Override", "POST", "X-Method-Override", "POST")
	if res.StatusCode >= 400 || len(d.log.Last()) != before {
		t.Errorf("%s, and %d lines of audit more", res.Status, len(d.log.Last())-before)
	}
}

func TestAnAnswerIsNotSplit(t *testing.T) {
	attack.Row(t, "web page", "line ends in an address, a field or a header (response splitting)", "no header of the sender's choice")
	d := newDesked(t, signin.Options{}, &repository{view: viewOf(calm("paris"))})
	for _, bad := range []string{"x\r\nSet-Cookie: a=b", "x\nSet-Cookie: a=b", "x\rSet-Cookie: a=b", "\u010d\u010aSet-Cookie: a=b"} {
		b := d.browser()
		for _, ask := range []func() *http.Response{
			func() *http.Response {
				res, _ := b.send("/signin", credentials("bob", "id", bad))
				return res
			},
			func() *http.Response { res, _ := b.send("/?lang="+url.QueryEscape(bad), nil); return res },
			func() *http.Response {
				res, _ := b.send("/language", url.Values{"lang": {bad}, "language": {bad}})
				return res
			},
			func() *http.Response { res, _ := b.send("/d/"+url.PathEscape(bad)+"/history", nil); return res },
		} {
			for _, c := range ask().Cookies() {
				if c.Name == "a" {
					t.Errorf("%q sets a cookie", bad)
				}
			}
		}
		d.clock = d.clock.Add(time.Minute)
	}
}

func TestAFormIsBounded(t *testing.T) {
	attack.Row(t, "web page", "a form without an end, of very many fields, or in parts", "refused, in little memory")
	d := newDesked(t, signin.Options{}, &repository{view: viewOf(calm("paris"))})
	huge := strings.NewReader(strings.Repeat("a", 64<<20))
	many := strings.NewReader(strings.Repeat("a=b&", 1<<20))
	for what, c := range map[string]struct {
		body io.Reader
		kind string
	}{
		"huge": {huge, "application/x-www-form-urlencoded"}, "many": {many, "application/x-www-form-urlencoded"},
		"parts": {strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"name\"; filename=\"f\"\r\n\r\n" + strings.Repeat("a", 64<<20) + "\r\n--x--\r\n"), "multipart/form-data; boundary=x"},
		"JSON":  {strings.NewReader(`{"name":"ada","password":"` + password + `"}`), "application/json"},
		"text":  {strings.NewReader("name=ada&password=" + url.QueryEscape(password)), "text/plain"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.server.URL+"/signin", c.body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", c.kind)
		res, err := d.browser().client.Do(r)
		if err != nil {
			continue // hung up on while it was still sending
		}
		_ = res.Body.Close()
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 8<<20 {
			t.Errorf("%s: it takes %d bytes", what, took)
		}
		if res.StatusCode < 400 || len(res.Cookies()) > 0 {
			t.Errorf("%s: %s", what, res.Status)
		}
	}
}

func TestAnEndedSessionIsNotTakenUpAgain(t *testing.T) {
	attack.Row(t, "web page", "a session's token kept from before sign-out, a new password or a lesser role (replay)", "it is worth nothing more than now")
	d := newDesked(t, signin.Options{}, &repository{view: viewOf(calm("paris"))})
	kept := func(name string) string {
		res, _ := d.browser().send("/signin", credentials(name))
		for _, c := range res.Cookies() {
			if c.Value != "" {
				return c.Name + "=" + c.Value
			}
		}
		t.Fatal("no session")
		return ""
	}
	out := kept("ada")
	if res, _ := d.browser().send("/signout", url.Values{}, "Cookie", out); res.StatusCode >= 400 {
		t.Fatal(res.Status)
	}
	if res, _ := d.browser().send("/d/paris", nil, "Cookie", out); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("after sign-out: %s", res.Status)
	}
	lesser, changedOne := kept("ada"), kept("bob")
	hash, err := bcrypt.GenerateFromPassword([]byte("another one"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Users []signin.User `json:"users"`
	}
	b, err := os.ReadFile(d.users)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	for i := range file.Users {
		if file.Users[i].Name == "ada" {
			file.Users[i].Role = signin.Read
		} else {
			file.Users[i].Password = string(hash)
		}
	}
	if b, err = json.Marshal(file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.users, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if res, _ := d.browser().send("/d/paris/switch", nil, "Cookie", lesser); res.StatusCode != http.StatusForbidden {
		t.Errorf("with a lesser role: %s", res.Status)
	}
	if res, _ := d.browser().send("/d/paris", nil, "Cookie", changedOne); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("after a new password: %s", res.Status)
	}
}

func TestSignInTellsNobodyWhichNamesThereAre(t *testing.T) {
	attack.Row(t, "web page", "names tried at sign-in, to learn which there are", "the same answer for each, after the same work")
	d := newDesked(t, signin.Options{}, &repository{view: viewOf(calm("paris"))})
	answer := func(name string) string {
		res, body := d.browser().send("/signin", url.Values{"name": {name}, "password": {"guess"}})
		return fmt.Sprint(res.StatusCode, strings.ReplaceAll(body, name, "NAME"))
	}
	if there, not := answer("ada"), answer("eve"); there != not {
		t.Errorf("who is there: %s\nwho is not: %s", there, not)
	}
}

func TestAnotherHostsNameIsInNoAnswer(t *testing.T) {
	attack.Row(t, "web page", "a proxy's headers that name another host, scheme or path", "no address of an answer is made of them")
	d := newDesked(t, signin.Options{}, &repository{view: viewOf(calm("paris"))})
	forged := []string{"X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "evil", "X-Forwarded-Prefix", "//evil.example", "Forwarded", "host=evil.example", "X-Original-URL", "/audit", "X-Rewrite-URL", "/audit", "Referer", "https://evil.example/"}
	ada := d.browser()
	for _, ask := range []func() (*http.Response, string){
		func() (*http.Response, string) { return d.browser().send("/d/paris", nil, forged...) },
		func() (*http.Response, string) { return d.browser().send("/signin", nil, forged...) },
		func() (*http.Response, string) { return ada.send("/signin", credentials("ada"), forged...) },
		func() (*http.Response, string) { return ada.send("/d/paris", nil, forged...) },
		func() (*http.Response, string) { return ada.send("/signout", url.Values{}, forged...) },
	} {
		res, body := ask()
		if strings.Contains(body, "evil") || strings.Contains(fmt.Sprint(res.Header), "evil") {
			t.Errorf("%s %v %s", res.Status, res.Header, body)
		}
	}
}

func TestAFieldSentTwiceIsNoWayAround(t *testing.T) {
	attack.Row(t, "web page", "a field sent twice, in the form and in the address (parameter pollution)", "the form's counts, or it is refused")
	d := newDesked(t, signin.Options{}, &repository{view: viewOf(calm("paris"))})
	for _, form := range []url.Values{{"name": {"eve", "ada"}, "password": {"guess", password}}, {"name": {"eve"}, "password": {"guess"}}, {}} {
		d.clock = d.clock.Add(time.Hour)
		res, _ := d.browser().send("/signin?"+credentials("ada").Encode(), form)
		if res.StatusCode < 400 || len(res.Cookies()) > 0 {
			t.Errorf("%v: %s", form, res.Status)
		}
	}
}
