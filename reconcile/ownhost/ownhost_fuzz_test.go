package ownhost

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"mainstay/e2e/attack"
)

// FuzzKnown asks under names of strangers: of what a browser can look up, only the
// machine's own name for itself and the name that was given are known.
func FuzzKnown(f *testing.F) {
	for _, host := range []string{"page.example.org", "PAGE.example.org.:443", "127.0.0.1", "evil.example", "localhost:80", "127.1", "page.example.org.evil.example", "0x7f.1:1", "localhost.."} {
		f.Add(host)
	}
	form := regexp.MustCompile(`^([A-Za-z0-9._-]+?)\.?(:[0-9]*)?$`)
	f.Fuzz(func(t *testing.T, host string) {
		attack.Cheap(t, func() {
			known, parts := Known(host, []string{"page.example.org"}), form.FindStringSubmatch(host)
			if parts == nil {
				return
			}
			name := strings.ToLower(parts[1])
			_, err := netip.ParseAddr(name)
			if want := err == nil || name == "localhost" || name == "page.example.org"; known && !want {
				t.Errorf("%q is known", host)
			}
		})
	})
}
