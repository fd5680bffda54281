package console

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"mainstay/e2e/attack"
	"mainstay/reconcile/change"
	"mainstay/reconcile/console/terms"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// noon is when everything happens.
func noon() time.Time { return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC) }

// commit is the one that everything goes by.
const commit = "1234567890123456789012345678901234567890"

// repository is one that says what a test puts into it.
type repository struct {
	mu       sync.Mutex
	view     *fleet.View
	err      error
	history  *fleet.History
	branches []Branch
}

func (r *repository) Read(context.Context) (*fleet.View, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.view, r.err
}

func (*repository) Close() {}

func (r *repository) History(context.Context, *fleet.Deployment) (*fleet.History, error) {
	return r.history, r.err
}

func (r *repository) Branches(context.Context, *fleet.View) ([]Branch, error) {
	return r.branches, r.err
}

func (r *repository) Commit(_ context.Context, hash string) (Commit, error) {
	if hash != commit {
		return Commit{}, ErrNoCommit
	}
	return Commit{Hash: hash, Author: "Ada", Subject: "word", Body: "why", When: noon(), Diff: "-active: main\n+active: standby\n", Cut: true}, r.err
}

func (r *repository) set(v *fleet.View, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.view, r.err = v, err
}

// site is a console over repositories, looked at once.
type site struct {
	t       testing.TB
	console *Console
	server  *httptest.Server
	clock   time.Time
}

func newSite(t testing.TB, o Options, places ...*repository) *site {
	t.Helper()
	s := &site{t: t, clock: noon()}
	for i, p := range places {
		o.Repositories = append(o.Repositories, Repository{Name: fmt.Sprintf("git%d.example.org/voice", i), Past: p,
			Open: func() (Looker, error) { return p, nil }})
	}
	o.Now = func() time.Time { return s.clock }
	var err error
	if s.console, err = New(o); err != nil {
		t.Fatal(err)
	}
	s.look()
	s.server = httptest.NewServer(s.console.Handler())
	t.Cleanup(s.server.Close)
	return s
}

// look lets every reader look once.
func (s *site) look() {
	for _, r := range s.console.readers {
		r.look(s.t.Context())
	}
}

// get asks for an address in a language, and returns the answer with its body.
func (s *site) get(path, language string) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.server.URL+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Accept-Language", language)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res, string(body)
}

// wants checks that a page has all of some texts.
func (s *site) wants(path, language string, texts ...string) string {
	s.t.Helper()
	res, body := s.get(path, language)
	if res.StatusCode != http.StatusOK {
		s.t.Errorf("%s: %s", path, res.Status)
	}
	for _, text := range texts {
		if !strings.Contains(body, text) {
			s.t.Errorf("%s in %s does not say %q:\n%s", path, language, text, body)
		}
	}
	return body
}

// node is one that was heard a moment ago.
func node(name, role string, side spec.Side, status plan.Status) fleet.Node {
	r := &plan.Report{Node: name, Role: role, Side: side, Status: status, Running: status == plan.Active, Reason: "because",
		Seen: commit, Accepted: commit, Applied: commit, Seq: 4, Since: noon().Add(-time.Hour), At: noon().Add(-10 * time.Second), LastRead: noon(),
		Holder: plan.HeldBy(spec.Main), Guarantee: plan.Released,
		Services: []plan.ServiceReport{{Name: "asterisk", Run: plan.Running, Ready: true, Restarts: 3}},
		Checks:   []plan.CheckReport{{Name: "disk", Output: "90 % full", At: noon()}},
		Jobs:     []plan.JobReport{{Name: "replicate", OK: true, At: noon().Add(-time.Minute)}}}
	return fleet.Node{Name: name, Role: role, Side: side, Report: r, Age: 10, Applied: true, OK: true}
}

// calm is a deployment in order.
func calm(name string) fleet.Deployment {
	edge := node("edge", "edge", "", plan.Active)
	edge.Report.Serving = spec.Main
	return fleet.Deployment{Name: name, Path: name + ".yaml", Active: spec.Main, OK: true,
		Claims: map[string]fleet.Claim{"xivo": {Tip: plan.Tip{ID: "abc", Claim: plan.Claim{Seq: 4, Holder: plan.HeldBy(spec.Main), Guarantee: plan.Released}}}},
		Nodes:  []fleet.Node{node("xivo-main", "xivo", spec.Main, plan.Active), node("xivo-standby", "xivo", spec.Standby, plan.Inactive), edge}}
}

