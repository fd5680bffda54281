package archive

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mainstay/e2e/attack"
	"mainstay/reconcile/console/audit"
	"mainstay/reconcile/console/signin"
)

// A node is paused and resumed by a commit of one word, as a switch is made: a forecast,
// a reason, the person's name, the audit.
func TestANodeIsPausedAndResumed(t *testing.T) {
	o := newOffice(t)
	v := o.visitor(signin.Switch)
	says(t, v.get("/d/paris/n/web-standby"), "Pause web-standby", `href="/d/paris/pause/web-standby"`)
	page := v.get("/d/paris/pause/web-standby")
	says(t, page, "While web-standby is paused its agent only looks", "is paused: its agent only looks", "Made from commit")
	before := o.tip()
	f := form(page, "reason", "new disk")
	for range 2 {
		if code, at, body := v.post("/d/paris/switch", f); code != http.StatusOK || at != "/d/paris" {
			t.Fatalf("%d at %s: %s", code, at, body)
		}
	}
	if n := o.bareGit("rev-list", "--count", before+"..main"); n != "1" {
		t.Fatalf("%s commits", n)
	}
	says(t, o.bareGit("log", "-1", "--format=%an%n%s%n%(trailers)", "main"), "The switch", "paris: pause web-standby", "Mainstay-Paused: web-standby", "Mainstay-Reason: new disk")
	if last := o.log.Last()[0]; last.What != "pause web-standby" || last.Result != audit.OK {
		t.Errorf("the audit keeps %+v", last)
	}
	says(t, v.get("/d/paris/pause/web-standby"), "The document says so already")
	says(t, v.get("/d/paris/n/web-standby"), "Resume web-standby")
	if code, at, body := v.post("/d/paris/switch", form(v.get("/d/paris/resume/web-standby"), "reason", "mended")); code != http.StatusOK || at != "/d/paris" {
		t.Fatalf("%d at %s: %s", code, at, body)
	}
	says(t, o.bareGit("log", "-1", "--format=%s", "main"), "paris: resume web-standby")
	if diff := o.bareGit("diff", before, "main"); diff != "" {
		t.Errorf("what is left of the pause: %s", diff)
	}
}

// A fence wants the side typed by its name. A side that is heard to serve is not off,
// and only who may override says so all the same.
func TestASideIsStatedToBeOff(t *testing.T) {
	attack.Row(t, "web page", "a side stated to be off that serves, or under another name, or by a role that may not", "refused; who may and names it is recorded")
	o := newOffice(t)
	v, may := o.visitor(signin.Switch), o.visitor(signin.Override)
	says(t, v.get("/d/paris"), "State that a side is off", `href="/d/paris/fence/main"`)
	before := o.tip()
	page := v.get("/d/paris/fence/main")
	says(t, page, "you state that you know that Main is off", "is not off", "What speaks against it stands")
	page = may.get("/d/paris/fence/main")
	for code, f := range map[int]url.Values{
		http.StatusUnprocessableEntity: form(page, "reason", "x", "typed", "standby", "force", "fenced"),
		http.StatusConflict:            form(page, "reason", "x", "typed", "main"),
	} {
		if got, _, body := may.post("/d/paris/switch", f); got != code {
			t.Errorf("%d, want %d: %s", got, code, body)
		}
	}
	if code, _, _ := v.post("/d/paris/switch", form(page, "reason", "x", "typed", "main", "force", "fenced")); code != http.StatusForbidden || o.tip() != before {
		t.Fatalf("%d: the branch is at %s", code, o.tip())
	}
	if code, at, body := may.post("/d/paris/switch", form(page, "reason", "power cut", "typed", "main", "force", "fenced")); code != http.StatusOK || at != "/d/paris" {
		t.Fatalf("%d at %s: %s", code, at, body)
	}
	says(t, o.bareGit("log", "-1", "--format=%s%n%(trailers)", "main"), "paris: fail over to standby", "Mainstay-Fenced: main", "Mainstay-Forced: fenced web-main")
	body := may.get("/d/paris")
	says(t, body, "fenced: main", "Take the statement back")
	page = v.get("/d/paris/unfence")
	says(t, page, "fenced: main → (none)")
	if code, at, body := v.post("/d/paris/switch", form(page, "reason", "it is on again")); code != http.StatusOK || at != "/d/paris" {
		t.Fatalf("%d at %s: %s", code, at, body)
	}
	says(t, o.bareGit("show", "main:deployment.yaml"), "active: standby")
	if text := o.bareGit("show", "main:deployment.yaml"); strings.Contains(text, "fenced") {
		t.Errorf("the fence is still there: %s", text)
	}
}

