package ui

import (
	"fmt"
	"io"
	"strings"

	"mainstay/reconcile/plain"
)

// Screen is where something is drawn.
type Screen struct {
	Out    io.Writer
	Width  int // characters, 0 for no bound
	Colour bool
}

// Say writes one line.
func (s Screen) Say(style Style, format string, args ...any) {
	for _, l := range Wrap(fmt.Sprintf(format, args...), s.Width) {
		fmt.Fprintln(s.Out, Paint(l, style, s.Colour))
	}
}

// Cut writes one line and shortens it to the width.
func (s Screen) Cut(style Style, format string, args ...any) {
	fmt.Fprintln(s.Out, Paint(Cut(fmt.Sprintf(format, args...), s.Width), style, s.Colour))
}

// Item writes a text behind a lead, wrapped beside it.
func (s Screen) Item(style Style, lead, text string) {
	width := 0
	if s.Width > 0 {
		width = max(20, s.Width-len([]rune(lead)))
	}
	lead = plain.Text(lead)
	for i, l := range Wrap(text, width) {
		if i > 0 {
			lead = strings.Repeat(" ", len([]rune(lead)))
		}
		fmt.Fprintln(s.Out, Paint(lead+l, style, s.Colour))
	}
}

// Raw writes one line with its spaces as they are, and is the only text that is
// neither wrapped nor cut.
func (s Screen) Raw(style Style, text string) {
	text = strings.ReplaceAll(plain.Text(text), "\n", " ")
	fmt.Fprintln(s.Out, Paint(text, style, s.Colour))
}

// Some lists names, and counts those that would be too many.
func Some(names []string) string {
	const most = 12
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
