package console

import (
	"context"
	"errors"
	"html"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/attack"
	real "mainstay/e2e/provider"
	"mainstay/reconcile/change"
	"mainstay/reconcile/console/audit"
	"mainstay/reconcile/console/signin"
	"mainstay/reconcile/console/signin/provider"
)

// back is where the provider sends people; the tests carry what they bring to the page.
const back = "http://127.0.0.1:1/signin/return"

// vouched is a page whose people come by a provider.
func vouched(t *testing.T, o signin.Options) (*desked, *real.Provider) {
	t.Helper()
	at := real.Start(back,
		real.Person{Name: "ada", Email: "ada@example.org", Verified: true, Groups: []string{"telephony"}},
		real.Person{Name: "bob", Email: "bob@example.org", Verified: true, Groups: []string{"cooks"}},
		real.Person{Name: "eve", Email: "ada@example.org", Groups: []string{"telephony"}})
	t.Cleanup(at.Close)
	p, err := provider.New(provider.Options{Issuer: at.URL, Client: at.Client, Secret: at.Secret, Redirect: back,
		NameClaim: "email", GroupsClaim: "groups", Scopes: []string{"profile", "email"}})
	if err != nil {
		t.Fatal(err)
	}
	o.Provider = p
	return newDesked(t, o, &repository{view: viewOf(calm("paris"))}), at
}

// leave sends the form to go to the provider, and returns where the page sends people.
func (b *browser) leave(form url.Values) string {
	b.d.t.Helper()
	res, body := b.send("/signin/provider", form)
	link := regexp.MustCompile(`<a href="(http://127[^"]+/auth[^"]+)"`).FindStringSubmatch(body)
	if res.StatusCode != http.StatusOK || link == nil {
		b.d.t.Fatalf("leave: %s %s", res.Status, body)
	}
	to := html.UnescapeString(link[1])
	if res.Header.Get("Refresh") != "0; url="+to {
		b.d.t.Errorf("the browser is sent to %q", res.Header.Get("Refresh"))
	}
	return to
}

// through signs a person in at the provider, and comes back.
func (b *browser) through(at *real.Provider, to, name string) (*http.Response, string) {
	b.d.t.Helper()
	answer, err := at.GoThrough(b.d.t.Context(), to, name)
	if err != nil {
		b.d.t.Fatal(err)
	}
	return b.send("/signin/return?"+answer.Encode(), nil)
}

func granted() []signin.Grant {
	return []signin.Grant{{Role: signin.Switch, Group: "telephony"}}
}

func TestPeopleComeBySingleSignOn(t *testing.T) {
	d, at := vouched(t, signin.Options{Grants: granted()})
	b := d.browser()
	body := b.wants("/d/paris/switch", http.StatusUnauthorized)
	if !strings.Contains(body, "single sign-on") || strings.Contains(body, `name="password"`) || !strings.Contains(body, `value="paris"`) {
		t.Error(body)
	}
	draft := url.Values{"to": {"standby"}, "reason": {"the <b>fan</b> is loud; è vero, \"oui\""}, "typed": {"standby"}}
	res, body := b.through(at, b.leave(url.Values{"id": {"paris"}, "draft": {draft.Encode()}}), "ada")
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/d/paris/switch" {
		t.Fatalf("%s %v %s", res.Status, res.Header, body)
	}
	if body = b.wants("/d/paris", http.StatusOK); !strings.Contains(body, "Person ada") {
		t.Error(body)
	}
	if last := d.log.Last()[0]; last.Who != "ada@example.org" || last.What != "sign-in" || last.Result != audit.OK {
		t.Errorf("%+v", last)
	}
	res, body = b.send("/signin", credentials("ada"))
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a password where nobody has one: %s %s", res.Status, body)
	}
	b.wants("/d/paris", http.StatusOK)
	for range 2 {
		d.clock = d.clock.Add(29 * time.Minute)
		b.wants("/audit", http.StatusOK)
	}
	d.clock = d.clock.Add(3 * time.Minute) // the provider has to say again that she may
	b.wants("/audit", http.StatusUnauthorized)
}

func TestSingleSignOnIsForWhoHasARole(t *testing.T) {
	attack.Row(t, "web page", "single sign-on of somebody without a role, of another browser, or twice", "refused")
	d, at := vouched(t, signin.Options{Grants: granted()})
	for name, code := range map[string]int{"bob": http.StatusForbidden, "eve": http.StatusUnauthorized} {
		b := d.browser()
		if res, body := b.through(at, b.leave(url.Values{}), name); res.StatusCode != code {
			t.Errorf("%s: %s %s", name, res.Status, body)
		}
		b.wants("/d/paris", http.StatusUnauthorized)
	}
	victim, b := d.browser(), d.browser()
	answer, err := at.GoThrough(t.Context(), b.leave(url.Values{}), "ada")
	if err != nil {
		t.Fatal(err)
	}
	victim.leave(url.Values{})
	for _, other := range []*browser{victim, d.browser()} {
		if res, _ := other.send("/signin/return?"+answer.Encode(), nil); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("another browser: %s", res.Status)
		}
	}
	if res, body := b.send("/signin/return?"+answer.Encode(), nil); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("its own: %s %s", res.Status, body)
	}
	if res, _ := b.send("/signin/return?"+answer.Encode(), nil); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("twice: %s", res.Status)
	}
	for range 20 {
		b.send("/signin/return?state=x&code=y", nil)
	}
	if res, _ := b.send("/signin/return?state=x&code=y", nil); res.StatusCode != http.StatusTooManyRequests {
		t.Errorf("codes are guessed: %s", res.Status)
	}
}

