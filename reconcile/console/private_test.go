package console

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"mainstay/e2e/attack"
	"mainstay/reconcile/console/audit"
	"mainstay/reconcile/console/signin"
)

// password is everybody's.
const password = "correct horse"

// usersOf writes a file of users with cheap hashes.
func usersOf(t testing.TB, all ...signin.User) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		all[i].Password = string(hash)
	}
	data, err := json.Marshal(map[string]any{"users": all})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "users.json")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// desked is a site where people sign in.
type desked struct {
	*site
	log   *audit.Log
	users string
}

// noAudit keeps its lines in memory alone.
func noAudit(t testing.TB) *audit.Log {
	t.Helper()
	log, err := audit.New("")
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func newDesked(t *testing.T, o signin.Options, places ...*repository) *desked {
	t.Helper()
	path := usersOf(t, signin.User{Name: "ada", FullName: "Ada", Email: "ada@example.org", Role: signin.Switch}, signin.User{Name: "bob", Role: signin.Read})
	users, err := signin.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	log := noAudit(t)
	d := &desked{log: log, users: path}
	if o.Path = "/"; len(o.Grants) == 0 {
		o.Users = users
	}
	o.Now = func() time.Time { return d.clock }
	d.site = &site{t: t, clock: noon()}
	desk := signin.New(o)
	d.site = newSite(t, Options{Desk: desk, Audit: log}, places...)
	return d
}

// browser keeps cookies and follows no redirect.
type browser struct {
	d      *desked
	client *http.Client
}

func (d *desked) browser() *browser {
	d.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return &browser{d, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// send asks for an address, with a form if there is one, and headers by name and value.
func (b *browser) send(path string, form url.Values, headers ...string) (*http.Response, string) {
	t := b.d.t
	t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(t.Context(), method, b.d.server.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	res, err := b.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

func credentials(name string, more ...string) url.Values {
	v := url.Values{"name": {name}, "password": {password}}
	for i := 0; i+1 < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return v
}

// signIn begins a session.
func (b *browser) signIn(name string) {
	b.d.t.Helper()
	if res, body := b.send("/signin", credentials(name)); res.StatusCode != http.StatusSeeOther {
		b.d.t.Fatalf("sign-in: %s %s", res.Status, body)
	}
}

func (b *browser) wants(path string, code int) string {
	b.d.t.Helper()
	res, body := b.send(path, nil)
	if res.StatusCode != code {
		b.d.t.Errorf("%s: %s, want %d", path, res.Status, code)
	}
	return body
}

// Where people sign in, every page that tells something is for them alone, and nobody
// keeps a copy.
func TestPrivatePagesAreForWhoSignedIn(t *testing.T) {
	attack.Row(t, "web page", "a private page without a session, and from a cache", "refused, never kept")
	d := newDesked(t, signin.Options{}, &repository{view: viewOf(calm("paris"))})
	stranger, ada := d.browser(), d.browser()
	ada.signIn("ada")
	for _, path := range []string{"/", "/d/paris", "/d/paris/history", "/d/paris/switch", "/audit", "/api/v1/deployments", "/events", "/nothing"} {
		body := stranger.wants(path, http.StatusUnauthorized)
		if strings.Contains(body, "xivo") || strings.Contains(body, "git0") {
			t.Errorf("%s tells a stranger %s", path, body)
		}
	}
	res, body := ada.send("/d/paris", nil)
	if res.StatusCode != http.StatusOK || !strings.Contains(body, "Ada") || res.Header.Get("Cache-Control") != "no-store" || strings.Contains(body, "only reads") {
		t.Errorf("%s %v %s", res.Status, res.Header, body)
	}
	for _, path := range []string{"/healthz", "/metrics", "/signin"} {
		stranger.wants(path, http.StatusOK)
	}
	ada.send("/signout", url.Values{})
	ada.wants("/d/paris", http.StatusUnauthorized)
}

func TestASessionThatSomebodyElseChoseIsWorthNothing(t *testing.T) {
	attack.Row(t, "web page", "a session token set before sign-in (session fixation)", "a new token at sign-in, the old one is nobody's")
	d := newDesked(t, signin.Options{}, &repository{view: viewOf(calm("paris"))})
	b := d.browser()
	token := func(res *http.Response) string {
		for _, c := range res.Cookies() {
			if c.Name == "mainstay-session" {
				if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
					t.Errorf("the cookie is %v", c)
				}
				return c.Value
			}
		}
		return ""
	}
	res, _ := b.send("/signin", credentials("ada"), "Cookie", "mainstay-session=chosen")
	first := token(res)
	res, _ = b.send("/signin", credentials("bob"))
	second := token(res)
	if first == "" || first == "chosen" || second == "" || second == first {
		t.Fatalf("tokens %q and %q", first, second)
	}
	for _, old := range []string{"chosen", first} {
		if res, _ := d.browser().send("/d/paris", nil, "Cookie", "mainstay-session="+old); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("the token %s is somebody's: %s", old, res.Status)
		}
	}
}

func TestSessionsEnd(t *testing.T) {
	d := newDesked(t, signin.Options{}, &repository{view: viewOf(calm("paris"))})
	b := d.browser()
	b.signIn("ada")
	d.clock = d.clock.Add(29 * time.Minute)
	b.wants("/audit", http.StatusOK)
	d.clock = d.clock.Add(29 * time.Minute)
	b.wants("/d/paris", http.StatusOK) // a page that refreshes itself is no act
	d.clock = d.clock.Add(2 * time.Minute)
	b.wants("/d/paris", http.StatusUnauthorized)
	b.signIn("ada")
	for range 24 {
		d.clock = d.clock.Add(29 * time.Minute)
		b.wants("/audit", http.StatusOK)
	}
	d.clock = d.clock.Add(29 * time.Minute)
	b.wants("/audit", http.StatusUnauthorized) // whatever they do
	b.signIn("ada")
	if err := os.WriteFile(d.users, []byte(`{"users":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	b.wants("/d/paris", http.StatusUnauthorized) // who was taken out is out
}

// A person who signs in again and again, by a script, fills no memory: the oldest session
// ends, and nobody else's does.
func TestAPersonHasSoManySessionsAtMost(t *testing.T) {
	attack.Row(t, "web page", "sessions begun without end by somebody with a password", "20 of a person at most, the oldest one ends")
	d := newDesked(t, signin.Options{}, &repository{view: viewOf(calm("paris"))})
	bob := d.browser()
	bob.signIn("bob")
	var all []*browser
	for range 23 {
		b := d.browser()
		b.signIn("ada")
		all = append(all, b)
	}
	for i, b := range all {
		want := http.StatusOK
		if i < 3 {
			want = http.StatusUnauthorized
		}
		b.wants("/audit", want)
	}
	bob.wants("/d/paris", http.StatusOK)
	d.clock = d.clock.Add(13 * time.Hour)
	d.browser().signIn("ada") // what ended by itself does not count
	all[22].wants("/audit", http.StatusUnauthorized)
}

// Whoever signs out, or signs in again in the same browser, has one session fewer.
func TestASessionThatEndedEndsNoOther(t *testing.T) {
	d := newDesked(t, signin.Options{}, &repository{view: viewOf(calm("paris"))})
	first := d.browser()
	first.signIn("ada")
	again := d.browser()
	for range 20 {
		b := d.browser()
		b.signIn("ada")
		b.send("/signout", url.Values{})
		again.signIn("ada")
	}
	first.wants("/audit", http.StatusOK)
}

func TestAFileOfUsersThatOthersReadLetsNobodyIn(t *testing.T) {
	d := newDesked(t, signin.Options{}, &repository{view: viewOf(calm("paris"))})
	b := d.browser()
	b.signIn("ada")
	if err := os.Chmod(d.users, 0o644); err != nil {
		t.Fatal(err)
	}
	b.wants("/d/paris", http.StatusServiceUnavailable)
}

func TestAFormOfAnotherPageIsRefused(t *testing.T) {
	attack.Row(t, "web page", "a form that a page of another origin sends with the person's session (CSRF)", "refused, nothing committed")
	d := newDesked(t, signin.Options{}, &repository{view: viewOf(calm("paris"))})
	b := d.browser()
	b.signIn("ada")
	for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
		for _, path := range []string{"/d/paris/switch", "/signin", "/signout"} {
			if res, body := b.send(path, url.Values{"to": {"standby"}}, headers...); res.StatusCode != http.StatusForbidden {
				t.Errorf("%s with %v: %s %s", path, headers, res.Status, body)
			}
		}
	}
	b.wants("/d/paris", http.StatusOK)
}

func TestAHeaderIsBelievedFromTheProxyAlone(t *testing.T) {
	attack.Row(t, "web page", "a proxy's header from somewhere else, or twice (header spoofing)", "not believed")
	elsewhere := newDesked(t, signin.Options{Header: "Remote-User", From: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}, &repository{view: viewOf(calm("paris"))})
	if res, _ := elsewhere.browser().send("/d/paris", nil, "Remote-User", "ada", "X-Forwarded-For", "192.0.2.1"); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("from elsewhere: %s", res.Status)
	}
	d := newDesked(t, signin.Options{Header: "Remote-User", From: []netip.Addr{netip.MustParseAddr("127.0.0.1")}}, &repository{view: viewOf(calm("paris"))})
	for _, c := range []struct {
		code    int
		headers []string
	}{
		{http.StatusOK, []string{"Remote-User", "ada"}}, {http.StatusForbidden, []string{"Remote-User", "nobody"}},
		{http.StatusForbidden, []string{"Remote-User", "ada", "Remote-User", "bob"}}, {http.StatusUnauthorized, nil},
	} {
		if res, _ := d.browser().send("/d/paris", nil, c.headers...); res.StatusCode != c.code {
			t.Errorf("%v: %s, want %d", c.headers, res.Status, c.code)
		}
	}
}

func TestSignInLeadsNowhereElse(t *testing.T) {
	attack.Row(t, "web page", "a sign-in form that names another site to go to (open redirect)", "goes to a page of its own")
	d := newDesked(t, signin.Options{}, &repository{view: viewOf(calm("paris"))})
	for id, want := range map[string]string{
		"": "/", "paris": "/d/paris", "//evil.example": "/", "https://evil.example": "/", `\\evil.example`: "/", "paris/../../..//evil": "/", "\r\nLocation: //evil": "/",
	} {
		res, _ := d.browser().send("/signin?next=https://evil.example&id=//evil.example", credentials("bob", "id", id, "next", "//evil.example"))
		if got := res.Header.Get("Location"); got != want {
			t.Errorf("%q leads to %q, want %q (%s)", id, got, want, res.Status)
		}
		d.clock = d.clock.Add(time.Minute)
	}
}

// Who signs in has guessed nothing: a whole team behind one address gets in, and nobody
// gets more guesses by signing in between.
func TestATeamBehindOneAddressGetsIn(t *testing.T) {
	d := newDesked(t, signin.Options{}, &repository{view: viewOf(calm("paris"))})
	for range 12 {
		d.browser().signIn("ada")
	}
	for i := range 12 {
		want := http.StatusUnauthorized
		if i >= 10 {
			want = http.StatusTooManyRequests
		}
		if res, _ := d.browser().send("/signin", url.Values{"name": {"bob"}, "password": {"guess"}}); res.StatusCode != want {
			t.Errorf("guess %d: %s, want %d", i, res.Status, want)
		}
		if i < 9 {
			d.browser().signIn("ada")
		}
	}
}

func TestPasswordsAreNotGuessed(t *testing.T) {
	attack.Row(t, "web page", "passwords guessed one after the other, for one name or from one address", "slowed down, and kept in the audit")
	d := newDesked(t, signin.Options{}, &repository{view: viewOf(calm("paris"))})
	b := d.browser()
	codes := map[int]int{}
	for range 30 {
		res, body := b.send("/signin", url.Values{"name": {"ada"}, "password": {"guess"}})
		codes[res.StatusCode]++
		if strings.Contains(body, "guess") {
			t.Error("the password is written back")
		}
	}
	if codes[http.StatusUnauthorized] != 10 || codes[http.StatusTooManyRequests] != 20 {
		t.Errorf("answers: %v", codes)
	}
	if res, _ := b.send("/signin", credentials("ada")); res.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the right one at once: %s", res.Status)
	}
	d.clock = d.clock.Add(7 * time.Second)
	b.signIn("ada")
	last := d.log.Last()
	if len(last) != 32 || last[0].Result != audit.OK || last[0].Who != "ada" || last[0].From != "127.0.0.1" || last[1].Result != audit.Refused {
		t.Errorf("the audit has %d lines, newest %+v", len(last), last[0])
	}
}

func TestTheAuditIsNotFilledByStrangers(t *testing.T) {
	attack.Row(t, "web page", "thousands of refused forms from nobody", "the audit stays small, and keeps what people did")
	d := newDesked(t, signin.Options{}, &repository{view: viewOf(calm("paris"))})
	stranger, person := d.browser(), d.browser()
	person.signIn("ada")
	for range 150 {
		stranger.send("/signin", url.Values{}, "Sec-Fetch-Site", "cross-site")
	}
	if last := d.log.Last(); len(last) != 101 || last[100].Who != "ada" {
		t.Errorf("%d lines, first %+v", len(last), last[len(last)-1])
	}
}

func TestWhatIsNoNameIsNotKept(t *testing.T) {
	d := newDesked(t, signin.Options{}, &repository{view: viewOf(calm("paris"))})
	d.browser().send("/signin", url.Values{"name": {"my secret password"}, "password": {"x"}})
	if last := d.log.Last(); len(last) != 1 || last[0].Who != "" || strings.Contains(last[0].Text, "secret") {
		t.Errorf("the audit keeps %+v", last)
	}
}

func TestARoleThatReadsDoesNotSwitch(t *testing.T) {
	attack.Row(t, "web page", "a switch by a person whose role only reads", "refused, and kept in the audit")
	d := newDesked(t, signin.Options{}, &repository{view: viewOf(calm("paris"))})
	b := d.browser()
	b.signIn("bob")
	if body := b.wants("/d/paris", http.StatusOK); strings.Contains(body, "/switch") {
		t.Error("a button is shown that does nothing")
	}
	b.wants("/d/paris/switch", http.StatusForbidden)
	if res, _ := b.send("/d/paris/switch", url.Values{"to": {"standby"}}); res.StatusCode != http.StatusForbidden {
		t.Errorf("%s", res.Status)
	}
	if last := d.log.Last()[0]; last.Who != "bob" || last.Result != audit.Refused || last.About != "paris" {
		t.Errorf("the audit keeps %+v", last)
	}
}

func TestAFormThatLacksSomethingIsNamed(t *testing.T) {
	good := order{Act: actSwitch, To: "standby", Base: commit, Key: strings.Repeat("k", 26), Reason: "it burns", Typed: "standby", Force: "checks, unheard"}
	for want, change := range map[string]func(*order){
		"": func(*order) {}, "no-reason": func(o *order) { o.Reason = "" }, "long-reason": func(o *order) { o.Reason = strings.Repeat("x", longestReason+1) },
		"form": func(o *order) { o.Key = "" }, "not-typed": func(o *order) { o.Typed = "main" }, "no-word": func(o *order) { o.Force = "checks,--all" },
	} {
		o := good
		if change(&o); o.wrong() != want {
			t.Errorf("got %q, want %q", o.wrong(), want)
		}
	}
	for _, change := range []func(*order){func(o *order) { o.To = "both" }, func(o *order) { o.Base = "1234567" }, func(o *order) { o.Key = strings.Repeat("k", 65) }} {
		o := good
		if change(&o); o.wrong() != "form" {
			t.Errorf("%+v is taken", o)
		}
	}
}