// Every act is refused to who may not, from a page of another origin, from an older
// commit, and for what is none of the deployment's.
func TestEveryActIsRefusedAsASwitchIs(t *testing.T) {
	attack.Row(t, "web page", "a pause or a fence by a role that only reads, from another origin (CSRF), or from an older commit", "refused, nothing committed")
	attack.Row(t, "web page", "markup, options of git and other addresses as the node or the side of an act", "shown as text, nothing committed")
	o := newOffice(t)
	reads, v := o.visitor(signin.Read), o.visitor(signin.Switch)
	says(t, v.get("/d/paris/n/web-main"), "Pause web-main")
	if page := reads.get("/d/paris/n/web-main"); strings.Contains(page, "Pause") {
		t.Error("an act is offered that is refused")
	}
	forms := map[string]url.Values{}
	for _, path := range []string{"/d/paris/pause/web-main", "/d/paris/fence/standby"} {
		says(t, reads.get(path), "Your role only reads")
		forms[path] = form(v.get(path), "reason", "mine", "typed", "standby")
		if code, _, _ := reads.post("/d/paris/switch", forms[path]); code != http.StatusForbidden {
			t.Errorf("%s by a reader: %d", path, code)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, o.server.URL+"/d/paris/switch", strings.NewReader(forms[path].Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://evil.example")
		res, err := v.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if _ = res.Body.Close(); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s from another origin: %s", path, res.Status)
		}
	}
	before := o.tip()
	for _, bad := range []string{`"><script>alert(1)</script>`, "--all", "../../x", "web-main\nactive: standby", "web-nobody"} {
		f := form(v.get("/d/paris/pause/web-main"), "reason", "x", "node", bad)
		if code, _, body := v.post("/d/paris/switch", f); code != http.StatusUnprocessableEntity || strings.Contains(body, "<script>a") {
			t.Errorf("the node %q: %d %s", bad, code, body)
		}
		for _, field := range []string{"act", "side"} {
			if code, _, body := v.post("/d/paris/switch", form(v.get("/d/paris/fence/standby"), "reason", "x", "typed", bad, field, bad)); code != http.StatusNotFound || strings.Contains(body, "<script>a") {
				t.Errorf("the %s %q: %d %s", field, bad, code, body)
			}
		}
	}
	if o.tip() != before {
		t.Fatal("something was committed")
	}
	o.git("commit", "--quiet", "--allow-empty", "-m", "faster")
	o.git("push", "--quiet", "origin", "main")
	tip := o.tip()
	for path, f := range forms {
		code, _, body := v.post("/d/paris/switch", f)
		if says(t, body, "ops was first", `value="mine"`); code != http.StatusConflict || o.tip() != tip {
			t.Errorf("%s from an older commit: %d %s", path, code, body)
		}
	}
}

// hook puts a script in a place of the server that git calls.
func (o *office) hook(name, script string) {
	o.t.Helper()
	path := filepath.Join(o.bare.Dir, "hooks", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		o.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		o.t.Fatal(err)
	}
}

func TestAPauseForReviewIsOffered(t *testing.T) {
	o := newOffice(t)
	o.hook("update", "[ \"$1\" != refs/heads/main ] || { echo reviews only >&2; exit 1; }\n")
	v := o.visitor(signin.Switch)
	_, _, body := v.post("/d/paris/switch", form(v.get("/d/paris/pause/web-standby"), "reason", "drill"))
	says(t, body, "takes no push to main", "Push the branch paris-pause-web-standby")
	code, at, body := v.post("/d/paris/switch", form(body, "review", "yes"))
	if code != http.StatusOK || at != "/d/paris/review" {
		t.Fatalf("%d at %s: %s", code, at, body)
	}
	says(t, body, "paris-pause-web-standby", "its agent only looks")
}

// lost is a hook that takes a push of a branch, does something, and cuts the connection
// before it answers, once.
const lost = `[ "$1" = committed ] && rm cut 2>/dev/null || exit 0
while read -r old new ref; do true; done
%s
kill -9 "$PPID"
`

func (o *office) cutOnce(then string) {
	o.t.Helper()
	o.hook("reference-transaction", strings.Replace(lost, "%s", then, 1))
	if err := os.WriteFile(filepath.Join(o.bare.Dir, "cut"), nil, 0o644); err != nil {
		o.t.Fatal(err)
	}
}

// A push whose answer was lost on the way was carried out: the page looks, says so, and
// does nothing twice, also when somebody has pushed another commit on top of it.
func TestAPushWhoseAnswerIsLostIsLookedUp(t *testing.T) {
	attack.Row(t, "web page", "a connection that is cut after the server took the push, and the form sent again", "the page says that it was committed; nothing twice")
	for name, then := range map[string]string{
		"alone":                  "",
		"with a commit above it": `git update-ref refs/heads/main "$(GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x git commit-tree -p main -m above 'main^{tree}')"`,
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			v := o.visitor(signin.Switch)
			f := form(v.get("/d/paris/switch"), "reason", "drill", "typed", "standby")
			o.cutOnce(then)
			for range 2 {
				if code, at, body := v.post("/d/paris/switch", f); code != http.StatusOK || at != "/d/paris" {
					t.Fatalf("%d at %s: %s", code, at, body)
				}
			}
			if _, err := os.Stat(filepath.Join(o.bare.Dir, "cut")); err == nil {
				t.Fatal("nothing was cut")
			}
			if n := o.bareGit("log", "--format=%s", "main"); strings.Count(n, "fail over") != 1 {
				t.Errorf("the branch has %s", n)
			}
			if last := o.log.Last()[0]; last.Result != audit.OK {
				t.Errorf("the audit keeps %+v", last)
			}
		})
	}
}

