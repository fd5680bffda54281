package archive

import (
	"bufio"
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/attack"
	"mainstay/reconcile/console/audit"
	"mainstay/reconcile/console/signin"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/git"
)

const timedBranch = fleet.Timed + "paris"

// until follows the page until it says something.
func (v *visitor) until(text string) string {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.server.URL+"/events", nil)
	if err != nil {
		v.t.Fatal(err)
	}
	res, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if !strings.HasPrefix(lines.Text(), "data: ") {
			continue
		}
		if body := html.UnescapeString(v.get("/d/paris")); strings.Contains(body, text) {
			return body
		}
	}
	v.t.Fatalf("the page never says %q: %s", text, v.get("/d/paris"))
	return ""
}

// soon is a time of the page's clock, as a form has it.
func (o *office) soon() string {
	return o.now().UTC().Add(3 * time.Minute).Format("2006-01-02T15:04")
}

// ask asks for a switch to standby soon.
func (v *visitor) ask() url.Values {
	v.t.Helper()
	f := form(v.get("/d/paris/switch"), "reason", "new <disk>", "typed", "standby", "at", v.soon())
	code, at, body := v.post("/d/paris/switch", f)
	if code != http.StatusOK || at != "/d/paris" {
		v.t.Fatalf("%d at %s: %s", code, at, body)
	}
	says(v.t, body, "A switch to Standby is asked for at", "Asked for by The", "new <disk>")
	return f
}

// pass lets the time of what was asked for come.
func (o *office) pass(d time.Duration) { o.ahead.Add(int64(d)) }

// ended checks that the branch of a switch at a time is gone, and that main has so many
// new commits.
func (o *office) ended(before string, commits int) {
	o.t.Helper()
	if left := o.bareGit("for-each-ref", "refs/heads/"+fleet.Timed); left != "" {
		o.t.Errorf("the branch is still there: %s", left)
	}
	if n := o.bareGit("rev-list", "--count", before+"..main"); n != fmt.Sprint(commits) {
		o.t.Errorf("main has %s new commits, want %d", n, commits)
	}
}

func (o *office) lastLine() audit.Line { return o.log.Last()[0] }

// A switch that was asked for at a time waits on a branch that says when, outlives a
// restart of the page, and is carried out then in the person's name.
func TestASwitchIsCarriedOutAtItsTime(t *testing.T) {
	o := newOffice(t)
	v, before := o.visitor(signin.Switch), o.tip()
	f := v.ask()
	if o.tip() != before {
		t.Fatal("it was switched at once")
	}
	says(t, o.bareGit("log", "-1", "--format=%an%n%s%n%(trailers)", timedBranch), "The switch", "paris: fail over to standby", "Mainstay-At: "+f.Get("at")+":00Z", "Mainstay-Reason: new <disk>", "Mainstay-Branch: "+timedBranch)
	if code, at, _ := v.post("/d/paris/switch", f); code != http.StatusOK || at != "/d/paris" {
		t.Errorf("the same form again: %d at %s", code, at)
	}
	code, _, body := v.post("/d/paris/switch", form(v.get("/d/paris/switch"), "reason", "x", "typed", "standby", "at", o.soon()))
	if says(t, body, "waits for its time already"); code != http.StatusUnprocessableEntity {
		t.Errorf("a second one: %d", code)
	}
	says(t, v.get("/d/paris/review"), timedBranch, "new <disk>")
	o.end()
	o.serve()
	reads := o.visitor(signin.Read)
	if body := reads.get("/d/paris"); strings.Contains(body, "Cancel it") {
		t.Error("a person who may not is offered to cancel it")
	}
	says(t, reads.get("/d/paris"), "A switch to Standby is asked for at")
	o.pass(4 * time.Minute)
	reads.until("was committed")
	o.ended(before, 1)
	says(t, o.bareGit("log", "-1", "--format=%an <%ae>%n%s%n%(trailers)", "main"), "The switch <switch@example.org>", "paris: fail over to standby", "Mainstay-Branch: main", "Mainstay-At: ")
	if last := o.lastLine(); last.Who != "switch" || last.Result != audit.OK || !strings.Contains(last.Text, o.tip()) || last.From != "agenda" {
		t.Errorf("the audit keeps %+v", last)
	}
}

