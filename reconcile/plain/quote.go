package plain

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Quote makes several lines of output one line that people can read: line breaks
// become " | ", a line that comes again and again is counted, "(8 times)", and what
// is longer than so many characters loses its beginning, at the end of a word,
// because the end of an output says why. 0 is no bound.
func Quote(text string, most int) string {
	var parts []string
	last, times := "", 0
	flush := func() {
		switch {
		case times > 1:
			parts = append(parts, fmt.Sprintf("%s (%d times)", last, times))
		case times == 1:
			parts = append(parts, last)
		}
	}
	for l := range strings.Lines(text) {
		l = Line(l)
		switch {
		case l == "":
		case l == last:
			times++
		default:
			flush()
			last, times = l, 1
		}
	}
	flush()
	return ending(strings.Join(parts, " | "), most)
}

// ending is the end of a line, begun at a word.
func ending(line string, most int) string {
	over := utf8.RuneCountInString(line) - most
	if most <= 0 || over <= 0 {
		return line
	}
	r := []rune(line)[over:]
	if i := strings.IndexByte(string(r), ' '); i >= 0 {
		return "… " + strings.TrimPrefix(string(r)[i+1:], "| ")
	}
	return "… " + string(r)
}
