package probe

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// userAgent names this probe to the services it asks.
const userAgent = "mainstay-probe"

// printable turns foreign bytes into at most limit bytes of one line that may
// be shown and logged.
func printable(b []byte, limit int) string {
	cut := len(b) > limit
	if cut {
		b = b[:limit]
		for len(b) > 0 && !utf8.FullRune(b[max(0, len(b)-utf8.UTFMax):]) {
			b = b[:len(b)-1]
		}
	}
	text := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, string(bytes.TrimSpace(b)))
	if cut {
		text += " …"
	}
	return text
}

// bounded keeps the first bytes written to it and swallows the rest.
type bounded struct {
	kept  []byte
	limit int
}

// Write never fails, so that a talkative program is not stopped by its output.
func (b *bounded) Write(p []byte) (int, error) {
	b.kept = append(b.kept, p[:min(len(p), b.limit-len(b.kept))]...)
	return len(p), nil
}

// text returns what was kept, its lines separated by " | ".
func (b *bounded) text() string {
	var lines []string
	for line := range bytes.Lines(b.kept) {
		if s := printable(line, len(line)); s != "" {
			lines = append(lines, s)
		}
	}
	return strings.Join(lines, " | ")
}
