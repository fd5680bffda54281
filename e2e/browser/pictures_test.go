//go:build e2e

package browser

import (
	"flag"
	"fmt"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"mainstay/e2e/gitserver"
	"mainstay/e2e/made"
)

// pictures is where make screenshots wants them.
var pictures = flag.String("pictures", "", "write a picture of every page into this folder")

// exhibit is a console of made deployments.
func exhibit(t *testing.T, fleet int) (page string) {
	t.Helper()
	var sites []made.Site
	for _, state := range made.States() {
		sites = append(sites, made.Site{Name: "paris-" + string(state), State: state})
	}
	for i := range fleet {
		sites = append(sites, made.Site{Name: fmt.Sprintf("site-%04d", i), State: made.Fine})
	}
	dir := filepath.Join(t.TempDir(), "voice.git")
	if _, err := made.New(dir, time.Now(), sites...); err != nil {
		t.Fatal(err)
	}
	served, err := start(regexp.MustCompile(`^console: (http://\S+)/$`), shared.program, "console", "--repo", gitserver.HTTP(t, dir), "--listen", "127.0.0.1:0",
		"--allow-commits", "--users", filepath.Join(shared.dir, "users.json"), "--state", t.TempDir())
	t.Cleanup(func() {
		if err := served.stop(); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return served.said
}

// shot is a page in one shape.
type shot struct {
	name, path string
	dark       bool
	width      int
	ready      string
	// cut leaves out what is below the window.
	cut bool
}

// Pages of states that the demo is never in: what they say can be read by everybody, on
// a phone too, and make screenshots takes a picture of each.
func TestPagesOfRareStates(t *testing.T) {
	page := exhibit(t, 0)
	p := shared.browser.Tab(t)
	p.Open(page + "/")
	p.Says("h1", "Sign in")
	p.show(t, shot{name: "sign-in", ready: "document.querySelector('#name')"})
	p.show(t, shot{name: "sign-in-phone", width: 390, dark: true, ready: "document.querySelector('#name')"})
	p.Size(1280, 900)
	p.signIn(switcher, password)
	headline := "document.querySelector('#head h1')"
	for _, s := range []shot{
		{name: "fleet", path: "/", ready: "document.querySelector('table.fleet')"},
		{name: "fleet-phone", path: "/", width: 390, ready: "document.querySelector('table.fleet')"},
		{name: "fine", path: "/d/paris-fine", ready: headline},
		{name: "fine-dark", path: "/d/paris-fine", dark: true, ready: headline},
		{name: "fine-phone", path: "/d/paris-fine", width: 390, ready: headline},
		{name: "fine-french", path: "/d/paris-fine?lang=fr", ready: headline},
		{name: "switch-running", path: "/d/paris-moving?lang=en", ready: "document.querySelector('.under-way')"},
		{name: "switch-running-dark", path: "/d/paris-moving", dark: true, ready: "document.querySelector('.under-way')"},
		{name: "nobody-serves", path: "/d/paris-nobody", ready: "document.querySelector('.headline.down')"},
		{name: "nobody-serves-phone", path: "/d/paris-nobody", width: 390, dark: true, ready: "document.querySelector('.headline.down')"},
		{name: "nobody-serves-french", path: "/d/paris-nobody?lang=fr", ready: "document.querySelector('.headline.down')"},
		{name: "switch-form-french", path: "/d/paris-fine/switch", ready: "document.querySelector('#reason')"},
		{name: "two-active", path: "/d/paris-both?lang=en", ready: "document.querySelector('.headline.dual')"},
		{name: "two-active-dark", path: "/d/paris-both", dark: true, ready: "document.querySelector('.headline.dual')"},
		{name: "page-switch", path: "/d/paris-moving", cut: true, ready: "document.querySelector('.under-way')"},
		{name: "page-nobody", path: "/d/paris-nobody", cut: true, ready: "document.querySelector('.headline.down')"},
		{name: "silent", path: "/d/paris-silent", ready: headline},
		{name: "paused", path: "/d/paris-paused", ready: headline},
		{name: "hostile", path: "/d/paris-hostile", ready: headline},
		{name: "node", path: "/d/paris-nobody/n/xivo-main", ready: "document.querySelector('#node h1')"},
		{name: "node-phone", path: "/d/paris-nobody/n/xivo-main", width: 390, ready: "document.querySelector('#node h1')"},
		{name: "history", path: "/d/paris-over/history", ready: "document.querySelector('main table, main article, main ol')"},
		{name: "history-dark", path: "/d/paris-over/history", dark: true, ready: "document.querySelector('main table, main article, main ol')"},
		{name: "switch-form", path: "/d/paris-fine/switch", ready: "document.querySelector('#reason')"},
		{name: "switch-form-phone", path: "/d/paris-fine/switch", width: 390, dark: true, ready: "document.querySelector('#reason')"},
		{name: "audit", path: "/audit", ready: "document.querySelector('main h1')"},
	} {
		p.Open(page + s.path)
		p.show(t, s)
	}
	p.Size(1280, 900)
	p.Open(page + "/d/paris-over/history")
	p.Click(".switches .mono a")
	for _, dark := range []bool{false, true} {
		p.show(t, shot{name: map[bool]string{false: "commit", true: "commit-dark"}[dark], dark: dark, ready: "document.querySelector('main pre')"})
	}
}

// show waits for a page, holds it to what everybody can read, and takes its picture.
func (p *Tab) show(t *testing.T, s shot) {
	t.Helper()
	p.Size(map[bool]int{true: s.width, false: 1280}[s.width > 0], 844)
	p.Dark(s.dark)
	p.Until(s.name, "document.readyState === 'complete' && "+s.ready)
	p.Accessible(s.name)
	p.Fits(s.name)
	if path := filepath.Join(*pictures, s.name+".png"); *pictures != "" && s.cut {
		p.Window(path)
	} else if *pictures != "" {
		p.Picture(path)
	}
}

// A thousand deployments of six nodes are one page, which a person can still use.
func TestAPageOfAThousandDeployments(t *testing.T) {
	page := exhibit(t, 1000)
	p := shared.browser.Tab(t)
	p.Open(page + "/")
	p.signIn(reader, password)
	p.Until("every deployment", "document.querySelector('table.fleet') && document.querySelector('#counts').innerText.includes('100')")
	p.Fits("the fleet of 1,000")
	if *pictures != "" {
		p.Window(filepath.Join(*pictures, "fleet-1000.png"))
	}
}
