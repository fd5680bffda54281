package ui

import (
	"strings"
	"testing"
	"unicode"

	"mainstay/e2e/attack"
)

// FuzzTable draws words of strangers: each row is one line, within the width where
// that can be, and no character is there that nobody sees.
func FuzzTable(f *testing.F) {
	f.Add("xivo-main", "ok\nstandby serves", "\x1b[2J\u202e", 40)
	f.Add("\u200b", strings.Repeat("w", 300), "a b\tc\u2028d", 0)
	f.Add("\x9b31m", "\u0085", "\xff\xfe", -1)
	f.Fuzz(func(t *testing.T, a, b, note string, width int) {
		attack.Cheap(t, func() {
			width = min(width, 1000)
			table := Table{Head: []string{"node", "status"}, Narrow: 2, Rows: []Row{{Cells: []Cell{{a, Good}, {b, Bad}}}, {Cells: []Cell{{b, Dim}, {a, Plain}}}}}
			var text strings.Builder
			if err := table.Draw(&text, width, false); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(text.String(), "\n"); n != 3 {
				t.Errorf("%d lines of 2 rows: %q", n, text.String())
			}
			table.Rows[0].Notes = []Cell{{note, Warn}}
			s := Screen{Out: &text, Width: width}
			if err := table.Draw(&text, width, false); err != nil {
				t.Fatal(err)
			}
			s.Say(Bad, "%s", note)
			s.Cut(Good, "%s", a)
			s.Item(Plain, b, note)
			s.Raw(Plain, b)
			if strings.ContainsFunc(text.String(), func(r rune) bool { return r != '\n' && r != '\t' && unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
				t.Errorf("unseen characters in %q", text.String())
			}
		})
	})
}
