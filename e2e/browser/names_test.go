//go:build e2e

package browser

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/made"
)

// Two repositories have a deployment of one name. While the first cannot be read, the name is
// not taken for the other one's; who follows a page by its name is led to the list as soon as
// it may mean two.
func TestAPageOfAnotherRepositoryIsNeverShownInItsPlace(t *testing.T) {
	dir := t.TempDir()
	repository := func(folder, name string) string {
		t.Helper()
		path := filepath.Join(dir, folder+".git")
		if _, err := made.New(path, time.Now(), made.Site{Name: name, State: made.Fine}); err != nil {
			t.Fatal(err)
		}
		return path
	}
	first := filepath.Join(dir, "first.git")
	lies := func(at string) {
		t.Helper()
		_ = os.Remove(first)
		if err := os.Symlink(at, first); err != nil {
			t.Fatal(err)
		}
	}
	second, paris, rome := repository("second", "paris"), repository("a", "paris"), repository("b", "rome")
	served, err := start(regexp.MustCompile(`^console: (http://\S+)/$`), shared.program, "console", "--repo", first, "--repo", second, "--listen", "127.0.0.1:0", "--every", "1s")
	if err != nil {
		t.Fatal(err)
	}
	defer served.stop()
	p := shared.browser.Tab(t)
	p.Open(served.said + "/d/paris")
	if at := p.Location(); at != served.said+"/?q=paris" {
		t.Fatalf("the name leads to %s", at)
	}
	p.Says("#rows", "was not read yet")
	p.Says("#rows", "paris ("+second)
	p.Click("#rows a")
	exact := p.Location()
	if !strings.HasPrefix(exact, served.said+"/d/paris~") {
		t.Fatalf("the list leads to %s", exact)
	}
	p.Says("main", second)

	lies(rome)
	p.Open(served.said + "/")
	p.Says("#rows", "rome")
	p.Open(served.said + "/d/paris") // it can mean one
	if at := p.Location(); at != served.said+"/d/paris" {
		t.Errorf("the name leads to %s", at)
	}
	lies(paris)
	p.Until("led to the list", "location.search === '?q=paris'")
	p.Says("#rows", "paris ("+first)
	p.Open(exact)
	p.Says("main", second)
}
