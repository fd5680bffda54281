//go:build e2e

package browser

import (
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Tab is one page in the browser. What does not come to pass within patience fails the
// test.
type Tab struct {
	t   testing.TB
	ctx context.Context
}

// bounded is the tab for one step.
func (p *Tab) bounded() (context.Context, context.CancelFunc) {
	return context.WithTimeout(p.ctx, patience)
}

// do carries steps out.
func (p *Tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := p.bounded()
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("%s: %v\nthe page is\n%s", what, err, p.body())
	}
}

// order gives the browser a command of its protocol.
func (p *Tab) order(method string, params map[string]any) {
	p.t.Helper()
	p.do(method, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error { return t.Call(ctx, method, params, nil) }))
}

// Open goes to an address.
func (p *Tab) Open(address string) {
	p.t.Helper()
	p.do("open "+address, chromedp.Navigate(address))
}

// Back goes back to the page before, as the browser's button does.
func (p *Tab) Back() {
	p.t.Helper()
	p.do("go back", chromedp.NavigateBack())
}

// Reload loads the page anew.
func (p *Tab) Reload() {
	p.t.Helper()
	p.do("reload", chromedp.Reload())
}

// Click clicks on what a CSS selector names, once it can be seen.
func (p *Tab) Click(selector string) {
	p.t.Helper()
	p.do("click on "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// Fill types into a field, in place of what it holds.
func (p *Tab) Fill(selector, text string) {
	p.t.Helper()
	p.do("fill in "+selector, chromedp.Clear(chromedp.CSS(selector)), chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Press presses keys, one after the other, wherever the focus is.
func (p *Tab) Press(keys string) {
	p.t.Helper()
	p.do("press keys", chromedp.KeyEvent(keys))
}

// Holds evaluates an expression in the page, now.
func (p *Tab) Holds(expression string) bool {
	ctx, cancel := p.bounded()
	defer cancel()
	yes, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
	return err == nil && yes
}

// Until waits until an expression holds in the page, across every page that it becomes
// meanwhile.
func (p *Tab) Until(what, expression string) {
	p.t.Helper()
	bound, pause := time.After(patience), 20*time.Millisecond
	for !p.Holds(expression) {
		pause = min(2*pause, 200*time.Millisecond)
		select {
		case <-time.After(pause):
		case <-bound:
			p.t.Fatalf("never came: %s\nthe page is\n%s", what, p.body())
		}
	}
}

// Says waits until what a selector names contains a text.
func (p *Tab) Says(selector, text string) {
	p.t.Helper()
	p.Until(selector+" says "+text, "(document.querySelector("+strconv.Quote(selector)+")?.innerText ?? '').includes("+strconv.Quote(text)+")")
}

// Lacks fails the test when there is something that a selector names.
func (p *Tab) Lacks(selector string) {
	p.t.Helper()
	if !p.Holds("document.readyState === 'complete' && !document.querySelector(" + strconv.Quote(selector) + ")") {
		p.t.Fatalf("the page has %s:\n%s", selector, p.body())
	}
}

// Value is what a field holds.
func (p *Tab) Value(selector string) string {
	p.t.Helper()
	return p.text("document.querySelector(" + strconv.Quote(selector) + ")?.value ?? ''")
}

// Text is what a person reads in what a selector names, empty when there is none.
func (p *Tab) Text(selector string) string {
	p.t.Helper()
	return p.text("document.querySelector(" + strconv.Quote(selector) + ")?.innerText ?? ''")
}

// Location is the address of the page.
func (p *Tab) Location() string {
	p.t.Helper()
	return p.text("location.href")
}

// Do runs a script in the page.
func (p *Tab) Do(script string) {
	p.t.Helper()
	p.text("(() => {" + script + "; return '' })()")
}

func (p *Tab) text(expression string) string {
	p.t.Helper()
	ctx, cancel := p.bounded()
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return text
}

// body is the text of the page, for messages of tests.
func (p *Tab) body() string {
	ctx, cancel := context.WithTimeout(p.ctx, 10*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href + '\\n' + (document.body?.innerText ?? '')"))
	if err != nil {
		return err.Error()
	}
	return text
}

// Size makes the window so many CSS pixels wide and high.
func (p *Tab) Size(width, height int) {
	p.t.Helper()
	p.order("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false})
}

// Dark lets the person prefer dark colours, or light ones.
func (p *Tab) Dark(yes bool) {
	p.t.Helper()
	scheme := "light"
	if yes {
		scheme = "dark"
	}
	p.order("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{
		{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"},
	}})
}

// WithoutScripts lets the page run none of its scripts, as a person may set it.
func (p *Tab) WithoutScripts() {
	p.t.Helper()
	p.order("Emulation.setScriptExecutionDisabled", map[string]any{"value": true})
}

// Sleep stops the page as a computer that goes to sleep does: nothing of it runs, and
// its connections are lost. Wake lets it go on.
func (p *Tab) Sleep() {
	p.t.Helper()
	p.order("Network.enable", nil)
	p.offline(true)
	p.order("Page.setWebLifecycleState", map[string]any{"state": "frozen"})
}

// Wake ends a Sleep.
func (p *Tab) Wake() {
	p.t.Helper()
	p.order("Page.setWebLifecycleState", map[string]any{"state": "active"})
	p.offline(false)
}

func (p *Tab) offline(yes bool) {
	p.order("Network.emulateNetworkConditions", map[string]any{"offline": yes, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1})
}

// Picture writes the whole page as a PNG.
func (p *Tab) Picture(path string) {
	p.t.Helper()
	const lossless = 100
	p.picture(path, chromedp.FullScreenshot(lossless))
}

// Window writes what of the page is in its window as a PNG.
func (p *Tab) Window(path string) {
	p.t.Helper()
	p.picture(path, chromedp.CaptureScreenshot())
}

func (p *Tab) picture(path string, how chromedp.Action[[]byte]) {
	p.t.Helper()
	ctx, cancel := p.bounded()
	defer cancel()
	data, err := chromedp.Run(ctx, how)
	if err == nil {
		err = os.WriteFile(path, data, 0o644)
	}
	if err != nil {
		p.t.Fatalf("take a picture: %v", err)
	}
}
