package console

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"mainstay/e2e/attack"
	"mainstay/reconcile/console/door"
	"mainstay/reconcile/console/signin"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// worded is a deployment with a word of strangers in its fields.
func worded(word string) *repository {
	d := calm("paris")
	d.Path, d.Findings, d.OK, d.Ways, d.Outages = word, []string{word}, false, []string{word}, []string{word}
	n := d.Nodes[0].Report
	n.Reason, n.Host, n.Versions = word, word, map[string]string{word: word}
	n.Conditions = []plan.Condition{{Type: word, Message: word}}
	n.Services = []plan.ServiceReport{{Name: word, Reason: word, Run: plan.Run(word)}}
	n.Rule, n.Jobs = plan.Rule(word), []plan.JobReport{{Name: word, Output: word}}
	n.Checks = []plan.CheckReport{{Name: word, Output: word}}
	sw := oneSwitch()
	sw.Reason, sw.Node, sw.Declared.Why, sw.Declared.Who, sw.Declared.Forced, sw.To = word, word, word, word, []string{word}, spec.Side(word)
	v := viewOf(d)
	v.Subject, v.Author, v.Branch = word, word, word
	return &repository{view: v, history: &fleet.History{Switches: []fleet.Switch{sw}, Damaged: []string{word}},
		branches: []Branch{{Name: word, Author: word, Subject: word, Commit: word, Broken: word, Reason: word}}}
}

// tags are the names of the elements of a page, in order.
func tags(page string) []string {
	return regexp.MustCompile(`</?[a-zA-Z][a-zA-Z0-9]*|<!`).FindAllString(page, -1)
}

// FuzzPage puts words of strangers everywhere into the pages: none of them makes an
// element, and no character is there that nobody sees.
func FuzzPage(f *testing.F) {
	for _, word := range []string{hostile, "a b", "</textarea><x", "javascript:alert(1)", "'\"`= onload=x", "\xff\x00\u2028", "<!--", "{{.}}", strings.Repeat("w ", 300)} {
		f.Add(word)
	}
	paths := []string{"/d/paris", "/d/paris/n/xivo-main", "/d/paris/history", "/d/paris/review", "/?q=x"}
	place := worded("x")
	s := newSite(f, Options{}, place)
	h := s.console.Handler()
	ask := func(ctx context.Context, word string) (pages []string) {
		w := worded(word)
		place.set(w.view, nil)
		place.history, place.branches = w.history, w.branches
		for _, r := range s.console.readers {
			r.look(ctx)
		}
		for _, path := range paths {
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "http://localhost"+path, nil))
			pages = append(pages, rec.Body.String())
		}
		return pages
	}
	want := ask(f.Context(), "x")
	f.Fuzz(func(t *testing.T, word string) {
		if len(word) > 4<<10 {
			return
		}
		attack.Cheap(t, func() {
			for i, page := range ask(t.Context(), "x"+word) {
				if !slices.Equal(tags(page), tags(want[i])) {
					t.Errorf("%q changes the elements of %s", word, paths[i])
				}
				if strings.ContainsFunc(page, func(r rune) bool { return r != '\n' && r != '\t' && unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
					t.Errorf("%q leaves unseen characters in %s", word, paths[i])
				}
			}
		})
	})
}

// FuzzAsked sends requests to a page where people sign in: who did not is told nothing,
// nothing fails within, and each answer is guarded.
func FuzzAsked(f *testing.F) {
	for _, one := range [][3]string{
		{"GET", "/d/paris", ""}, {"POST", "/signin", "name=ada&password=wrong&id=paris&draft=to%3Dmain"}, {"POST", "/d/paris/switch", "to=standby&key=k&reason=r&force=a,b&typed=Standby"},
		{"GET", "/d/%2e%2e/switch?to=x", ""}, {"HEAD", "/static/../audit", ""}, {"POST", "/d/paris/switch;x", "%zz=%"}, {"GET", "/api/v1/deployments/paris/history?q=%00", ""}, {"GET", "//d//paris", ""},
		{"GET", "/d/paris/pause/%00", ""}, {"GET", "/d/paris/fence/both", ""}, {"POST", "/d/paris/cancel", "commit=x"}, {"POST", "/d/paris/acknowledge", "word=x&mark=y"}, {"POST", "/d/paris/switch", "act=pause&node=x&at=2030-01-01T00:00"},
	} {
		f.Add(one[0], one[1], one[2], "fr, en;q=0.5; mainstay-session=x; lang=fr")
	}
	users, err := signin.Open(usersOf(f, signin.User{Name: "ada", Email: "ada@example.org", Role: signin.Switch}))
	if err != nil {
		f.Fatal(err)
	}
	h := newSite(f, Options{Desk: signin.New(signin.Options{Users: users, Path: "/"}), Audit: noAudit(f)}, worded("s3cr3t")).console.Handler()
	f.Fuzz(func(t *testing.T, method, path, body, header string) {
		u, err := url.ParseRequestURI(path)
		if err != nil || u.Host != "" || !regexp.MustCompile(`^[A-Z]{1,10}$`).MatchString(method) || len(body) > 8<<10 {
			return
		}
		r := httptest.NewRequest(method, "http://localhost/", strings.NewReader(body))
		r.URL = u
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Accept-Language", header)
		r.Header.Set("Cookie", header)
		attack.Cheap(t, func() {
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			if rec.Code >= 500 && rec.Code != http.StatusNotImplemented {
				t.Errorf("%s %s: %d", method, path, rec.Code)
			}
			if strings.Contains(rec.Body.String(), "s3cr3t") {
				t.Errorf("%s %s tells a stranger %s", method, path, rec.Body)
			}
			if h := rec.Header(); h.Get("Content-Security-Policy") != door.Policy || h.Get("X-Frame-Options") != "DENY" {
				t.Errorf("%s %s is not guarded: %v", method, path, h)
			}
		})
	})
}
