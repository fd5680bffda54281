package plain

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"mainstay/e2e/attack"
)

func TestNothingForeignReachesATerminal(t *testing.T) {
	attack.Row(t, "terminal", "control, C1 and bidirectional characters in foreign text", "cleaned")
	for text, want := range map[string]string{
		"plain":                         "plain",
		"Zürich → 日本":                   "Zürich → 日本",
		"\x1b[2Jgone":                   `\x1b[2Jgone`,
		"title\x1b]0;x\x07":             `title\x1b]0;x\x07`,
		"a\r\nb\n\n  c\t d":             "a b c d",
		"c1 \u009b31m":                  `c1 \x9b31m`,
		"\u202egnp.exe":                 `\u202egnp.exe`,
		"iso\u2066late\u2069":           `iso\u2066late\u2069`,
		"zero\u200bwidth\ufeff":         `zero\u200bwidth\ufeff`,
		"line\u2028paragraph\u2029x":    "line paragraph x",
		"next\u0085line":                "next line",
		"bad \xff\xfe":                  `bad \xff\xfe`,
		"replaced \uFFFD":               "replaced \uFFFD",
		"deleted \x7f and nothing \x00": `deleted \x7f and nothing \x00`,
	} {
		if got := Line(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := Text("a\n\tb  c\x1b[0m\r\n"); got != "a\n\tb  c\\x1b[0m\\x0d\n" {
		t.Errorf("got %q", got)
	}
}

func FuzzLine(f *testing.F) {
	for _, s := range []string{"a\x1bb", "\u202e", "\xff", "a\nb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		attack.Cheap(t, func() {
			got := Line(text)
			if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
				t.Errorf("%q became %q", text, got)
			}
			if Line(got) != got {
				t.Errorf("%q becomes another text the second time", got)
			}
		})
	})
}
