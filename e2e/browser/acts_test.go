//go:build e2e

package browser

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// portray takes a picture where make screenshots wants them, on a wide screen and on a
// phone, in light and in dark.
func (p *Tab) portray(t *testing.T, name string) {
	t.Helper()
	p.Accessible(name)
	for _, dark := range []bool{false, true} {
		p.Dark(dark)
		for _, width := range []int{1280, 390} {
			p.Size(width, 900)
			p.Fits(name)
			if *pictures != "" {
				p.Picture(filepath.Join(*pictures, fmt.Sprintf("%s-%d-%t.png", name, width, dark)))
			}
		}
	}
	p.Dark(false)
	p.Size(1280, 900)
}

// sayUntilKept sends a word, and sends it again for as long as something new went wrong
// while it was written: the nodes may be telling of the last commit still.
func (p *Tab) sayUntilKept() {
	p.t.Helper()
	for range 10 {
		p.mark()
		p.send()
		p.Until("an answer", "!window.stayed && document.readyState === 'complete' && document.querySelector('main h1')")
		if !p.Holds("document.querySelector('.problem')") {
			return
		}
		p.Says(".problem", "Something else is wrong now")
	}
}

// A node is paused by clicks; somebody else says a word about it, which all see until
// the node is resumed.
func TestAPauseIsSeenAndTakenBack(t *testing.T) {
	p, watcher, declared := shared.visit(t, switcher), shared.visit(t, reader), shared.declared(t)
	watcher.mark()
	node := "xivo-" + other(declared)
	p.Click("a[href$='/n/" + node + "']")
	p.Click("a[href$='/pause/" + node + "']")
	p.Says("h1", "Pause "+node)
	p.Says("main", "its agent only looks")
	p.Fill("#reason", "a new disk")
	p.portray(t, "pause")
	p.send()
	p.Until("the page of the deployment", "document.querySelector('#head')")
	watcher.Says("#head", "needs attention")
	watcher.Says("#picture", "Paused")
	if body := shared.tip(t, "%s %B"); !strings.Contains(body, "pause "+node) || !strings.Contains(body, "a new disk") {
		t.Errorf("the commit says %q", body)
	}
	q := shared.browser.Tab(t) // the page is not in order, so nobody waits for that
	q.Open(shared.page + "/")
	q.signIn(second, password)
	q.Click("a[href$='/acknowledge']")
	q.Fill("#word", "I brought the disk")
	q.portray(t, "seen")
	q.sayUntilKept()
	watcher.Says("#head .seen", "Seen by second")
	watcher.Says("#head .seen", "I brought the disk")
	watcher.Says("#head", "needs attention")
	watcher.portray(t, "seen-by-all")
	p.Click("a[href$='/n/" + node + "']")
	p.Says("#node", "Resume "+node)
	p.portray(t, "node-paused")
	p.Click("a[href$='/resume/" + node + "']")
	p.Fill("#reason", "it is in")
	p.send()
	watcher.settled(declared)
	watcher.Lacks("#head .seen")
	watcher.stayed()
}

// A side that is off is stated to be off by its name, and the statement is taken back.
func TestASideIsStatedToBeOffAndBack(t *testing.T) {
	p, declared := shared.visit(t, switcher), shared.declared(t)
	off, before := other(declared), shared.count(t)
	p.Click("a[href$='/fence/" + off + "']")
	p.Says("h1", "State that "+named(off)+" is off")
	p.Says(".states", "its power is cut, or you saw it down")
	p.Fill("#reason", "power cut")
	p.Fill("#typed", declared)
	p.send()
	p.Says(".problem", "not the one that is meant")
	if now := shared.count(t); now != before {
		t.Errorf("%s commits became %s", before, now)
	}
	p.Fill("#typed", off)
	p.portray(t, "fence")
	p.send()
	p.Says("#head .commit", "fenced: "+off)
	p.Click("a[href$='/unfence']")
	p.Fill("#reason", "power is back")
	p.send()
	p.Until("the page of the deployment", "document.querySelector('#head a.button')")
	p.settled(declared)
	if text := p.Text("#head .commit"); strings.Contains(text, "fenced") {
		t.Errorf("it is fenced still: %s", text)
	}
}

// ahead is the next whole minute that lies far enough ahead to be asked for.
func ahead() time.Time { return time.Now().UTC().Add(2 * time.Minute).Truncate(time.Minute) }

// askAt asks for a switch at a time.
func (p *Tab) askAt(to, reason string, at time.Time) {
	p.t.Helper()
	p.ask(to, reason)
	p.Do("document.querySelector('#at').value = '" + at.Format("2006-01-02T15:04") + "'")
}

// A switch is asked for at a time, seen by everybody, cancelled; and another one is
// carried out when its time comes, while nobody does anything.
func TestASwitchAtATimeIsCancelledAndCarriedOut(t *testing.T) {
	p, watcher, declared := shared.visit(t, switcher), shared.visit(t, reader), shared.declared(t)
	watcher.mark()
	to := other(declared)
	p.askAt(to, "tonight", ahead().Add(time.Hour))
	p.portray(t, "switch-at")
	p.send()
	watcher.Says("#timed", "A switch to "+named(to)+" is asked for at")
	watcher.Says("#timed", "tonight")
	watcher.Lacks("#timed button")
	p.portray(t, "timed")
	p.Click("#timed button")
	watcher.Says("#timed", "was cancelled")
	if left := gitRun(t, shared.bare, "for-each-ref", "refs/heads/mainstay"); left != "" {
		t.Errorf("its branch is still there: %s", left)
	}
	at := ahead()
	p.askAt(to, "soon", at)
	p.send()
	watcher.Says("#timed", "is asked for at")
	for _, before := range []time.Duration{time.Minute, 0} {
		p.Until("the time has come", fmt.Sprintf("Date.now() >= %d", at.Add(-before).UnixMilli()))
	}
	watcher.Says("#timed", "was committed")
	watcher.settled(to)
	watcher.stayed()
	watcher.portray(t, "timed-done")
	if got, want := shared.tip(t, "%an %s"), switcher+" "+shared.demoName(t)+": fail over to "+to; to == "standby" && got != want {
		t.Errorf("the newest commit is %q, want %q", got, want)
	}
}
