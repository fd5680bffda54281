package change

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// breaks are what ends a line in YAML 1.1, the longest first.
func breaks() []string { return []string{"\r\n", "\n", "\r", "\u0085", "\u2028", "\u2029"} }

// lineEnd is the break that a line ends with, or nothing.
func lineEnd(line []byte) string {
	for _, b := range breaks() {
		if bytes.HasSuffix(line, []byte(b)) {
			return b
		}
	}
	return ""
}

// anyLineEnd is what the document's first line ends with.
func anyLineEnd(data []byte) string {
	if eol := lineEnd(data[:nextLine(data)]); eol != "" {
		return eol
	}
	return "\n"
}

// nextLine is how long the first line is, with its break.
func nextLine(data []byte) int {
	first, size := len(data), 0
	for _, b := range breaks() {
		if i := bytes.Index(data, []byte(b)); i >= 0 && i < first {
			first, size = i, len(b)
		}
	}
	return first + size
}

// bom is how long a byte order mark in front is.
func bom(data []byte) int {
	if bytes.HasPrefix(data, []byte("\ufeff")) {
		return len("\ufeff")
	}
	return 0
}

// offset is where a line and a column, both from 1, are. Columns count
// characters, and a byte order mark is none.
func offset(data []byte, line, column int) int {
	at := 0
	for range line - 1 {
		at += nextLine(data[at:])
	}
	at += bom(data[at:])
	for range column - 1 {
		if at >= len(data) {
			break
		}
		_, size := utf8.DecodeRune(data[at:])
		at += size
	}
	return at
}

// lineAt is the line around a place: where it begins, and where the next one
// does.
func lineAt(data []byte, at int) (start, end int) {
	for {
		n := nextLine(data[start:])
		if start+n > at || n == 0 || start+n == len(data) {
			return start, start + n
		}
		start += n
	}
}

// token is where the text of a value is, with its quotes, without the anchor and
// the tag that may be in front of it.
func token(data []byte, n *yaml.Node) (from, to int, err error) {
	from = offset(data, n.Line, n.Column)
	if n.Kind == yaml.AliasNode {
		return within(data, from, "*"+n.Value)
	}
	if n.Kind != yaml.ScalarNode {
		return 0, 0, fmt.Errorf("line %d: it is no word: %w", n.Line, ErrByHand)
	}
	from = skipProperties(data, from)
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return quotedToken(data, from, '"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		return quotedToken(data, from, '\'')
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		from += nextLine(data[from:])
		from = skipSpace(data, from)
	}
	return within(data, from, n.Value)
}

// within makes sure that a text is where it should be.
func within(data []byte, from int, text string) (int, int, error) {
	if from > len(data) || !bytes.HasPrefix(data[from:], []byte(text)) || text == "" {
		return 0, 0, fmt.Errorf("%q is not where it should be: %w", text, ErrByHand)
	}
	return from, from + len(text), nil
}

// quotedToken is a quoted text from its first quote to its last.
func quotedToken(data []byte, from int, quote byte) (int, int, error) {
	if from >= len(data) || data[from] != quote {
		return 0, 0, fmt.Errorf("a quoted word is not where it should be: %w", ErrByHand)
	}
	for i := from + 1; i < len(data); i++ {
		switch {
		case quote == '"' && data[i] == '\\':
			i++
		case data[i] == quote && quote == '\'' && i+1 < len(data) && data[i+1] == quote:
			i++
		case data[i] == quote:
			return from, i + 1, nil
		}
	}
	return 0, 0, fmt.Errorf("a quoted word does not end: %w", ErrByHand)
}

// skipProperties steps over an anchor and a tag, in either order.
func skipProperties(data []byte, at int) int {
	for at < len(data) && (data[at] == '&' || data[at] == '!') {
		for at < len(data) && !isSpace(data[at]) {
			at++
		}
		at = skipSpace(data, at)
	}
	return at
}

func skipSpace(data []byte, at int) int {
	for at < len(data) && isSpace(data[at]) {
		at++
	}
	return at
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
