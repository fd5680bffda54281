// Package commented reads what the source of a program says of its own constants, so that a
// rule is written down once, where it is named.
//
// It must not know what the constants are for.
package commented

import "strings"

// Of returns the comment above the line that ends in a text, without its marks, empty when no
// line of the source ends so.
func Of(source, ending string) string {
	var b strings.Builder
	for line := range strings.Lines(source) {
		line = strings.TrimSpace(line)
		comment, is := strings.CutPrefix(line, "//")
		switch {
		case is:
			b.WriteString(strings.TrimPrefix(comment, " ") + "\n")
		case strings.HasSuffix(line, ending):
			return strings.TrimSpace(b.String()) + "\n"
		default:
			b.Reset()
		}
	}
	return ""
}
