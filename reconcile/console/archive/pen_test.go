package archive

import (
	"bufio"
	"context"
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"mainstay/e2e/attack"
	"mainstay/reconcile/console"
	"mainstay/reconcile/console/agenda"
	"mainstay/reconcile/console/audit"
	"mainstay/reconcile/console/kept"
	"mainstay/reconcile/console/signin"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/git"
	"mainstay/reconcile/gitcmd"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// office is a page over a bare repository whose two nodes say that all is well.
type office struct {
	t      *testing.T
	work   gitcmd.Repo
	bare   gitcmd.Repo
	git    func(args ...string) string
	remote *git.Remote
	server *httptest.Server
	log    *audit.Log
	users  string
	// state is the folder of orders, ahead how far the page's clock is ahead of this
	// machine's, and end ends the page.
	state string
	ahead atomic.Int64
	end   func()
	// said has what the page writes into its log.
	said chan string
}

// sayer is a log that tells a test.
type sayer struct {
	slog.Handler
	said chan string
}

func (s sayer) Enabled(context.Context, slog.Level) bool { return true }

func (s sayer) Handle(_ context.Context, r slog.Record) error {
	select {
	case s.said <- r.Message:
	default:
	}
	return nil
}

func newOffice(t *testing.T) *office {
	repo, run := work(t)
	o := &office{t: t, work: repo, bare: gitcmd.Repo{Dir: t.TempDir()}, git: run, said: make(chan string, 100)}
	o.bareGit("clone", "--quiet", "--bare", repo.Dir, ".")
	run("remote", "add", "origin", o.bare.Dir)
	var err error
	if o.remote, err = git.Open(git.Options{URL: o.bare.Dir}); err != nil {
		t.Fatal(err)
	}
	o.settle()
	o.serve()
	return o
}

func (o *office) bareGit(args ...string) string {
	o.t.Helper()
	out, err := o.bare.Text(o.t.Context(), gitcmd.Git(args[0], args[1:]...))
	if err != nil {
		o.t.Fatal(err)
	}
	return out
}

// settle lets both nodes say that main serves, as the branch declares.
func (o *office) settle() {
	o.t.Helper()
	s, err := fleet.Open(fleet.Location{URL: o.bare.Dir, Branch: "main"})
	if err != nil {
		o.t.Fatal(err)
	}
	defer s.Close()
	c := plan.Next(plan.Tip{}, plan.Claim{Action: plan.Take, Holder: plan.HeldBy(spec.Main), Node: "web-main", Instance: "i", Guarantee: plan.Released, At: time.Now()})
	if _, err := o.remote.PushClaim(o.t.Context(), git.ClaimRef("paris", "web"), plan.Push{Claim: c}); err != nil {
		o.t.Fatal(err)
	}
	v, err := s.Read(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	d := v.Deployments[0]
	for _, n := range d.Nodes {
		r := plan.Report{Deployment: "paris", Node: n.Name, Role: n.Role, Side: n.Side, Instance: "i", Status: plan.Inactive,
			Declared: d.Active, Seen: v.Commit, Accepted: v.Commit, Applied: v.Commit, Document: d.Digest,
			Holder: plan.HeldBy(spec.Main), Seq: c.Seq, At: time.Now(), Since: time.Now(), LastRead: time.Now()}
		if n.Side == spec.Main {
			r.Status, r.Running = plan.Active, true
		}
		o.report(n.Name, r)
	}
}

func (o *office) report(node string, r plan.Report) {
	o.t.Helper()
	if _, err := o.remote.PublishReport(o.t.Context(), git.ReportRef("paris", node), r, ""); err != nil {
		o.t.Fatal(err)
	}
}

// serve puts the page up, with one user for each role.
func (o *office) serve() {
	t := o.t
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte("correct horse"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	var all []signin.User
	for _, role := range signin.Roles() {
		all = append(all, signin.User{Name: string(role), FullName: "The " + string(role), Email: string(role) + "@example.org", Role: role, Password: string(hash)})
	}
	data, err := json.Marshal(map[string]any{"users": all})
	if err != nil {
		t.Fatal(err)
	}
	o.users = filepath.Join(t.TempDir(), "users.json")
	if err := os.WriteFile(o.users, data, 0o600); err != nil {
		t.Fatal(err)
	}
	users, err := signin.Open(o.users)
	if err != nil {
		t.Fatal(err)
	}
	if o.log, err = audit.New(""); err != nil {
		t.Fatal(err)
	}
	if o.state == "" {
		o.state = filepath.Join(t.TempDir(), "orders")
	}
	o.start(users)
}

// start puts a page up beside those that there are.
func (o *office) start(users *signin.Users) {
	t := o.t
	t.Helper()
	orders, err := kept.OpenOrders(o.state)
	if err != nil {
		t.Fatal(err)
	}
	desk := signin.New(signin.Options{Users: users, Path: "/"})
	place := fleet.Location{URL: o.bare.Dir, Branch: "main"}
	a, log := New(place), slog.New(sayer{slog.DiscardHandler, o.said})
	page, err := console.New(console.Options{Desk: desk, Audit: o.log, Every: time.Hour, Orders: orders, Now: o.now, Log: log, Repositories: []console.Repository{
		{Name: "voice", Past: a, Pen: a, Open: func() (console.Looker, error) { return fleet.Open(place) }}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var both sync.WaitGroup
		both.Go(func() { page.Run(ctx) })
		both.Go(func() {
			agenda.New(agenda.Options{Page: page, Orders: orders, Users: users, Audit: o.log, Now: o.now, Log: log}).Run(ctx)
		})
		both.Wait()
	}()
	o.server = httptest.NewServer(page.Handler())
	server := o.server
	o.end = sync.OnceFunc(func() { server.Close(); end(); <-ended; a.Close() })
	t.Cleanup(o.end)
}

// now is the page's clock.
func (o *office) now() time.Time { return time.Now().Add(time.Duration(o.ahead.Load())) }

// visitor is a browser of somebody.
type visitor struct {
	*office
	client *http.Client
}

func (o *office) visitor(role signin.Role) *visitor {
	o.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		o.t.Fatal(err)
	}
	v := &visitor{o, &http.Client{Jar: jar}}
	if role != "" {
		v.post("/signin", url.Values{"name": {string(role)}, "password": {"correct horse"}})
		v.wait()
	}
	return v
}

// wait follows the page until the repository was read for the first time.
func (v *visitor) wait() {
	v.t.Helper()
	res, err := v.client.Get(v.server.URL + "/events")
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if n, is := strings.CutPrefix(lines.Text(), "data: "); is && n != "0" {
			return
		}
	}
	v.t.Fatal("the page was never read")
}

func (v *visitor) get(path string) string {
	v.t.Helper()
	res, err := v.client.Get(v.server.URL + path)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return string(body)
}

func (v *visitor) post(path string, form url.Values) (code int, at, body string) {
	v.t.Helper()
	res, err := v.client.PostForm(v.server.URL+path, form)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return res.StatusCode, res.Request.URL.Path, string(data)
}

var field = regexp.MustCompile(`name="(\w+)" (?:type="\w+" )?value="([^"]*)"`)

// form reads what a page's form has, and fills in the rest.
func form(body string, pairs ...string) url.Values {
	f := url.Values{}
	for _, m := range field.FindAllStringSubmatch(body, -1) {
		f.Set(m[1], html.UnescapeString(m[2]))
	}
	f.Del("review")
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
	}
	return f
}

func (o *office) tip() string { return o.bareGit("rev-parse", "main") }

func says(t *testing.T, body string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(html.UnescapeString(body), text) {
			t.Errorf("it does not say %q: %s", text, body)
		}
	}
}

// A click is the commit that `mainstay failover` makes, in the name of who clicked; sent
// twice, it is one commit; the way back is offered at once.
func TestAClickIsACommitOfThePerson(t *testing.T) {
	o := newOffice(t)
	v := o.visitor(signin.Switch)
	says(t, v.get("/d/paris"), "Fail over to standby")
	page := v.get("/d/paris/switch")
	says(t, page, "guarantee released", "Made from commit", "Type standby")
	f := form(page, "reason", "the rack\u202e\nburns\n\nMainstay-Forced: x", "typed", "standby")
	before := o.tip()
	for range 2 {
		if code, at, body := v.post("/d/paris/switch", f); code != http.StatusOK || at != "/d/paris" {
			t.Fatalf("%d at %s: %s", code, at, body)
		} else {
			says(t, body, "active: standby", "Fail back to main")
		}
	}
	if n := o.bareGit("rev-list", "--count", before+"..main"); n != "1" {
		t.Fatalf("%s commits", n)
	}
	says(t, o.bareGit("log", "-1", "--format=%an <%ae>%n%s%n%(trailers)", "main"), "The switch <switch@example.org>", "paris: fail over to standby",
		`Mainstay-Reason: the rack\u202e burns Mainstay-Forced: x`, "Mainstay-From: main", "Mainstay-To: standby")
	if forced := o.bareGit("log", "-1", "--format=%(trailers:key=Mainstay-Forced)", "main"); forced != "" {
		t.Errorf("a reason became the trailer %q", forced)
	}
	if last := o.log.Last(); last[0].Result != audit.OK || last[0].Who != "switch" || !strings.Contains(last[0].Text, o.tip()) {
		t.Errorf("the audit keeps %+v", last[0])
	}
	says(t, v.get("/audit"), "burns")
	page = v.get("/d/paris/switch")
	says(t, page, "Fail back to main", "Type main")
}

func TestAWrongFormCommitsNothing(t *testing.T) {
	attack.Row(t, "web page", "a form with markup in its reason, the wrong side, no reason, or words that are none", "shown as text, nothing committed")
	o := newOffice(t)
	v := o.visitor(signin.Switch)
	page, before := v.get("/d/paris/switch"), o.tip()
	for text, f := range map[string]url.Values{
		"is not the one that is meant": form(page, "reason", `"><script>alert(1)</script>`, "typed", "main"),
		"has another name":             form(page, "reason", "x", "typed", "standby", "force", "--all"),
	} {
		code, _, body := v.post("/d/paris/switch", f)
		if code != http.StatusUnprocessableEntity || strings.Contains(body, "<script>a") {
			t.Errorf("%s: %d %s", text, code, body)
		}
		says(t, body, text)
	}
	if code, _, _ := v.post("/d/paris/switch", form(page, "reason", "x", "typed", "standby", "force", "checks")); code != http.StatusForbidden {
		t.Errorf("a person who may not override is answered %d", code)
	}
	if o.tip() != before {
		t.Error("something was committed")
	}
	staleFormCommitsNothing(t, o, v)
}

// Who was first is told to who comes second, and the second looks again.
func staleFormCommitsNothing(t *testing.T, o *office, v *visitor) {
	t.Helper()
	f := form(v.get("/d/paris/switch"), "reason", "mine", "typed", "standby")
	o.git("commit", "--quiet", "--allow-empty", "-m", "somebody else's <b>word</b>")
	o.git("push", "--quiet", "origin", "main")
	tip := o.tip()
	code, _, body := v.post("/d/paris/switch", f)
	if code != http.StatusConflict || o.tip() != tip {
		t.Fatalf("%d: %s", code, body)
	}
	says(t, body, "ops was first", "somebody else's <b>word</b>", "Main is declared now", `value="mine"`)
	if code, at, body := v.post("/d/paris/switch", form(body, "typed", "standby")); code != http.StatusOK || at != "/d/paris" {
		t.Errorf("confirmed again: %d at %s: %s", code, at, body)
	}
}

// A session that ended in the middle loses nothing, and does nothing twice.
func TestAFormOutlivesItsSession(t *testing.T) {
	o := newOffice(t)
	v := o.visitor(signin.Switch)
	f, before := form(v.get("/d/paris/switch"), "reason", "the rack burns", "typed", "standby"), o.tip()
	late := o.visitor("")
	code, _, body := late.post("/d/paris/switch", f)
	if code != http.StatusUnauthorized || o.tip() != before {
		t.Fatalf("%d: %s", code, body)
	}
	says(t, body, "Your session has ended")
	_, at, body := late.post("/signin", form(body, "name", "switch", "password", "correct horse"))
	if again := form(body); at != "/d/paris/switch" || again.Get("reason") != "the rack burns" || again.Get("key") != f.Get("key") || o.tip() != before {
		t.Fatalf("at %s: %v %s", at, again, body)
	}
	for _, who := range []*visitor{late, v} {
		if code, at, body := who.post("/d/paris/switch", f); code != http.StatusOK || at != "/d/paris" {
			t.Errorf("%d at %s: %s", code, at, body)
		}
	}
	if n := o.bareGit("rev-list", "--count", before+"..main"); n != "1" {
		t.Errorf("%s commits", n)
	}
}

// What speaks against a switch is overridden by who may, by its name, and recorded.
func TestAnObjectionIsOverriddenByItsName(t *testing.T) {
	attack.Row(t, "web page", "a switch against an objection, by a role that may not override or without its name", "refused; who may and names it is recorded")
	o := newOffice(t)
	o.git("push", "--quiet", o.bare.Dir, ":"+git.ReportRef("paris", "web-standby"))
	plainly, may := o.visitor(signin.Switch), o.visitor(signin.Override)
	page, before := plainly.get("/d/paris/switch"), o.tip()
	if says(t, page, "unheard", "What speaks against it stands"); strings.Contains(page, `name="typed"`) {
		t.Error("a form is offered that would be refused")
	}
	page = may.get("/d/paris/switch")
	if code, _, body := plainly.post("/d/paris/switch", form(page, "reason", "x", "typed", "standby")); code != http.StatusConflict {
		t.Errorf("%d: %s", code, body)
	}
	code, _, body := may.post("/d/paris/switch", form(page, "reason", "x", "typed", "standby"))
	if code != http.StatusConflict || o.tip() != before {
		t.Fatalf("%d: %s", code, body)
	}
	says(t, body, "Something speaks against it")
	if code, at, body := may.post("/d/paris/switch", form(page, "reason", "x", "typed", "standby", "force", "unheard")); code != http.StatusOK || at != "/d/paris" {
		t.Fatalf("%d at %s: %s", code, at, body)
	}
	says(t, o.bareGit("log", "-1", "--format=%(trailers:key=Mainstay-Forced)", "main"), "unheard web-standby")
	if last := o.log.Last()[0]; last.Who != "override" || !strings.Contains(last.Text, "overridden: unheard web-standby") {
		t.Errorf("the audit keeps %+v", last)
	}
}

// A branch that wants a review takes no push: the page says so, and offers a branch.
func TestARefusedPushOffersABranch(t *testing.T) {
	o := newOffice(t)
	hook := filepath.Join(o.bare.Dir, "hooks", "update")
	if err := os.MkdirAll(filepath.Dir(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hook, []byte("#!/bin/sh\n[ \"$1\" != refs/heads/main ] || { echo reviews only >&2; exit 1; }\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	v := o.visitor(signin.Switch)
	before := o.tip()
	code, _, body := v.post("/d/paris/switch", form(v.get("/d/paris/switch"), "reason", "drill", "typed", "standby"))
	if code != http.StatusConflict {
		t.Fatalf("%d: %s", code, body)
	}
	says(t, body, "takes no push to main", "reviews only", "Push the branch paris-to-standby")
	code, at, body := v.post("/d/paris/switch", form(body, "review", "yes"))
	if code != http.StatusOK || at != "/d/paris/review" || o.tip() != before {
		t.Fatalf("%d at %s: %s", code, at, body)
	}
	says(t, body, "paris-to-standby", "guarantee released")
	says(t, o.bareGit("log", "-1", "--format=%an%n%(trailers)", "paris-to-standby"), "The switch", "Mainstay-Branch: paris-to-standby")
}