func viewOf(all ...fleet.Deployment) *fleet.View {
	return &fleet.View{Repository: "git.example.org/voice", Branch: "main", Commit: commit, Author: "Ada <a@example.org>", Subject: "the word",
		When: noon().Add(-time.Hour), Coordinated: true, Read: noon(), OK: true, Deployments: all}
}

// oneSwitch is a switch with everything there is to tell.
func oneSwitch() fleet.Switch {
	return fleet.Switch{Role: "xivo", Seq: 4, From: spec.Standby, To: spec.Main, At: noon(), Node: "xivo-main", Action: plan.Take, Guarantee: plan.Presumed,
		Reason: "silent for 30s", Commit: commit,
		Declared: &fleet.Declared{Commit: commit, Who: "Ada", At: noon(), Subject: "word", Why: "main is repaired", Forced: []string{"checks xivo-main"}},
		Phases:   []fleet.Phase{{Name: "declared", At: noon()}, {Name: "seen", Node: "xivo-main", At: noon()}, {Name: "taken", Node: "xivo-main", At: noon().Add(2500 * time.Millisecond)}}}
}

func TestADeploymentIsShownInBothLanguages(t *testing.T) {
	s := newSite(t, Options{}, &repository{view: viewOf(calm("paris")), history: &fleet.History{Switches: []fleet.Switch{oneSwitch()}}})
	res, _ := s.get("/", "en")
	if res.StatusCode != http.StatusFound || res.Header.Get("Location") != "/d/paris" {
		t.Errorf("the only deployment is not shown at once: %s %s", res.Status, res.Header.Get("Location"))
	}
	s.wants("/d/paris", "en", "Main serves xivo", "> Active</span>", "> Inactive</span>", "#4", "held by Main", "1234567", "10\u00a0s ago", "check disk", "asterisk", "edge")
	s.wants("/d/paris", "fr", `lang="fr"`, "Principal actif pour xivo", "> Actif</span>", "> Inactif</span>", "Jeton", "il y a 10\u00a0s")
	s.wants("/d/paris/n/xivo-main", "en", "xivo-main:", "90 % full", "<td>3</td>", "Readiness checks", "because")
	s.wants("/d/paris/n/xivo-main", "fr", "Contrôles", "Redémarrages")
	s.wants("/d/paris/history", "en", "main is repaired", "Ada", "it may be alive", "took 2.5\u00a0s", "Overridden:", "seen 12:00:00")
	s.wants("/d/paris/history", "fr", "Principal", "en 2,5\u00a0s", "Passé outre")
	s.wants("/d/paris/history?q=nothing-like-it", "en", "No switch is as you asked")
	s.wants("/d/paris/review", "en", "No open branch")
	s.wants("/?q=pari", "fr", "Déploiements", "en ordre")
}

func TestALanguageIsChosenOnceAndKept(t *testing.T) {
	s := newSite(t, Options{}, &repository{view: viewOf(calm("paris"))})
	res, body := s.get("/d/paris?lang=fr", "en")
	if cookies := res.Cookies(); len(cookies) != 1 || cookies[0].Value != "fr" || !cookies[0].HttpOnly || !strings.Contains(body, `href="/d/paris?lang=en"`) {
		t.Errorf("cookies %v in %s", cookies, body)
	}
	if res, _ := s.get("/d/paris?lang=../../x", "en"); len(res.Cookies()) != 0 {
		t.Error("a language that is none is kept")
	}
}

