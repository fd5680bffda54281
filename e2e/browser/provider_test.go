//go:build e2e

package browser

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"mainstay/e2e/provider"
)

// single is a console of the demo whose people come by a real provider, which is another
// site to a browser. It returns the address of the page.
func single(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") // so that the provider knows where to send people back to
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	address := "http://localhost:" + port
	at := provider.Start(address+"/signin/return",
		provider.Person{Name: "ada", Email: "ada@example.org", Verified: true, Groups: []string{"telephony"}},
		provider.Person{Name: "bob", Email: "bob@example.org", Verified: true, Groups: []string{"cooks"}})
	t.Cleanup(at.Close)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(at.Secret), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	served, err := start(regexp.MustCompile(`^console: (http://\S+)/$`), shared.program, "console", "--repo", shared.git, "--listen", "127.0.0.1:"+port, "--every", "1s",
		"--public-url", address, "--allow-commits", "--oidc-issuer", at.URL, "--oidc-client", at.Client, "--oidc-secret", secret, "--grant", "switch=telephony")
	t.Cleanup(func() {
		if err := served.stop(); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// A person signs in at the provider, fails over, and finds what was typed after the
// session had to begin anew; one whom the page gives no role stays out.
func TestSingleSignOn(t *testing.T) {
	page := single(t)
	from := shared.declared(t)
	p := shared.browser.Tab(t)
	p.Open(page + "/")
	p.Says("h1", "Sign in")
	p.Accessible("sign-in by a provider")
	through := func(who string) {
		t.Helper()
		p.Click("main form button")
		p.Until("the provider asks", "document.querySelector('input[name=username]')")
		p.Fill("input[name=username]", who)
		p.Fill("input[name=password]", provider.Password)
		p.Click("button[type=submit]")
		p.Until("back on the page", "document.querySelector('main#main')")
	}
	through("bob")
	p.Says("main .problem", "not one of the users")
	p.Open(page + "/")
	through("ada")
	p.settled(from)
	p.Says("form.person", "Person ada")
	p.ask(other(from), "the fan of "+from+" is loud")
	p.order("Network.clearBrowserCookies", nil) // the session is gone, as after an hour
	p.send()
	p.Says("main .problem", "Your session has ended")
	through("ada")
	if got := p.Value("#reason"); got != "the fan of "+from+" is loud" {
		t.Errorf("what was typed is %q", got)
	}
	p.Fill("#typed", other(from))
	p.send()
	p.settled(other(from))
	if got := shared.tip(t, "%an <%ae>"); got != "Person ada <ada@example.org>" {
		t.Errorf("the commit is by %s", got)
	}
	p.ask(from, "the fan is quiet")
	p.send()
	p.settled(from)
	if !strings.HasPrefix(p.Location(), page+"/d/") {
		t.Errorf("the page is %s", p.Location())
	}
}
