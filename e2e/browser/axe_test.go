//go:build e2e

package browser

import "testing"

// Every page holds to WCAG 2.2 A and AA as far as axe-core can tell, in light and in
// dark colours and on a phone, and none is wider than a phone.
func TestEveryPageIsAccessible(t *testing.T) {
	p := shared.browser.Tab(t)
	look := func(what string) {
		t.Helper()
		for _, dark := range []bool{false, true} {
			p.Dark(dark)
			p.Accessible(what)
		}
		p.Size(390, 844)
		p.Accessible(what + " on a phone")
		p.Fits(what + " on a phone")
		p.Size(1280, 900)
	}
	p.Open(shared.page + "/")
	p.Says("h1", "Sign in")
	look("sign-in")
	p.signIn(second, password)
	p.settled(shared.declared(t))
	deployment := p.Location()
	look("deployment")
	for what, address := range map[string]string{
		"fleet": shared.page + "/?q=demo", "node": deployment + "/n/xivo-main", "history": deployment + "/history", "review": deployment + "/review",
		"audit": shared.page + "/audit", "switch": deployment + "/switch", "pause": deployment + "/pause/xivo-main", "fence": deployment + "/fence/standby",
		"seen": deployment + "/acknowledge", "missing": shared.page + "/nothing", "in French": deployment + "?lang=fr",
	} {
		p.Open(address)
		look(what)
	}
}