func TestTheWorstIsSaidFirst(t *testing.T) {
	down, dual, broken, never := calm("down"), calm("dual"), calm("broken"), fleet.Deployment{Name: "never", Nodes: []fleet.Node{{Name: "a", Role: "xivo", Side: spec.Main, Stale: true, Findings: []string{"never heard"}}}}
	down.OK, down.Outages, down.Ways = false, []string{"nobody serves xivo, since 2030-01-01 11:59:00Z"}, []string{"mend it"}
	down.Unserved = []fleet.Unserved{{Role: "xivo", Since: noon().Add(-time.Minute), Text: down.Outages[0]}}
	down.Nodes[0].Report.Status, down.Nodes[0].Report.Running = plan.Failed, false
	dual.OK, dual.Nodes[1] = false, node("xivo-standby", "xivo", spec.Standby, plan.Active)
	broken.OK, broken.Findings = false, []string{"a finding"}
	s := newSite(t, Options{}, &repository{view: viewOf(calm("fine"), broken, down, dual, never)})
	body := s.wants("/", "en", "BOTH SIDES SERVE xivo", "NOBODY SERVES xivo since 1 Jan 2030, 11:59:00 UTC", "a finding", "no node was ever heard")
	last := 0
	for _, name := range []string{"dual", "down", "broken", "never", "fine"} {
		at := strings.Index(body, `href="/d/`+name+`"`)
		if at < last {
			t.Errorf("%s is not where it should be", name)
		}
		last = at
	}
	s.wants("/d/down", "fr", "xivo N’EST ACTIF NULLE PART depuis le 1er janv. 2030", "mend it", "En échec")
	if body := s.wants("/?state=down", "en", "/d/down"); strings.Contains(body, "/d/fine") {
		t.Error("the filter lets others through")
	}
}

// A side that was overtaken is not counted as serving: its word is from before the
// other side took the claim (R1).
func TestAnOldWordIsNoSecondSide(t *testing.T) {
	d := calm("paris")
	d.Nodes[1] = node("xivo-standby", "xivo", spec.Standby, plan.Active)
	d.Nodes[1].Report.Seq = 5
	d.Claims["xivo"] = fleet.Claim{Tip: plan.Tip{ID: "x", Claim: plan.Claim{Seq: 5, Holder: plan.HeldBy(spec.Standby)}}}
	if got := terms.DualRoles(&d); len(got) != 0 {
		t.Errorf("both sides of %v are said to serve", got)
	}
}

func TestASwitchIsShownPhaseByPhase(t *testing.T) {
	d := calm("paris")
	d.OK = false
	n := node("xivo-standby", "xivo", spec.Standby, plan.Held)
	n.OK, n.Findings = false, []string{"because"}
	n.Report.Reason, n.Report.Until = "waiting for xivo-main to stop", noon().Add(20*time.Second)
	n.Report.Phases = []plan.Phase{{Name: plan.PhaseSeen, At: noon()}, {Name: plan.PhaseReady, At: noon().Add(100 * time.Millisecond)}}
	d.Nodes[1] = n
	s := newSite(t, Options{}, &repository{view: viewOf(d)})
	s.wants("/d/paris", "en", "A switch is under way", "seen → ready +0.1\u00a0s", "waiting for xivo-main to stop (20s left)", "switching")
	s.wants("/?state=moving", "en", "/d/paris")
}

// What was read some time ago is never shown as new.
func TestGitOutOfReachIsSaidOnEveryPage(t *testing.T) {
	place := &repository{view: viewOf(calm("paris")), history: &fleet.History{}}
	s := newSite(t, Options{}, place)
	place.set(nil, errors.New("connection refused"))
	s.clock = noon().Add(2 * time.Minute)
	s.look()
	for _, path := range []string{"/?q=", "/d/paris", "/d/paris/n/edge", "/d/paris/history", "/d/paris/review"} {
		s.wants(path, "en", "What is shown is 2\u00a0min old", "connection refused")
	}
	s.wants("/d/paris", "fr", "Ce qui est affiché date de 2\u00a0min", "il y a 2\u00a0min 10\u00a0s")
	s.wants("/api/v1/deployments/paris", "en", `"failed":"connection refused"`, `"since":"2030-01-01T12:02:00Z"`)
	s.wants("/metrics", "en", `mainstay_console_repository_failing{repository="git0.example.org/voice"} 1`)
	place.set(viewOf(calm("paris")), nil)
	place.view.Read = s.clock
	s.look()
	if body := s.wants("/d/paris", "en"); strings.Contains(body, "What is shown is") {
		t.Error("data is called old that is new")
	}
}

func TestARepositoryThatWasNeverReadIsTold(t *testing.T) {
	s := newSite(t, Options{}, &repository{err: errors.New("no such host")})
	s.wants("/", "en", "nothing was read so far", "no such host", "git0.example.org/voice")
}

