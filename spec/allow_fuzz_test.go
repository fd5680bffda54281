package spec

import (
	"path"
	"regexp"
	"strings"
	"testing"

	"mainstay/e2e/attack"
	"mainstay/spec/endpoint"
	patterns "mainstay/spec/pattern"
)

// FuzzAllow holds what is allowed against a slower way to say the same: a pattern as
// a regular expression, a path as its cleaned text.
func FuzzAllow(f *testing.F) {
	f.Add("xivo-*.service", "xivo-agid.service", "http://169.254.169.254/")
	f.Add("/etc/nginx/conf.d/", "/etc/nginx/conf.d/../nginx.conf", "http://[::ffff:169.254.169.254]:80/")
	f.Add("/etc/f", "/etc/f/x", "http://2852039166")
	f.Add("*", "", "")
	f.Fuzz(func(t *testing.T, pattern, text, target string) {
		attack.Cheap(t, func() {
			parts := strings.Split(pattern, "*")
			for i := range parts {
				parts[i] = regexp.QuoteMeta(parts[i])
			}
			same, err := regexp.Compile(`(?s)\A` + strings.Join(parts, ".*") + `\z`)
			if err == nil && patterns.Text(pattern, text) != same.MatchString(text) {
				t.Errorf("%q for %q: %v", pattern, text, patterns.Text(pattern, text))
			}
			a := Allow{Paths: []string{pattern}}
			if a.CheckPath(text) == nil && (path.Clean(text) != text || !strings.HasPrefix(text, strings.TrimSuffix(pattern, "/"))) {
				t.Errorf("%q allows %q", pattern, text)
			}
			p := Probe{HTTP: target}
			host, _ := p.asks()
			if (Allow{Probes: []string{"*:*"}}).CheckProbe(&p, []string{host}) == nil && endpoint.LinkLocal(host) {
				t.Errorf("%q is asked", target)
			}
		})
	})
}
