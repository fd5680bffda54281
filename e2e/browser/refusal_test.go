//go:build e2e

package browser

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Who did not sign in is told nothing, whatever the address.
func TestSignedOut(t *testing.T) {
	p := shared.browser.Tab(t)
	name := filepath.Base(shared.demoName(t))
	for _, path := range []string{"/", "/d/" + name, "/d/" + name + "/switch", "/audit"} {
		p.Open(shared.page + path)
		p.Says("h1", "Sign in")
		if text := p.Text("body"); strings.Contains(text, "xivo") {
			t.Errorf("%s tells a stranger %s", path, text)
		}
	}
	p.Open(shared.page + "/d/" + name)
	p.Fill("#name", reader)
	p.Fill("#password", "not the password")
	p.Click("main form button")
	p.Says(".problem", "The name or the password is not right.")
	p.signIn(reader, password)
	p.Says("#head .crumb", name)
	p.Click("form.person button")
	p.Says("h1", "Sign in")
	p.Back()
	p.Reload()
	p.Says("h1", "Sign in")
}

// demoName is the deployment's name.
func (s *site) demoName(t *testing.T) string {
	t.Helper()
	for line := range strings.Lines(gitRun(t, s.bare, "show", "main:deployment.yaml")) {
		if name, ok := strings.CutPrefix(line, "name: "); ok {
			return strings.TrimSpace(name)
		}
	}
	t.Fatal("the document has no name")
	return ""
}

// A role that only reads is offered nothing, and gets nothing by the address.
func TestAWrongRole(t *testing.T) {
	p := shared.visit(t, reader)
	p.Lacks("#head a.button")
	before := shared.count(t)
	p.Open(p.Location() + "/switch")
	p.Says("h1", "This is not allowed")
	p.Says("main", "Your role only reads.")
	if now := shared.count(t); now != before {
		t.Errorf("%s commits became %s", before, now)
	}
}

// A form that was made from an older commit commits nothing, and says who was first.
func TestAStaleForm(t *testing.T) {
	p, to := shared.visit(t, switcher), other(shared.declared(t))
	p.ask(to, "a reason to keep")
	shared.commit(t, "faster than the form", "")
	p.send()
	p.Says(".problem", "Nothing was committed: another was first")
	p.Says(".problem", "faster than the form")
	if by := shared.tip(t, "%an"); by != "another" {
		t.Errorf("the newest commit is by %s", by)
	}
	if kept := p.Value("#reason"); kept != "a reason to keep" {
		t.Errorf("the reason became %q", kept)
	}
	p.leave()
}

// leave goes back to the deployment without a switch, and waits until it is in order.
func (p *Tab) leave() {
	p.t.Helper()
	p.Click("main .crumb a")
	p.settled(shared.declared(p.t.(*testing.T)))
}

// The side's name is to be typed, and another one commits nothing.
func TestAWrongNameTyped(t *testing.T) {
	p, to, before := shared.visit(t, switcher), other(shared.declared(t)), shared.count(t)
	p.ask(other(to), "typed in haste")
	p.send()
	p.Says(".problem", "The side that was typed is not the one that is meant. Nothing was committed.")
	if kept := p.Value("#reason"); kept != "typed in haste" {
		t.Errorf("the reason became %q", kept)
	}
	if now := shared.count(t); now != before {
		t.Errorf("%s commits became %s", before, now)
	}
}

// Of two people who switch at once one does, and the other is told who.
func TestTwoPeopleAtOnce(t *testing.T) {
	to := other(shared.declared(t))
	one, two := shared.visit(t, switcher), shared.visit(t, second)
	one.ask(to, "the first")
	two.ask(to, "the second")
	one.send()
	two.send()
	one.Until("an answer", "document.querySelector('#head') || document.querySelector('.problem')")
	first, late, winner := one, two, switcher
	if one.Holds("document.querySelector('.problem')") {
		first, late, winner = two, one, second
	}
	first.Until("the page of the deployment", "document.querySelector('#head')")
	late.Says(".problem", "Nothing was committed: "+winner+" was first")
	late.Says(".problem", named(to)+" is declared now")
	late.Says("main", "The document declares this side already")
	late.Lacks("main form.form")
	first.settled(to)
	if by := shared.tip(t, "%an"); by != winner {
		t.Errorf("the newest commit is by %s", by)
	}
}