// hostile is what somebody may write into every field.
const hostile = `"><script>alert(1)</script>'` + "\u202egnp\x1b[2J{{.}}"

func TestForeignTextIsShownAsText(t *testing.T) {
	attack.Row(t, "web page", "markup, escape sequences and changes of direction in every field", "shown as text")
	d := calm("paris")
	d.Path, d.Findings, d.OK, d.Ways = hostile, []string{hostile}, false, []string{hostile}
	d.Outages, d.Unserved = []string{hostile}, []fleet.Unserved{{Role: hostile, Text: hostile}}
	n := &d.Nodes[0]
	n.Findings, n.OK, n.Report.Status = []string{hostile}, false, plan.Status(hostile)
	n.Report.Reason, n.Report.Host, n.Report.Versions = hostile, hostile, map[string]string{hostile: hostile}
	n.Report.Conditions = []plan.Condition{{Type: hostile, Message: hostile}}
	n.Report.Services = []plan.ServiceReport{{Name: hostile, Reason: hostile, Run: plan.Run(hostile)}}
	n.Report.Phases = []plan.Phase{{Name: hostile}}
	d.Nodes[2].Name, d.Nodes[2].Role, d.Nodes[2].Report.Serving = hostile, hostile, spec.Side(hostile)
	sw := oneSwitch()
	sw.Reason, sw.Node, sw.Declared.Why, sw.Declared.Who, sw.Declared.Forced, sw.To = hostile, hostile, hostile, hostile, []string{hostile}, spec.Side(hostile)
	sw.Phases[1].Name, sw.Guarantee, sw.Commit = hostile, plan.Guarantee(hostile), hostile
	v := viewOf(d)
	v.Subject, v.Author, v.Branch, v.Repository = hostile, hostile, hostile, hostile
	s := newSite(t, Options{}, &repository{view: v, history: &fleet.History{Switches: []fleet.Switch{sw}, Damaged: []string{hostile}},
		branches: []Branch{{Name: hostile, Author: hostile, Subject: hostile, Commit: hostile, Broken: hostile, Reason: hostile}}})
	for _, path := range []string{"/?q=%22%3E%3Cscript%3E", "/d/paris", "/d/paris/n/xivo-main", "/d/paris/history", "/d/paris/review"} {
		body := s.wants(path, "en")
		for _, bad := range []string{"<script>a", "\u202e", "\x1b", "ZgotmplZ"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s carries %q: %s", path, bad, body)
			}
		}
	}
}

func TestNoCellOfTheHistoryIsAFormula(t *testing.T) {
	attack.Row(t, "web page", "a formula in a reason, opened in a spreadsheet", "a text")
	sw := oneSwitch()
	sw.Declared.Why, sw.Reason, sw.Node = "=cmd|' /C calc'!A0", "\t@SUM(1)\n+2", "－1"
	s := newSite(t, Options{}, &repository{view: viewOf(calm("paris")), history: &fleet.History{Switches: []fleet.Switch{sw}}})
	res, body := s.get("/d/paris/history.csv", "en")
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil || len(rows) != 2 || !strings.HasPrefix(res.Header.Get("Content-Disposition"), "attachment") {
		t.Fatalf("%v %v %v", rows, err, res.Header)
	}
	if row := rows[1]; row[8] != "'=cmd|' /C calc'!A0" || row[12] != "'@SUM(1) +2" || row[11] != "'－1" {
		t.Errorf("%q", row)
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	attack.Row(t, "web page", "framing, guessed kinds, kept copies, scripts from elsewhere", "forbidden by headers")
	s := newSite(t, Options{}, &repository{view: viewOf(calm("paris")), history: &fleet.History{}})
	for _, path := range []string{"/", "/d/paris", "/d/nobody", "/api/v1/deployments", "/metrics", "/nothing", "/d/paris/history.csv"} {
		res, _ := s.get(path, "en")
		h := res.Header
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") ||
			h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", path, h)
		}
	}
	body := s.wants("/d/paris", "en")
	if strings.Contains(body, "<script>") || strings.Contains(body, "style=") || strings.Contains(body, "onclick") || strings.Contains(body, "//") && strings.Contains(body, `src="http`) {
		t.Error("a page carries what its own policy forbids")
	}
	for _, part := range strings.Split(body, `"`) {
		if strings.HasPrefix(part, "/static/") {
			if res, _ := s.get(part, "en"); res.StatusCode != http.StatusOK || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
				t.Errorf("%s: %s %v", part, res.Status, res.Header)
			}
		}
	}
}