// When git cannot be asked after a lost answer, the page says that it does not know, and
// the same form again finds what is there.
func TestAPushThatCannotBeLookedUpIsSaidNotToBeKnown(t *testing.T) {
	o := newOffice(t)
	v := o.visitor(signin.Switch)
	f := form(v.get("/d/paris/switch"), "reason", "drill", "typed", "standby")
	away := o.bare.Dir + "-away"
	o.cutOnce(`mv "` + o.bare.Dir + `" "` + away + `"`)
	code, _, body := v.post("/d/paris/switch", f)
	if code != http.StatusBadGateway {
		t.Fatalf("%d: %s", code, body)
	}
	says(t, body, "it is not known whether the commit arrived")
	if last := o.log.Last()[0]; last.Result != audit.Failed || !strings.Contains(last.Text, "not known") {
		t.Errorf("the audit keeps %+v", last)
	}
	if err := os.Rename(away, o.bare.Dir); err != nil {
		t.Fatal(err)
	}
	code, _, body = v.post("/d/paris/switch", f)
	if says(t, body, "The switch was first", "Standby is declared now"); code != http.StatusConflict || strings.Count(o.bareGit("log", "--format=%s", "main"), "fail over") != 1 {
		t.Errorf("again: %d %s", code, body)
	}
}
