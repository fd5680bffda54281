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

// oneLine is a command's output with its lines separated by " | ".
func oneLine(output string) string {
	var lines []string
	for line := range strings.Lines(output) {
		if s := printable([]byte(line), len(line)); s != "" {
			lines = append(lines, s)
		}
	}
	return strings.Join(lines, " | ")
}
