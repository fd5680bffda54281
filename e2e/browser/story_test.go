//go:build e2e

package browser

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// gitRun runs git in the bare repository or in a clone of it.
func gitRun(t *testing.T, dir string, args ...string) string {
	t.Helper()
	c := exec.Command("git", args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GIT_AUTHOR_NAME=another", "GIT_AUTHOR_EMAIL=another@example.org", "GIT_COMMITTER_NAME=another", "GIT_COMMITTER_EMAIL=another@example.org")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// tip is what git says of the newest commit, in a format of git log.
func (s *site) tip(t *testing.T, format string) string {
	t.Helper()
	return gitRun(t, s.bare, "log", "-1", "--format="+format, "main")
}

// count is how many commits there are.
func (s *site) count(t *testing.T) string {
	t.Helper()
	return gitRun(t, s.bare, "rev-list", "--count", "main")
}

// declared is the side that the newest document declares.
func (s *site) declared(t *testing.T) string {
	t.Helper()
	for line := range strings.Lines(gitRun(t, s.bare, "show", "main:deployment.yaml")) {
		if side, ok := strings.CutPrefix(line, "active: "); ok {
			return strings.Fields(side)[0]
		}
	}
	t.Fatal("the document declares no side")
	return ""
}

func other(side string) string {
	if side == "main" {
		return "standby"
	}
	return "main"
}

// named is a side's name at the beginning of a headline.
func named(side string) string { return strings.ToUpper(side[:1]) + side[1:] }

// commit commits in the name of another person: the side, if there is one, or a comment.
func (s *site) commit(t *testing.T, subject, side string) {
	t.Helper()
	dir := t.TempDir()
	gitRun(t, dir, "clone", "--quiet", s.bare, ".")
	path := filepath.Join(dir, "deployment.yaml")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data) + "# " + subject + "\n"
	if side != "" {
		text = strings.Replace(text, "active: "+other(side), "active: "+side, 1)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	gitRun(t, dir, "commit", "--quiet", "--all", "-m", subject)
	gitRun(t, dir, "push", "--quiet", "origin", "HEAD:main")
}

// visit opens a tab, and goes to the deployment as a person who signs in there.
func (s *site) visit(t *testing.T, who string) *Tab {
	t.Helper()
	p := s.browser.Tab(t)
	p.Open(s.page + "/")
	p.signIn(who, password)
	p.settled(s.declared(t))
	return p
}

// signIn fills in the form to sign in, and sends it.
func (p *Tab) signIn(who, password string) {
	p.t.Helper()
	p.Fill("#name", who)
	p.Fill("#password", password)
	p.Click("main form button")
	p.Until("signed in", "document.querySelector('form.person')")
}

// settled waits, without a reload, until a side serves and everything is in order.
func (p *Tab) settled(side string) {
	p.t.Helper()
	p.Until(side+" serves, and all is in order", `document.querySelector('#head .headline.fine h1')?.innerText.includes('`+named(side)+` serves xivo, cc')`)
}

// ask opens the form of the switch to the other side, and fills it in.
func (p *Tab) ask(to, reason string) {
	p.t.Helper()
	p.Click("#head a.button")
	p.Fill("#reason", reason)
	p.Fill("#typed", to)
}

// send sends the form of a switch.
func (p *Tab) send() {
	p.t.Helper()
	p.Click("main form.form button")
}

// marked lets a page be told from one that was loaded anew.
func (p *Tab) mark() { p.t.Helper(); p.Do("window.stayed = true") }

func (p *Tab) stayed() {
	p.t.Helper()
	if !p.Holds("window.stayed") {
		p.t.Error("the page was loaded anew")
	}
}
