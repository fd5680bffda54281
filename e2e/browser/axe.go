//go:build e2e

package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/chromedp"
)

// axeScript is where e2e/install.sh puts axe-core.
const axeScript = "/var/cache/mainstay-e2e/node_modules/axe-core/axe.min.js"

// axeRun tests the page against every rule of WCAG 2.2 A and AA that axe knows.
const axeRun = `axe.run(document, {
	runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
	rules: { "target-size": { enabled: true } },
	resultTypes: ["violations"],
}).then(r => ({
	Passed: r.passes.length,
	Violations: r.violations.map(v => v.id + " (" + v.impact + "): " + v.help + ": " +
		v.nodes.slice(0, 3).map(n => n.target.join(" ") + " " + n.failureSummary.replace(/\s+/g, " ")).join("; ")),
}))`

// verdict is what axe found.
type verdict struct {
	Passed     int
	Violations []string
}

// Accessible fails the test for every violation of WCAG 2.2 A or AA that axe-core finds
// in the page.
func (p *Tab) Accessible(what string) {
	p.t.Helper()
	script, err := os.ReadFile(filepath.Clean(axeScript))
	if err != nil {
		p.t.Fatalf("axe-core is not there, e2e/install.sh brings it: %v", err)
	}
	ctx, cancel := p.bounded()
	defer cancel()
	if !p.Holds("window.axe") {
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[string](string(script)+"; ''")); err != nil {
			p.t.Fatalf("load axe-core: %v", err)
		}
	}
	v, err := chromedp.Run(ctx, chromedp.Evaluate[verdict](axeRun, chromedp.EvalAwaitPromise))
	if err == nil && v.Passed == 0 {
		err = fmt.Errorf("no rule was tried")
	}
	if err != nil {
		p.t.Fatalf("%s: axe: %v", what, err)
	}
	if len(v.Violations) > 0 {
		p.t.Errorf("%s: %s\n%s", what, p.Location(), strings.Join(v.Violations, "\n"))
	}
}

// Fits fails the test when the page is wider than its window.
func (p *Tab) Fits(what string) {
	p.t.Helper()
	if wide := p.text(`String(document.documentElement.scrollWidth - document.documentElement.clientWidth)`); wide != "0" {
		p.t.Errorf("%s: the page is %s pixels wider than its window: %s", what, wide, p.Location())
	}
}