// Where the server takes no push to the branch, a branch for review is offered and
// pushed, and nothing switches.
func TestARefusedPush(t *testing.T) {
	p, to, before := shared.visit(t, switcher), other(shared.declared(t)), shared.count(t)
	branch := shared.demoName(t) + "-to-" + to
	hook := filepath.Join(shared.bare, "hooks", "update")
	rule := "#!/bin/sh\n[ \"$1\" != refs/heads/main ] || { echo 'main wants a review'; exit 1; }\n"
	if err := os.WriteFile(hook, []byte(rule), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = os.Remove(hook)
		gitRun(t, shared.bare, "update-ref", "-d", "refs/heads/"+branch)
	})
	p.ask(to, "please review")
	p.send()
	p.Says(".problem", "The server takes no push to main.")
	p.Says(".problem", "main wants a review")
	p.Fill("#typed", to)
	p.Click("button[name=review]")
	p.Says("#branches h2", branch)
	p.Says("#branches", "guarantee released")
	if now := shared.count(t); now != before {
		t.Errorf("%s commits became %s", before, now)
	}
	if said := gitRun(t, shared.bare, "log", "-1", "--format=%an %B", branch); !strings.HasPrefix(said, switcher) || !strings.Contains(said, "please review") {
		t.Errorf("the branch says %q", said)
	}
}

// While git is out of reach the page says since when it is old, and the button why it
// cannot; afterwards it goes on by itself. What was filled in meanwhile is not lost.
func TestGitGoneAndBack(t *testing.T) {
	p, form, to := shared.visit(t, reader), shared.visit(t, switcher), other(shared.declared(t))
	p.mark()
	watcher := shared.visit(t, second)
	form.ask(to, "while git is gone")
	if err := os.Remove(shared.git); err != nil {
		t.Fatal(err)
	}
	gone := true
	back := func() {
		if gone {
			gone = false
			if err := os.Symlink(shared.bare, shared.git); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Cleanup(back)
	p.Says(".old", "old: git could not be read since")
	watcher.Says("#head .act", "Nothing can be committed now: git cannot be read.")
	watcher.Lacks("#head a.button")
	form.send()
	form.Says(".problem", "This change cannot be prepared. Nothing was committed.")
	back()
	p.Until("the data is not old any more", "!document.querySelector('.old')")
	p.settled(other(to))
	p.stayed()
	watcher.Until("the button is back", "document.querySelector('#head a.button')")
}

// A session that ends while the form is filled in loses nothing, and nothing is done
// twice: the form goes on after a sign-in, and the same one again is the same commit.
func TestASessionThatEndsInTheMiddle(t *testing.T) {
	p, to, before := shared.visit(t, leaver), other(shared.declared(t)), shared.count(t)
	p.ask(to, "across a session")
	const newPassword = "another correct horse"
	t.Cleanup(func() {
		if err := shared.addUser(leaver, "switch", password); err != nil {
			t.Error(err)
		}
	})
	if err := shared.addUser(leaver, "switch", newPassword); err != nil {
		t.Fatal(err)
	}
	p.send()
	p.Says(".problem", "Your session has ended.")
	if now := shared.count(t); now != before {
		t.Errorf("%s commits became %s", before, now)
	}
	p.signIn(leaver, newPassword)
	p.Until("the form", "document.querySelector('#reason')")
	if kept := p.Value("#reason"); kept != "across a session" {
		t.Errorf("the reason became %q", kept)
	}
	p.Fill("#typed", to)
	p.send()
	p.Until("the page of the deployment", "document.querySelector('#head')")
	after := shared.count(t)
	p.Back() // to the form, as it was sent
	p.Until("the form", "document.querySelector('#reason')")
	p.settledElsewhere(t, to)
	if now := shared.count(t); now != after {
		t.Errorf("%s commits became %s", after, now)
	}
}

// settledElsewhere waits at the deployment's own page.
func (p *Tab) settledElsewhere(t *testing.T, side string) {
	t.Helper()
	p.Click("main .crumb a")
	p.settled(side)
}
