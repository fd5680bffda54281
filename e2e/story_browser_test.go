//go:build e2e

package e2e

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// browser is a Chromium with one open page: a user who stays at one name through
// every switch, and who at most reloads.
type browser struct {
	page context.Context
	end  func()
}

// browse opens the page in a browser with an empty profile, which trusts the
// certificate of the page and nothing else of its kind.
func (p *wholePage) browse(t *testing.T) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP "+voiceName+" "+p.nodes["edge"].IP()),
		chromedp.Flag("ignore-certificate-errors-spki-list", p.tls.pin(t)),
		chromedp.WSURLReadTimeout(patience))
	allocated, endAllocated := chromedp.NewExecAllocator(t.Context(), options...)
	page, endPage := chromedp.NewContext(allocated)
	b := &browser{page: page, end: func() { endPage(); endAllocated() }}
	if _, err := chromedp.Run(page, chromedp.Location()); err != nil {
		b.end()
		t.Fatalf("start the browser: %v", err)
	}
	return b
}

// visit opens the page the first time and reloads it afterwards, until it is
// that of a side.
func (b *browser) visit(t *testing.T, side string) {
	t.Helper()
	eventually(t, "the browser shows the page of "+side, func() bool {
		ctx, cancel := context.WithTimeout(b.page, 30*time.Second)
		defer cancel()
		open := chromedp.Navigate("https://" + voiceName + "/")
		if at, err := chromedp.Run(ctx, chromedp.Location()); err != nil {
			return false
		} else if strings.HasPrefix(at, "https://"+voiceName+"/") {
			open = chromedp.Reload()
		}
		if err := chromedp.Do(ctx, open); err != nil {
			return false
		}
		text, err := chromedp.Run(ctx, chromedp.Text("body"))
		return err == nil && strings.TrimSpace(text) == "xuc on "+side
	})
}

// pin is the fingerprint of the certificate's public key, as Chromium wants it.
func (c certificate) pin(t *testing.T) string {
	t.Helper()
	block, _ := pem.Decode([]byte(c.chain))
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(parsed.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}
