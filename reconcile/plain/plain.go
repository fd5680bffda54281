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
// to keep, white space becomes a space.
func visible(text, keep string) string {
	if clean(text, keep) {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case keep != "" && strings.ContainsRune(keep, r):
			b.WriteRune(r)
		case keep == "" && unicode.IsSpace(r):
			b.WriteByte(' ')
		case r < 0x20 || r >= 0x7f && r < 0xa0:
			fmt.Fprintf(&b, `\x%02x`, r)
		case hidden(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hidden are characters that nobody sees and that change how others are read: of
// direction, joining and format, and the separators of lines and paragraphs.
func hidden(r rune) bool {
	return unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || unicode.Is(unicode.Co, r)
}

// clean reports whether nothing of a text is to be changed: most are so.
func clean(text, keep string) bool {
	for i := range len(text) {
		if c := text[i]; c < 0x20 && !strings.Contains(keep, string(rune(c))) || c >= 0x7f {
			return false
		}
	}
	return true
}
