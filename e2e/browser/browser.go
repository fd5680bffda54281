//go:build e2e

package browser

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// patience bounds every wait. A wait ends as soon as what it waits for is there, so it
// is generous: for a machine whose every core is busy with something else.
const patience = 90 * time.Second

// Browser is one Chromium with an empty profile, for all tests of a process.
type Browser struct {
	ctx context.Context
	end func()
}

// Start starts a browser. Close it.
func Start() (*Browser, error) {
	profile, err := os.MkdirTemp("", "mainstay-chromium-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the profile: %w", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], // headless, no first run, no sync
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(profile),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("accept-lang", "en"), chromedp.Flag("hide-scrollbars", true), chromedp.WSURLReadTimeout(patience))
	allocated, endAllocated := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, endBrowser := chromedp.NewContext(allocated)
	b := &Browser{ctx: ctx, end: func() {
		_ = chromedp.Cancel(ctx) // waits until it has ended
		endBrowser()
		endAllocated()
		_ = os.RemoveAll(profile)
	}}
	if _, err := chromedp.Run(ctx, chromedp.Location()); err != nil {
		b.end()
		return nil, fmt.Errorf("start the browser: %w", err)
	}
	return b, nil
}

// Close ends the browser and removes its profile.
func (b *Browser) Close() { b.end() }

// Tab opens a tab that shares no cookie with any other, until the test ends.
func (b *Browser) Tab(t testing.TB) *Tab {
	t.Helper()
	ctx, end := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(end)
	if _, err := chromedp.Run(ctx, chromedp.Location()); err != nil { // a tab lives as long as its first context
		t.Fatalf("open a tab: %v", err)
	}
	p := &Tab{t: t, ctx: ctx}
	p.Size(1280, 900)
	return p
}
