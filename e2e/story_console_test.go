//go:build e2e

package e2e

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	chromium "mainstay/e2e/browser"
	"mainstay/e2e/gitserver"
)

// The page's own button does what the commit does: every cell of the procedure, over and
// back, by somebody who clicks and types, and whose name stands in the commits.
func failsOverAndBackByTheButton(t *testing.T, p *wholePage) {
	person := p.personAt(t, p.console(t))
	var c caller
	w := p.watch(t, "Story 7: failover and failback from the page", p.keepsCalling(t, &c))
	for _, side := range []string{"standby", "main"} {
		person.Click("#head a.button")
		person.Fill("#reason", "the page sends everybody to "+side)
		person.Fill("#typed", side)
		if words := person.Text("label[for=force] strong"); words != "" { // the check of a copy that was never made
			person.Fill("#force", words)
		}
		w.Mark("click: " + side)
		person.Click("main form.form button")
		person.Until("the commit", "document.querySelector('#head .commit')?.innerText.includes('active: "+side+"')")
		gitserver.Git(t, p.work, "pull", "--quiet", "--ff-only", "origin", "main")
		commit := p.head()
		p.nudge() // as the git server's hook does
		p.converged(side, commit)
		w.Mark(side + " serves, all nodes converged")
		person.Until(side+" on the page", "document.querySelector('#head .headline h1')?.innerText.includes('"+strings.ToUpper(side[:1])+side[1:]+" serves xivo, cc')")
		p.wantAll(t, side)
		if who := gitserver.Git(t, p.work, "log", "-1", "--format=%an <%ae>: %s"); !strings.HasPrefix(who, "Night Desk <desk@example.org>: paris: fail ") {
			t.Errorf("the commit says %q", who)
		}
	}
	r := w.end(t, 0)
	p.wantOrder(t, r, "standby", r.Marks[0].At)
	p.wantOrder(t, r, "main", r.Marks[2].At)
}

// console starts the web page of the deployment on this machine, with a key of its own,
// until the test ends. It returns its address.
func (p *wholePage) console(t *testing.T) string {
	t.Helper()
	users := filepath.Join(t.TempDir(), "users.json")
	add := exec.CommandContext(t.Context(), p.binary, "console", "user", "add", "desk", "--role", "override", "--name", "Night Desk", "--email", "desk@example.org", "--users", users)
	add.Stdin = strings.NewReader("correct horse\n")
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("add a user: %v\n%s", err, out)
	}
	serve := exec.CommandContext(t.Context(), p.binary, "console", "--repo", p.git.SSH, "--ssh-key", p.git.KeyFile, "--known-hosts", p.git.KnownHosts,
		"--listen", "127.0.0.1:0", "--every", "1s", "--allow-commits", "--users", users)
	var complaint strings.Builder
	serve.Stderr = &complaint
	serve.Cancel, serve.WaitDelay = func() error { return serve.Process.Signal(syscall.SIGTERM) }, 20*time.Second
	out, err := serve.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = serve.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the console says nothing: %v\n%s", err, complaint.String())
	}
	return strings.TrimSuffix(strings.TrimSpace(strings.TrimPrefix(line, "console: ")), "/")
}

// personAt opens the page in a browser, and signs a person in.
func (p *wholePage) personAt(t *testing.T, address string) *chromium.Tab {
	t.Helper()
	one, err := chromium.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(one.Close)
	tab := one.Tab(t)
	tab.Open(address + "/")
	tab.Fill("#name", "desk")
	tab.Fill("#password", "correct horse")
	tab.Click("main form button")
	tab.Until("main serves", "document.querySelector('#head .headline h1')?.innerText.includes('Main serves xivo, cc')")
	return tab
}
