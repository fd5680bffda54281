// Package plain makes text that came from somewhere else fit to be shown: what
// documents, commits, nodes and programs say reaches no terminal and no comment
// with its escape sequences, line breaks or changes of direction.
//
// It must not know where a text comes from or where it goes.
package plain

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line makes a text one line: white space, line breaks among it, becomes one
// space, and what a terminal would obey or nobody would see is written out, such
// as \x1b for the escape character.
func Line(text string) string {
	return strings.Join(strings.FieldsFunc(visible(text, ""), func(r rune) bool { return r == ' ' }), " ")
}

// Text is Line for a text of several lines, whose line breaks, tabs and spaces
// stay.
func Text(text string) string { return visible(text, "\n\t") }

// visible writes out what is not seen, but for the characters to keep. Without any
// to keep, white space becomes a space. Nearly all of a page stays as it is, so what
// stays is copied in pieces.
func visible(text, keep string) string {
	var b strings.Builder
	copied := 0
	for i := 0; i < len(text); {
		if c := text[i]; c >= 0x20 && c < 0x7f || strings.IndexByte(keep, c) >= 0 {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if shown, changed := written(r, size, text[i], keep); changed {
			b.WriteString(text[copied:i])
			b.WriteString(shown)
			copied = i + size
		}
		i += size
	}
	if copied == 0 {
		return text
	}
	b.WriteString(text[copied:])
	return b.String()
}

// written is what takes the place of a character that is not printable ASCII, and whether
// anything does. Its first byte is that of one that is no character.
func written(r rune, size int, first byte, keep string) (string, bool) {
	switch {
	case r == utf8.RuneError && size == 1:
		return fmt.Sprintf(`\x%02x`, first), true
	case keep == "" && unicode.IsSpace(r):
		return " ", true
	case r < 0x20 || r >= 0x7f && r < 0xa0:
		return fmt.Sprintf(`\x%02x`, r), true
	case hidden(r):
		return fmt.Sprintf(`\u%04x`, r), true
	}
	return "", false
}

// hidden are characters that nobody sees and that change how others are read: of
// direction, joining and format, and the separators of lines and paragraphs.
func hidden(r rune) bool {
	return unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || unicode.Is(unicode.Co, r)
}