func TestThePageOnlyReads(t *testing.T) {
	attack.Row(t, "web page", "a request that would change something, from another page", "refused")
	s := newSite(t, Options{}, &repository{view: viewOf(calm("paris"))})
	for _, path := range []string{"/", "/d/paris", "/d/paris/history", "/api/v1/deployments/paris", "/events"} {
		res, err := http.Post(s.server.URL+path, "application/x-www-form-urlencoded", strings.NewReader("to=standby"))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusMethodNotAllowed && res.StatusCode != http.StatusNotFound {
			t.Errorf("POST %s: %s", path, res.Status)
		}
	}
}

// A page of somebody's domain whose name has come to mean this address is another name.
func TestAnotherNameForThisAddressIsRefused(t *testing.T) {
	attack.Row(t, "web page", "somebody's name that has come to mean this address (DNS rebinding)", "refused with 421, nothing read")
	s := newSite(t, Options{Hosts: []string{"page.example.org"}}, &repository{view: viewOf(calm("paris"))})
	for host, want := range map[string]int{
		"page.example.org": http.StatusOK, "Page.Example.Org:443": http.StatusOK, "localhost:8080": http.StatusOK, "192.0.2.7:8080": http.StatusOK,
		"evil.example:8080": http.StatusMisdirectedRequest, "page.example.org.evil.example": http.StatusMisdirectedRequest,
	} {
		for _, path := range []string{"/d/paris", "/api/v1/deployments", "/metrics"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Host = host
			w := httptest.NewRecorder()
			s.console.Handler().ServeHTTP(w, r)
			if w.Code != want || want != http.StatusOK && (strings.Contains(w.Body.String(), "paris") || !strings.Contains(w.Body.String(), "--host")) {
				t.Errorf("%s of %s: %d %s", path, host, w.Code, w.Body)
			}
		}
	}
}

