package console

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/attack"
	"mainstay/reconcile/console/audit"
	"mainstay/reconcile/console/signin"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
	"mainstay/schema"
)

// wrong is a deployment with something to tell.
func wrong(finding string) *fleet.View {
	d := calm("paris")
	d.OK, d.Findings = false, []string{finding}
	return viewOf(d)
}

// markIn is what a page's form says was wrong.
func markIn(t *testing.T, page string) string {
	t.Helper()
	m := regexp.MustCompile(`name="mark" value="([\w.]+)"`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("there is no form: %s", page)
	}
	return m[1]
}

// Who signed in says a word about what is wrong, and everybody sees who, when and the
// word, beside the headline that stays. It ends when something else is wrong.
func TestAnAlarmIsAcknowledgedWithAWord(t *testing.T) {
	place := &repository{view: wrong("disk 91 % full for 3m20s")}
	d := newDesked(t, signin.Options{}, place, &repository{view: viewOf(calm("lyon"))})
	ada, bob := d.browser(), d.browser()
	ada.signIn("ada")
	bob.signIn("bob")
	page := bob.wants("/d/paris/acknowledge", http.StatusOK)
	if !strings.Contains(page, "disk 91 % full") || !strings.Contains(page, "It hides nothing") {
		t.Errorf("the form says %s", page)
	}
	f := url.Values{"word": {"  I order\n a disk "}, "mark": {markIn(t, page)}}
	if res, body := bob.send("/d/paris/acknowledge", f); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("%s %s", res.Status, body)
	}
	d.clock = d.clock.Add(2 * time.Minute)
	place.set(wrong("disk 93 % full for 5m20s"), nil) // the same, later
	d.look()
	for path, word := range map[string]string{"/d/paris": "Seen by bob, 2\u00a0min ago:", "/?q=": "seen by bob: I order a disk"} {
		if body := ada.wants(path, http.StatusOK); !strings.Contains(body, word) || !strings.Contains(body, "I order a disk") || !strings.Contains(body, "needs attention") || !strings.Contains(body, "disk 93") {
			t.Errorf("%s does not say %q beside what is wrong: %s", path, word, body)
		}
	}
	if last := d.log.Last()[0]; last.What != "acknowledge" || last.Who != "bob" || last.Result != audit.OK || last.Text != "I order a disk" {
		t.Errorf("the audit keeps %+v", last)
	}
	for _, v := range []*fleet.View{wrong("the network is gone"), wrong("disk 93 % full for 5m20s")} {
		place.set(v, nil)
		d.look()
		if body := ada.wants("/d/paris", http.StatusOK); strings.Contains(body, "Seen by") {
			t.Errorf("the word stands for something else, or came back: %s", body)
		}
	}
	place.set(viewOf(calm("paris")), nil)
	d.look()
	if body := ada.wants("/d/paris/acknowledge", http.StatusOK); !strings.Contains(body, "Nothing is wrong") {
		t.Errorf("there is something to say of nothing: %s", body)
	}
}

func TestAWordIsKeptForWhatItWasSaidOf(t *testing.T) {
	attack.Row(t, "web page", "a word about what is wrong now that was said of something else, sent again, without a session, or from another origin (CSRF)", "refused, nothing kept")
	attack.Row(t, "web page", "markup and control characters in a word about what is wrong, or a long one", "shown as text, or refused")
	place := &repository{view: wrong("a")}
	d := newDesked(t, signin.Options{}, place, &repository{view: viewOf(calm("lyon"))})
	b := d.browser()
	b.signIn("bob")
	mark := markIn(t, b.wants("/d/paris/acknowledge", http.StatusOK))
	good := url.Values{"word": {"x"}, "mark": {mark}}
	if res, _ := d.browser().send("/d/paris/acknowledge", good); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a session: %s", res.Status)
	}
	if res, _ := b.send("/d/paris/acknowledge", good, "Sec-Fetch-Site", "cross-site"); res.StatusCode != http.StatusForbidden {
		t.Errorf("from another origin: %s", res.Status)
	}
	for _, f := range []url.Values{{"word": {""}, "mark": {mark}}, {"word": {strings.Repeat("x", 300)}, "mark": {mark}}, {"word": {"x"}}, {"word": {"x"}, "mark": {"0"}}} {
		if res, _ := b.send("/d/paris/acknowledge", f); res.StatusCode != http.StatusConflict {
			t.Errorf("%v: %s", f, res.Status)
		}
	}
	if body := b.wants("/d/paris", http.StatusOK); strings.Contains(body, "Seen by") {
		t.Error("a word is kept that was refused")
	}
	if res, _ := b.send("/d/paris/acknowledge", url.Values{"word": {hostile}, "mark": {mark}}); res.StatusCode != http.StatusSeeOther {
		t.Errorf("%s", res.Status)
	}
	for _, path := range []string{"/d/paris", "/?q=", "/audit"} {
		if body := b.wants(path, http.StatusOK); !strings.Contains(body, "&lt;script&gt;a") || strings.Contains(body, "<script>a") || strings.ContainsAny(body, "\u202e\x1b") {
			t.Errorf("%s carries %s", path, body)
		}
	}
	place.set(wrong("b"), nil)
	d.look()
	if res, body := b.send("/d/paris/acknowledge", good); res.StatusCode != http.StatusConflict || !strings.Contains(body, "Something else is wrong now") {
		t.Errorf("sent again: %s %s", res.Status, body)
	}
}

