//go:build e2e

package browser

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// A commit of somebody else is followed to the end by a page that nobody touches.
func TestAFailoverIsWatchedLive(t *testing.T) {
	p, to := shared.visit(t, reader), other(shared.declared(t))
	p.mark()
	// What starts does not get ready while this file is there, so the switch stays under way.
	hold := filepath.Join(shared.demo, "xivo-"+to, "hold")
	if err := os.WriteFile(hold, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(hold) })
	shared.commit(t, "somebody else switches", to)
	p.Says("#switch", "A switch is under way")
	p.Says("#switch", "asterisk is starting")
	p.Says("#head .commit", "somebody else switches")
	if err := os.Remove(hold); err != nil {
		t.Fatal(err)
	}
	p.settled(to)
	p.Until("the switch is not shown any more", "!document.querySelector('#switch table')")
	p.Says(".picture", "held by "+named(to))
	p.stayed()
}

// A person clicks through a failover, and through the way back that is offered then.
func TestOverAndBackByClicks(t *testing.T) {
	p := shared.visit(t, switcher)
	for range 2 {
		to := other(shared.declared(t))
		label := map[string]string{"main": "Fail back to main", "standby": "Fail over to standby"}[to]
		p.Says("#head a.button", label)
		p.ask(to, "the reason why "+to)
		p.Says("main", "What will happen, in order")
		p.Says("main", "guarantee released")
		p.send()
		p.Until("the page of the deployment", "document.querySelector('#head')")
		p.mark()
		p.settled(to)
		p.stayed()
		if got, want := shared.tip(t, "%an %ae"), switcher+" "+switcher+"@example.org"; got != want {
			t.Errorf("the commit is by %q, want %q", got, want)
		}
		if body := shared.tip(t, "%B"); !strings.Contains(body, "the reason why "+to) {
			t.Errorf("the commit says %q", body)
		}
	}
	p.Click(".tabs a:nth-child(2)")
	p.Says("#switches li:first-child", "the reason why "+shared.declared(t))
	p.Says("#switches li:first-child", "released")
	p.Click("form.person a")
	p.Says(".audit tbody tr:first-child", "switch to "+shared.declared(t))
	p.Says(".audit tbody tr:first-child", switcher)
}

// The same in French: the language is chosen by a click, and kept.
func TestASwitchInFrench(t *testing.T) {
	p, to := shared.visit(t, switcher), other(shared.declared(t))
	p.Click(".languages a[hreflang=fr]")
	p.Until("the page is in French", "document.documentElement.lang === 'fr'")
	label := map[string]string{"main": "Revenir au principal", "standby": "Basculer vers le secours"}[to]
	p.Says("#head a.button", label)
	p.ask(to, "coupure à l’étage")
	p.Says("main", "Ce qui va se passer, dans l’ordre")
	p.Says("main", "démarre asterisk")
	p.Says("main", "s’arrête, est vu arrêté, et rend le jeton")
	p.Says("label[for=typed]", "Saisissez "+to+" pour confirmer")
	p.portray(t, "switch-french")
	p.send()
	p.Until("the other side is active, in French", `document.querySelector('#head .headline.fine h1')?.innerText.includes('`+
		map[string]string{"main": "Principal", "standby": "Secours"}[to]+` actif pour xivo, cc')`)
	if body := shared.tip(t, "%B"); !strings.Contains(body, "coupure à l’étage") {
		t.Errorf("the commit says %q", body)
	}
}

// Everything can be done without a mouse: the focus goes where it is wanted, and shows.
func TestByKeyboardAlone(t *testing.T) {
	p, to := shared.browser.Tab(t), other(shared.declared(t))
	p.Open(shared.page + "/")
	p.focus("#name")
	p.Press(keyboard + kb.Tab + password + kb.Enter)
	p.settled(other(to))
	p.Press(kb.Tab) // the first of all leads past what every page has
	p.Until("the way to the content is shown", "document.activeElement.matches('.skip') && document.activeElement.getBoundingClientRect().left >= 0")
	p.Press(kb.Enter)
	p.focus("#head a.button")
	p.Press(kb.Enter)
	p.Until("the form", "document.querySelector('#reason')")
	p.focus("#reason")
	p.Press("by keyboard" + kb.Tab + to + kb.Enter)
	p.Until("the page of the deployment", "document.querySelector('#head')")
	p.settled(to)
	if by := shared.tip(t, "%an"); by != keyboard {
		t.Errorf("the commit is by %s", by)
	}
}

// focus goes to what a selector names by the tabulator alone, and sees where it is.
func (p *Tab) focus(selector string) {
	p.t.Helper()
	const most = 40
	for range most {
		if p.Holds("document.activeElement.matches('" + selector + "')") {
			if !p.Holds("getComputedStyle(document.activeElement).outlineStyle !== 'none'") {
				p.t.Errorf("the focus on %s cannot be seen", selector)
			}
			return
		}
		p.Press(kb.Tab)
	}
	p.t.Fatalf("the tabulator does not lead to %s\n%s", selector, p.body())
}

// Without scripts everything is there but the live following, and the page asks to be
// loaded again by itself.
func TestWithoutJavaScript(t *testing.T) {
	p, to := shared.browser.Tab(t), other(shared.declared(t))
	p.WithoutScripts()
	p.Open(shared.page + "/")
	p.signIn(second, password)
	p.settled(other(to))
	if !p.Holds("document.querySelector('noscript meta[http-equiv=refresh]')") {
		t.Error("the page does not ask to be loaded again")
	}
	p.ask(to, "no scripts")
	p.send()
	p.Until("the page of the deployment", "document.querySelector('#head')")
	p.Until("all is in order", "document.querySelector('#head .headline.fine h1')?.innerText.includes('"+named(to)+"') || (location.reload(), false)")
	if body := shared.tip(t, "%B"); !strings.Contains(body, "no scripts") {
		t.Errorf("the commit says %q", body)
	}
}

// A page that slept comes back by itself to the newest state.
func TestAPageThatSlept(t *testing.T) {
	p := shared.visit(t, reader)
	p.mark()
	p.Sleep()
	shared.commit(t, "while it slept", "")
	p.Wake()
	p.Says("#head .commit", "while it slept")
	p.Until("nothing is said to be lost", "document.querySelector('#lost').hidden")
	p.stayed()
}