// At its time a switch is thought through anew: what speaks against it then stops it, and
// everybody is told why.
func TestASwitchAtATimeIsNotMadeWhenSomethingSpeaksAgainstIt(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(*office)
		says    string
		commits int
	}{
		"another side is declared": {func(o *office) {
			write(o.t, o.work, strings.Replace(document, "active: main", "active: standby", 1))
			o.git("commit", "--quiet", "-am", "by hand")
			o.git("push", "--quiet", "origin", "main")
		}, "main was active when it was asked for, and the document declares standby now", 1},
		"the other side was never heard": {func(o *office) {
			o.git("push", "--quiet", o.bare.Dir, ":"+git.ReportRef("paris", "web-standby"))
		}, "never heard", 0},
		"who asked may not any more": {func(o *office) {
			text, err := os.ReadFile(o.users)
			if err == nil {
				err = os.WriteFile(o.users, []byte(strings.Replace(string(text), `"name":"switch"`, `"name":"other"`, 1)), 0o600)
			}
			if err != nil {
				o.t.Fatal(err)
			}
		}, "may not switch any more", 0},
		"its branch was deleted": {func(o *office) { o.git("push", "--quiet", "origin", ":"+timedBranch) }, "its branch was deleted or changed in git", 0},
		"its branch was changed": {func(o *office) {
			o.git("fetch", "--quiet", "origin", timedBranch)
			o.git("push", "--quiet", "--force", "origin", "main:"+timedBranch)
		}, "its branch was deleted or changed in git", 0},
		"the server takes no push": {func(o *office) {
			o.hook("update", "[ \"$1\" != refs/heads/main ] || { echo reviews only >&2; exit 1; }\n")
		}, "reviews only", 0},
		"the document is broken": {func(o *office) {
			write(o.t, o.work, document+"nothing: 1\n")
			o.git("commit", "--quiet", "-am", "break it")
			o.git("push", "--quiet", "origin", "main")
		}, "problems", 1},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			v, reads, before := o.visitor(signin.Switch), o.visitor(signin.Read), o.tip()
			v.ask()
			c.happens(o)
			o.pass(4 * time.Minute)
			says(t, reads.until("WAS NOT MADE: something spoke against it"), c.says)
			if name != "its branch was changed" {
				o.ended(before, c.commits)
			}
			if last := o.lastLine(); last.Result != audit.Refused || !strings.Contains(last.Text, c.says) {
				t.Errorf("the audit keeps %+v", last)
			}
		})
	}
}

// A page that was down at the time says so, and switches nothing behind people's backs.
func TestASwitchAtATimeIsMissedWhenThePageWasDown(t *testing.T) {
	o := newOffice(t)
	v, before := o.visitor(signin.Switch), o.tip()
	v.ask()
	o.end()
	o.pass(14 * time.Minute)
	o.serve()
	says(t, o.visitor(signin.Read).until("WAS NOT MADE: its time passed"), "within 10m0s of its time: this page did not run then")
	o.ended(before, 0)
}

// While git is out of reach a switch waits, and is made once git is back, if that is not
// too late.
func TestASwitchAtATimeWaitsForGit(t *testing.T) {
	o := newOffice(t)
	v, before, away := o.visitor(signin.Switch), o.tip(), o.bare.Dir+"-away"
	v.ask()
	if err := os.Rename(o.bare.Dir, away); err != nil {
		t.Fatal(err)
	}
	o.pass(4 * time.Minute)
	for text := range o.said {
		if text == "a switch at a time waits: git cannot be read" {
			break
		}
	}
	if err := os.Rename(away, o.bare.Dir); err != nil {
		t.Fatal(err)
	}
	o.pass(20 * time.Second)
	v.until("was committed")
	o.ended(before, 1)
}

