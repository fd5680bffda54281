package ui

import (
	"fmt"
	"io"
	"strings"
)

// Live is a text on a terminal that is drawn over itself again and again.
type Live struct {
	Out io.Writer
	// drawn is how many lines the text has now.
	drawn int
}

// Draw puts a text, as this package drew it, in place of the one before. height is
// how many lines the terminal has, 0 when that is not known; what has no room is
// counted and left out.
func (l *Live) Draw(text string, height int) error {
	lines := Fit(text, height)
	up := ""
	if l.drawn > 0 {
		up = fmt.Sprintf("\x1b[%dA", l.drawn)
	}
	l.drawn = len(lines)
	_, err := io.WriteString(l.Out, up+strings.Join(lines, "\x1b[K\n")+"\x1b[K\n\x1b[J")
	return err
}

// Leave lets the text stand: the next one is drawn below it.
func (l *Live) Leave() { l.drawn = 0 }

// Fit are the lines of a text that have room in so many lines, with a word on
// those that have not. 0 is no bound.
func Fit(text string, height int) []string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if height > 1 && len(lines) >= height {
		hidden := len(lines) - height + 2
		more := "lines"
		if hidden == 1 {
			more = "line"
		}
		lines = append(lines[:height-2], fmt.Sprintf("… %d %s more, make the window higher", hidden, more))
	}
	return lines
}