func TestEverythingIsBelowThePrefix(t *testing.T) {
	attack.Row(t, "web page", "addresses beside the prefix, and a prefix that is none", "not found, refused")
	s := newSite(t, Options{Prefix: "/voice/page/"}, &repository{view: viewOf(calm("paris"), calm("lyon"))})
	body := s.wants("/voice/page/d/paris", "en", `href="/voice/page/d/paris/history"`, `data-events="/voice/page/events"`, `href="/voice/page/static/console.css`)
	if strings.Contains(body, `href="/d/`) || strings.Contains(body, `href="/static`) {
		t.Error("an address leaves the prefix")
	}
	for _, path := range []string{"/", "/d/paris", "/voice", "/voice/page/../../d/paris", "/voice/page/static/..%2f..%2fgo.mod", "/voice/page/static/openapi.json"} {
		if res, _ := s.get(path, "en"); res.StatusCode == http.StatusOK {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
	for _, bad := range []string{"a b", "../x", `x"><script>`, "x?y"} {
		if _, err := New(Options{Prefix: bad}); err == nil {
			t.Errorf("the prefix %q is taken", bad)
		}
	}
}

// id is how a page of several repositories calls what one of them has.
func (s *site) id(repository int) string {
	s.t.Helper()
	for _, e := range s.console.state().entries {
		if e.reader == s.console.readers[repository] {
			return e.ID
		}
	}
	s.t.Fatalf("nothing of repository %d is shown", repository)
	return ""
}

func TestRepositoriesMayShareANameOfADeployment(t *testing.T) {
	s := newSite(t, Options{}, &repository{view: viewOf(calm("paris"))}, &repository{view: viewOf(calm("paris"))})
	one, two := s.id(0), s.id(1)
	if one == two {
		t.Fatal(one)
	}
	s.wants("/", "en", `href="/d/`+one+`"`, `href="/d/`+two+`"`, "paris (git0.example.org/voice, paris.yaml)", "paris (git1.example.org/voice, paris.yaml)")
	s.wants("/d/"+two, "en", "Main serves xivo", "paris (git1.example.org/voice, paris.yaml)", `href="/d/`+two+`/history"`)
}

// A repository that was not read yet may have a deployment of any name: what was read is known
// by its place, and a name alone means nothing until all were read, and then only while it
// can mean one.
func TestANameAloneIsNeverTakenForWhatWasReadFirst(t *testing.T) {
	attack.Row(t, "web page", "a deployment named as one of a repository that was not read yet", "not shown in its place, and nothing is done to it")
	first := &repository{err: errors.New("out of reach")}
	s := newSite(t, Options{}, first, &repository{view: viewOf(calm("paris"))})
	id := s.id(1)
	s.wants("/", "en", `href="/d/`+id+`"`, "git0.example.org/voice was not read yet", "paris (git1.example.org/voice, paris.yaml)")
	ambiguous := func(when string) {
		t.Helper()
		for _, path := range []string{"/d/paris", "/d/paris/history", "/d/paris/n/xivo-main"} {
			if res, _ := s.get(path, "en"); res.StatusCode != http.StatusFound || res.Header.Get("Location") != "/?q=paris" {
				t.Errorf("%s, %s: %d %s", when, path, res.StatusCode, res.Header.Get("Location"))
			}
		}
		if res, body := s.get("/api/v1/deployments/paris", "en"); res.StatusCode != http.StatusConflict || !strings.Contains(body, "Several repositories may have") {
			t.Errorf("%s: %d %s", when, res.StatusCode, body)
		}
	}
	ambiguous("before the first was read")
	if res, _ := s.get("/d/rome", "en"); res.StatusCode != http.StatusFound { // it may be in what was not read
		t.Errorf("got %d", res.StatusCode)
	}
	if body := s.wants("/?q=paris", "en", `href="/d/`+id+`"`); strings.Contains(body, "rome") {
		t.Error(body)
	}
	s.wants("/d/"+id, "en", "Main serves xivo")

	first.set(viewOf(calm("paris")), nil)
	s.look()
	if s.id(1) != id {
		t.Errorf("%s is called %s now", id, s.id(1))
	}
	ambiguous("when both have it")
	s.wants("/d/"+id, "en", "paris (git1.example.org/voice, paris.yaml)")

	first.set(viewOf(calm("rome")), nil)
	s.look()
	if s.id(1) != id {
		t.Errorf("%s is called %s now", id, s.id(1))
	}
	s.wants("/d/paris", "en", "Main serves xivo", `href="/d/`+id+`/history"`)
	for path, code := range map[string]int{"/d/lyon": 404, "/d/paris~00000000000000000000": 404, "/api/v1/deployments/lyon": 404, "/api/v1/deployments/paris": 200, "/api/v1/deployments/" + id: 200} {
		if res, _ := s.get(path, "en"); res.StatusCode != code {
			t.Errorf("%s: %d, want %d", path, res.StatusCode, code)
		}
	}
}

func TestABranchIsShownWithItsForecast(t *testing.T) {
	d, problems := spec.Load("d.yaml", []byte("apiVersion: mainstay/v1\nkind: Deployment\nname: paris\nactive: main\nnodes:\n"+
		"  xivo-main: { role: xivo, side: main, address: 127.0.0.1 }\n  xivo-standby: { role: xivo, side: standby, address: 127.0.0.2 }\n"+
		"roles:\n  xivo: { exclusive: true, services: [{ name: asterisk, systemd: asterisk.service }] }\n"), nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	over := *d
	over.Active = spec.Standby
	now := calm("paris")
	now.Spec = d
	s := newSite(t, Options{}, &repository{view: viewOf(now), branches: []Branch{
		{Name: "drill", Commit: commit, Author: "Ada", Subject: "drill", When: noon(), Changes: []change.Comparison{{Path: "d.yaml", From: d, To: &over}}},
		{Name: "elsewhere", Changes: []change.Comparison{{From: &spec.Deployment{Name: "lyon"}}}},
	}})
	body := s.wants("/d/paris/review", "en", "drill", "guarantee released", "What will happen, in order", "asterisk")
	if strings.Contains(body, "elsewhere") {
		t.Error("a branch that changes another deployment is shown")
	}
	s.wants("/d/paris/review", "fr", "garantie released", "Ce qui va se passer")
}