func TestASwitchAtATimeIsCancelled(t *testing.T) {
	attack.Row(t, "web page", "a switch at a time that was cancelled, pushed again under its name", "not carried out, and said so")
	attack.Row(t, "web page", "a switch at a time cancelled by a role that only reads, or from another origin (CSRF)", "refused")
	o := newOffice(t)
	v, reads, before := o.visitor(signin.Switch), o.visitor(signin.Read), o.tip()
	v.ask()
	commit := o.bareGit("rev-parse", timedBranch)
	o.git("fetch", "--quiet", "origin", timedBranch)
	f := form(v.get("/d/paris"))
	if f.Get("commit") != commit {
		t.Fatalf("the form has %v", f)
	}
	if code, _, _ := reads.post("/d/paris/cancel", f); code != http.StatusForbidden {
		t.Errorf("by a reader: %d", code)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, o.server.URL+"/d/paris/cancel", strings.NewReader(f.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := v.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if _ = res.Body.Close(); res.StatusCode != http.StatusForbidden {
		t.Errorf("from another origin: %s", res.Status)
	}
	other := o.visitor(signin.Override)
	code, at, body := other.post("/d/paris/cancel", f)
	if says(t, body, "was cancelled", "by The override"); code != http.StatusOK || at != "/d/paris" {
		t.Fatalf("%d at %s", code, at)
	}
	o.ended(before, 0)
	if code, _, _ := v.post("/d/paris/cancel", f); code != http.StatusConflict {
		t.Errorf("a second time: %d", code)
	}
	o.git("push", "--quiet", "origin", commit+":refs/heads/"+timedBranch)
	o.pass(4 * time.Minute)
	o.strangerStays(before)
}

// strangerStays lets the agenda deal with an order of its own behind a branch that is
// none, and sees that nothing became of the branch.
func (o *office) strangerStays(before string) {
	o.t.Helper()
	o.end()
	o.serve()
	v := o.visitor(signin.Read)
	if n := o.bareGit("rev-list", "--count", before+"..main"); n != "0" {
		o.t.Errorf("%s commits", n)
	}
	if body := v.get("/d/paris"); strings.Contains(body, "is asked for at") {
		o.t.Errorf("a branch became an order: %s", body)
	}
}

// Whoever can push to the repository can push a branch under any name, with any author
// and any trailers: that orders nothing.
func TestABranchAloneOrdersNothing(t *testing.T) {
	attack.Row(t, "web page", "a branch under the name of a switch at a time, pushed by somebody who may not switch, with forged author and trailers", "not carried out, and said so")
	o := newOffice(t)
	before, at := o.tip(), o.now().UTC().Add(time.Minute)
	o.git("checkout", "--quiet", "-b", timedBranch)
	write(t, o.work, strings.Replace(document, "active: main", "active: standby", 1))
	o.git("commit", "--quiet", "--author=The switch <switch@example.org>", "-am", "paris: fail over to standby", "-m",
		"Mainstay-Deployment: paris\nMainstay-Branch: "+timedBranch+"\nMainstay-From: main\nMainstay-To: standby\nMainstay-At: "+at.Format(time.RFC3339)+"\nMainstay-Reason: mine")
	o.git("push", "--quiet", "origin", timedBranch)
	o.pass(3 * time.Minute)
	o.strangerStays(before)
	v := o.visitor(signin.Switch)
	says(t, v.get("/d/paris"), "This page did not push it, and will not carry it out")
	code, _, body := v.post("/d/paris/switch", form(v.get("/d/paris/switch"), "reason", "x", "typed", "standby", "at", o.soon()))
	if says(t, body, "is there already"); code != http.StatusConflict {
		t.Errorf("an order above it: %d", code)
	}
}

// Of two pages that keep their orders in one folder one carries a switch out.
func TestTwoPagesCarryASwitchOutOnce(t *testing.T) {
	o := newOffice(t)
	v, before := o.visitor(signin.Switch), o.tip()
	users, err := signin.Open(o.users)
	if err != nil {
		t.Fatal(err)
	}
	v.ask()
	o.start(users) // beside it
	o.pass(4 * time.Minute)
	o.visitor(signin.Read).until("was committed")
	o.ended(before, 1)
	done := 0
	for _, line := range o.log.Last() {
		if line.From == "agenda" {
			done++
		}
	}
	if done != 1 {
		t.Errorf("%d pages say that they did it", done)
	}
}

func TestATimeThatIsNoneOrdersNothing(t *testing.T) {
	attack.Row(t, "web page", "a switch at a time in the past or far ahead, with words that override, or of another act", "refused, nothing pushed")
	o := newOffice(t)
	may, before := o.visitor(signin.Override), o.bareGit("for-each-ref")
	page, pause := may.get("/d/paris/switch"), may.get("/d/paris/pause/web-standby")
	for name, f := range map[string]url.Values{
		"in the past":    form(page, "at", "2020-01-01T00:00"),
		"far ahead":      form(page, "at", o.now().UTC().AddDate(0, 1, 0).Format("2006-01-02T15:04")),
		"no time":        form(page, "at", `"><script>alert(1)</script>`),
		"with an offset": form(page, "at", o.now().UTC().Add(time.Hour).Format(time.RFC3339)),
		"overriding":     form(page, "at", o.soon(), "force", "checks"),
		"for review":     form(page, "at", o.soon(), "review", "yes"),
		"a pause":        form(pause, "at", o.soon()),
	} {
		f.Set("reason", "x")
		f.Set("typed", "standby")
		if code, _, body := may.post("/d/paris/switch", f); code != http.StatusUnprocessableEntity || strings.Contains(body, "<script>a") {
			t.Errorf("%s: %d %s", name, code, body)
		}
	}
	if after := o.bareGit("for-each-ref"); after != before {
		t.Errorf("something was pushed: %s", after)
	}
}

// An answer that is lost is looked up: when the switch is asked for, and when it is made.
func TestASwitchAtATimeWhoseAnswerIsLost(t *testing.T) {
	attack.Row(t, "web page", "a connection that is cut after the server took a switch at a time, once when it was asked for and once when it was made", "one order, one commit")
	o := newOffice(t)
	v, before := o.visitor(signin.Switch), o.tip()
	o.cutOnce("")
	v.ask()
	o.cutOnce("")
	o.pass(4 * time.Minute)
	v.until("was committed")
	if _, err := os.Stat(filepath.Join(o.bare.Dir, "cut")); err == nil {
		t.Fatal("nothing was cut")
	}
	if n := o.bareGit("rev-list", "--count", before+"..main"); n != "1" {
		t.Errorf("%s commits", n)
	}
	if last := o.lastLine(); last.Result != audit.OK || !strings.Contains(last.Text, o.tip()) {
		t.Errorf("the audit keeps %+v", last)
	}
}
