package forecast

import (
	"regexp"
	"strings"
	"testing"
	"unicode"

	"mainstay/e2e/attack"
)

// ours is the markup that a comment has of its own: what is left of < then came
// from somebody else.
var ours = regexp.MustCompile(`<!-- -->|</?(details|summary)>|\\.`)

// FuzzMarkdown puts words of strangers everywhere into a comment: none of them ends a
// fence, opens a tag, makes a mention or brings a character that nobody sees.
func FuzzMarkdown(f *testing.F) {
	f.Add("paris", "a\n```\n# T", "+a\n", "")
	f.Add("x</details><img src=y>", "t.conf", "```\n````\n~~~\n", "`````")
	f.Add("@all #1 [a](b) | c", "\u202e\x1b[2J\u0085", "no end", "\r\n```")
	f.Add("<!-- -->", "</summary>", "\\ No newline", "\x00\xff")
	f.Fuzz(func(t *testing.T, name, word, before, after string) {
		attack.Cheap(t, func() {
			p := &Forecast{Deployment: name, From: "main", To: "standby", Pending: true, Notes: []string{word}, People: []string{word}, Settings: []string{name},
				Objections: []Objection{{What: "check", Node: name, Why: word, Advice: word}},
				Handovers:  []Handover{{Role: word, From: "main", To: "standby", Why: word, IfDead: name, Waits: []string{word, name}}},
				Steps:      []Step{{Node: name, What: word, Text: word, After: name, Diff: Diff(word, before, after)}, {Node: word, Text: name}}}
			var b strings.Builder
			if err := Markdown(&b, []*Forecast{p}); err != nil {
				t.Fatal(err)
			}
			if strings.ContainsFunc(b.String(), func(r rune) bool { return r != '\n' && r != '\t' && unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
				t.Errorf("unseen characters in %q", b.String())
			}
			outside(t, b.String())
		})
	})
}

// outside holds what is not in a fence against what may be there.
func outside(t *testing.T, comment string) {
	t.Helper()
	fence, fences, titles := "", 0, 0
	for l := range strings.Lines(comment) {
		l = strings.TrimSuffix(l, "\n")
		switch {
		case fence != "":
			if l == fence {
				fence = ""
			}
			continue
		case strings.HasPrefix(l, "```"):
			fence = strings.TrimSuffix(l, "diff")
			fences++
			continue
		case strings.HasPrefix(l, "#"):
			titles++
		}
		if rest := ours.ReplaceAllString(l, ""); strings.ContainsAny(rest, "<>") && !strings.HasPrefix(l, "<details>") {
			t.Errorf("a tag in %q", l)
		}
	}
	if fence != "" || fences > 1 || titles != 1 {
		t.Errorf("%d fences, %d titles, the last fence is %q: %s", fences, titles, fence, comment)
	}
}