// Nothing is done to a deployment by a name that may be another's: a form names the place.
func TestAFormForANameThatMayBeAnothersIsRefused(t *testing.T) {
	first := &repository{err: errors.New("out of reach")}
	d := newDesked(t, signin.Options{}, first, &repository{view: wrong("a")})
	b := d.browser()
	b.signIn("bob")
	id := d.id(1)
	page := b.wants("/d/"+id+"/acknowledge", http.StatusOK)
	good := url.Values{"word": {"on it"}, "mark": {markIn(t, page)}}
	if !strings.Contains(page, `action="/d/`+id+`/acknowledge"`) || !strings.Contains(page, "paris (git1.example.org/voice, paris.yaml)") {
		t.Errorf("the form does not say where it is: %s", page)
	}
	for range 2 { // while the first was not read, and when both have it
		if res, body := b.send("/d/paris/acknowledge", good); res.StatusCode != http.StatusConflict || !strings.Contains(body, "Choose it in the list") {
			t.Errorf("%s %s", res.Status, body)
		}
		first.set(wrong("a"), nil)
		d.look()
	}
	if body := b.wants("/?q=", http.StatusOK); strings.Contains(body, "on it") {
		t.Error("a word is kept that was refused")
	}
	if res, body := b.send("/d/"+id+"/acknowledge", good); res.StatusCode != http.StatusSeeOther {
		t.Errorf("%s %s", res.Status, body)
	}
	if b.wants("/d/"+id, http.StatusOK); strings.Contains(b.wants("/d/"+d.id(0), http.StatusOK), "Seen by") {
		t.Error("the word is of the other repository's")
	}
}

// What is over ends no word about the rest, on the page and in a form that was open; when
// it comes back it is new.
func TestAWordStandsWhenLessIsWrong(t *testing.T) {
	view := func(findings ...string) *fleet.View {
		v := wrong("")
		v.Deployments[0].Findings = findings
		return v
	}
	place := &repository{view: view("a", "b", "c")}
	d := newDesked(t, signin.Options{}, place, &repository{view: viewOf(calm("lyon"))})
	b := d.browser()
	b.signIn("bob")
	f := url.Values{"word": {"on it"}, "mark": {markIn(t, b.wants("/d/paris/acknowledge", http.StatusOK))}}
	place.set(view("b", "a"), nil)
	d.look()
	if res, body := b.send("/d/paris/acknowledge", f); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("%s %s", res.Status, body)
	}
	for _, now := range []struct {
		view *fleet.View
		says bool
	}{{view("a", "b"), true}, {view("a"), true}, {view("a", "b"), false}, {view("a"), false}} {
		place.set(now.view, nil)
		d.look()
		if body := b.wants("/d/paris", http.StatusOK); strings.Contains(body, "Seen by") != now.says {
			t.Errorf("of %q the word stands: want %t", now.view.Deployments[0].Findings, now.says)
		}
	}
}

// What is wrong is told apart by what it is, not by how long it lasts.
func TestWhatIsWrongIsToldApart(t *testing.T) {
	base := func() *fleet.Deployment {
		d := &wrong("x").Deployments[0]
		d.Nodes[0].OK = false
		return d
	}
	mark, seen := markOf(base()), map[string]bool{}
	for name, change := range map[string]func(*fleet.Deployment){
		"a status":    func(d *fleet.Deployment) { d.Nodes[0].Report.Status = plan.Failed },
		"a silence":   func(d *fleet.Deployment) { d.Nodes[0].Stale = true },
		"a condition": func(d *fleet.Deployment) { d.Nodes[0].Report.Conditions = []plan.Condition{{Type: "X"}} },
		"a check":     func(d *fleet.Deployment) { d.Nodes[0].Report.Checks = []plan.CheckReport{{Name: "x"}} },
		"a service": func(d *fleet.Deployment) {
			d.Nodes[0].Report.Services = []plan.ServiceReport{{Name: "x", Run: plan.RunFailed}}
		},
		"an outage":       func(d *fleet.Deployment) { d.Unserved = []fleet.Unserved{{Role: "xivo"}} },
		"a finding":       func(d *fleet.Deployment) { d.Findings = append(d.Findings, "y") },
		"a problem":       func(d *fleet.Deployment) { d.Problems = []schema.Problem{{Message: "x"}} },
		"another problem": func(d *fleet.Deployment) { d.Problems = []schema.Problem{{Message: "y"}} },
		"another node":    func(d *fleet.Deployment) { d.Nodes[1].OK = false },
		"the switch":      func(d *fleet.Deployment) { d.Active = d.Active.Other() },
	} {
		d := base()
		change(d)
		got := markOf(d)
		if got == mark || seen[got] {
			t.Errorf("%s changes nothing", name)
		}
		seen[got] = true
	}
	d := base()
	d.Nodes[0].Age, d.Nodes[0].Report.Beat = 500, 7
	if markOf(d) != mark {
		t.Error("an age changes what is wrong")
	}
}

// The same words about another node are something else; the same with another age are not.
func TestAWordIsAboutTheNodeThatAFindingNames(t *testing.T) {
	mark := func(finding string) string { return markOf(&fleet.Deployment{Findings: []string{finding}}) }
	if a, b := mark("sip1 was not heard for 2m"), mark("sip2 was not heard for 2m"); a == "" || a == b {
		t.Errorf("%q and %q", a, b)
	}
	if a, b := mark("sip1 was not heard for 2m"), mark("sip1 was not heard for 3m10s"); a != b {
		t.Errorf("%q and %q", a, b)
	}
}