func TestTheFileOfUsersGivesTheRoleOfWhoComesBySingleSignOn(t *testing.T) {
	d, at := vouched(t, signin.Options{})
	b := d.browser()
	if res, body := b.through(at, b.leave(url.Values{}), "ada"); res.StatusCode != http.StatusForbidden {
		t.Fatalf("not in the file: %s %s", res.Status, body)
	}
	if err := signin.AddWithout(d.users, signin.User{Name: "ada@example.org", Role: signin.Read}); err != nil {
		t.Fatal(err)
	}
	if res, body := b.through(at, b.leave(url.Values{"id": {"//evil.example"}}), "ada"); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/" {
		t.Fatalf("in the file: %s %v %s", res.Status, res.Header, body)
	}
	b.wants("/d/paris", http.StatusOK)
	b.wants("/d/paris/switch", http.StatusForbidden)
	for _, password := range []string{"", "x"} {
		if res, _ := d.browser().send("/signin", url.Values{"name": {"ada@example.org"}, "password": {password}}); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("who has no password gives %q: %s", password, res.Status)
		}
	}
	if err := os.WriteFile(d.users, []byte(`{"users":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	b.wants("/d/paris", http.StatusUnauthorized)
}

func TestAProviderThatIsAwayIsSaid(t *testing.T) {
	d, at := vouched(t, signin.Options{Grants: granted()})
	at.Close()
	res, body := d.browser().send("/signin/provider", url.Values{"draft": {"reason=kept"}, "id": {"paris"}})
	if res.StatusCode != http.StatusBadGateway || !strings.Contains(body, "cannot be asked at the moment") || !strings.Contains(body, "reason=kept") {
		t.Errorf("%s %s", res.Status, body)
	}
}

func TestGroupsOfAProxyGiveRoles(t *testing.T) {
	attack.Row(t, "web page", "groups and an address in a proxy's headers, sent twice or from elsewhere", "not believed")
	o := signin.Options{Header: "Remote-User", EmailHeader: "Remote-Email", GroupsHeader: "Remote-Groups", From: []netip.Addr{netip.MustParseAddr("127.0.0.1")},
		Grants: []signin.Grant{{Role: signin.Read, Group: signin.Everybody}, {Role: signin.Switch, Group: "telephony"}}}
	d := newDesked(t, o, &repository{view: viewOf(calm("paris"))})
	elsewhere := o
	elsewhere.From = []netip.Addr{netip.MustParseAddr("192.0.2.1")}
	all := []string{"Remote-User", "ada", "Remote-Email", "ada@example.org", "Remote-Groups", "staff, telephony"}
	for _, c := range []struct {
		page *desked
		code int
		path string
		with []string
	}{
		{d, http.StatusNotFound, "/d/x/switch", all},
		{d, http.StatusForbidden, "/d/paris/switch", []string{"Remote-User", "ada", "Remote-Groups", "cooks"}},
		{d, http.StatusOK, "/d/paris", []string{"Remote-User", "ada", "Remote-Groups", "cooks"}},
		{d, http.StatusForbidden, "/d/paris", []string{"Remote-User", "ada", "Remote-Groups", "telephony"}}, // without an address to commit by
		{d, http.StatusOK, "/d/paris", append([]string{"Remote-Groups", "x"}, all...)},
		{d, http.StatusForbidden, "/d/paris", []string{"Remote-User", "a da"}},
		{newDesked(t, elsewhere, &repository{view: viewOf(calm("paris"))}), http.StatusUnauthorized, "/d/paris", all},
	} {
		if res, body := c.page.browser().send(c.path, nil, c.with...); res.StatusCode != c.code {
			t.Errorf("%s %v: %s, want %d %s", c.path, c.with, res.Status, c.code, body)
		}
	}
	// Groups that come twice are none.
	if res, _ := d.browser().send("/d/paris/switch", nil, append([]string{"Remote-Groups", "x"}, all...)...); res.StatusCode != http.StatusForbidden {
		t.Errorf("groups that come twice: %s", res.Status)
	}
}

// A screen that comes with the token reads everything but who did what, and does nothing.
func TestAWallBoardOnlyLooks(t *testing.T) {
	attack.Row(t, "web page", "the token of a wall board, to act, to read the audit, wrong, and after it was changed", "it reads pages, and nothing else")
	token := strings.Repeat("k3y", 12)
	file := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(token)
	wall, err := signin.OpenToken(file)
	if err != nil {
		t.Fatal(err)
	}
	d := newDesked(t, signin.Options{Wall: wall}, &repository{view: viewOf(calm("paris"))})
	as := []string{"Authorization", "Bearer " + token}
	ask := func(b *browser, path string, form url.Values, code int, with ...string) string {
		t.Helper()
		res, body := b.send(path, form, with...)
		if res.StatusCode != code {
			t.Errorf("%s: %s, want %d", path, res.Status, code)
		}
		return body
	}
	program := d.browser()
	ask(program, "/api/v1/deployments", nil, http.StatusOK, as...)
	if body := ask(program, "/metrics", nil, http.StatusOK, as...); !strings.Contains(body, `repository="git0.example.org/voice"`) {
		t.Error(body)
	}
	if body := ask(program, "/metrics", nil, http.StatusOK); strings.Contains(body, "git0") || !strings.Contains(body, `repository="1"`) {
		t.Errorf("a stranger reads %s", body)
	}
	ask(program, "/audit", nil, http.StatusForbidden, as...)
	ask(program, "/d/paris/switch", nil, http.StatusForbidden, as...)
	ask(program, "/d/paris/switch", url.Values{"to": {"standby"}}, http.StatusUnauthorized, as...)
	ask(program, "/api/v1/deployments", nil, http.StatusUnauthorized, "Authorization", "Bearer "+token[1:])
	ask(program, "/api/v1/deployments", nil, http.StatusUnauthorized, append(as, as...)...)

	screen := d.browser()
	ask(screen, "/wall/"+token[1:], nil, http.StatusNotFound)
	screen.wants("/", http.StatusUnauthorized)
	ask(screen, "/wall/"+token, nil, http.StatusSeeOther)
	d.clock = d.clock.Add(48 * time.Hour)
	screen.wants("/d/paris", http.StatusOK)
	screen.wants("/audit", http.StatusForbidden)
	screen.signIn("ada")
	screen.wants("/audit", http.StatusOK)
	screen.send("/signout", url.Values{})
	write(strings.Repeat("new", 12) + "-")
	screen.wants("/d/paris", http.StatusUnauthorized)
	for _, bad := range []string{"short", strings.Repeat("x", 31), strings.Repeat("é", 40), strings.Repeat("x", 2000)} {
		write(bad)
		if _, err := signin.OpenToken(file); err == nil {
			t.Errorf("the token %.40q is taken", bad)
		}
	}
	write(token)
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	screen.wants("/d/paris", http.StatusUnauthorized)
}

// Where browsers come by https through a proxy, no cookie goes the way without it.
func TestCookiesAreSecureBehindAProxyThatSpeaksTLS(t *testing.T) {
	path := usersOf(t, signin.User{Name: "ada", Email: "ada@example.org", Role: signin.Switch})
	users, err := signin.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, Options{Secure: true, Desk: signin.New(signin.Options{Users: users, Path: "/", Secure: true}), Audit: noAudit(t)}, &repository{view: viewOf(calm("paris"))})
	b := (&desked{site: s}).browser()
	res, _ := b.send("/signin?lang=fr", credentials("ada"))
	if len(res.Cookies()) == 0 {
		t.Fatal("no cookie")
	}
	for _, c := range res.Cookies() {
		if !c.Secure {
			t.Errorf("%v", c)
		}
	}
}

// quietPen prepares nothing, and keeps what it was asked for last.
type quietPen struct {
	Pen
	asked change.Request
}

// Prepare says that git is away.
func (q *quietPen) Prepare(_ context.Context, _ string, r change.Request) (Draft, error) {
	q.asked = r
	return Draft{}, errors.New("git is away")
}

// What somebody had filled in for one deployment is not put into a form of another one.
func TestAKeptFormIsForItsOwnDeployment(t *testing.T) {
	attack.Row(t, "web page", "a form kept across signing in, on the page of another deployment", "not filled in there")
	d := newDesked(t, signin.Options{}, &repository{view: viewOf(calm("paris"), calm("rome"))})
	pen := &quietPen{}
	d.console.readers[0].place.Pen = pen
	draft := url.Values{"to": {"standby"}, "act": {"switch"}, "reason": {"the fan of paris"}}
	for path, want := range map[string]bool{"/d/paris/switch": true, "/d/rome/switch": false, "/d/rome/pause/xivo-main": false} {
		b := d.browser()
		if res, body := b.send("/signin", credentials("ada", "id", "paris", "draft", draft.Encode())); res.StatusCode != http.StatusSeeOther {
			t.Fatalf("%s %s", res.Status, body)
		}
		pen.asked = change.Request{To: "nobody"}
		if _, body := b.send(path, nil); pen.asked.To == "nobody" || (pen.asked.Reason == "the fan of paris") != want {
			t.Errorf("%s: %s", path, body)
		}
	}
}
