package ui

import (
	"io"
	"strings"
	"unicode/utf8"

	"mainstay/reconcile/plain"
)

// Style is how a cell looks where colour is wanted.
type Style int

// The styles. Meaning is never in the colour alone.
const (
	Plain Style = iota
	Good
	Bad
	Warn
	Dim
	Bold
)

// Cell is one field of a row.
type Cell struct {
	Text  string
	Style Style
}

// Row is one line of a table, and what is to be said below it.
type Row struct {
	Cells []Cell
	Notes []Cell
}

// Table is what is drawn.
type Table struct {
	Head []string
	Rows []Row
	// Narrow, when set, is a column that may be cut when the width is too
	// small; its index counts from 1.
	Narrow int
}

const (
	gap    = "  "
	indent = "    "
)

// Draw writes the table within a width of so many characters; 0 is no bound.
func (t *Table) Draw(w io.Writer, width int, colour bool) error {
	t.clean()
	widths := t.widths()
	t.fit(widths, width)
	var b strings.Builder
	head := make([]Cell, len(t.Head))
	for i, h := range t.Head {
		head[i] = Cell{h, Bold}
	}
	line(&b, head, widths, colour)
	for _, r := range t.Rows {
		line(&b, r.Cells, widths, colour)
		for _, n := range r.Notes {
			for _, l := range Wrap(n.Text, width-len(indent)) {
				b.WriteString(indent + Paint(l, n.Style, colour) + "\n")
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// clean makes every cell one line of what can be seen: most of it came from
// documents and nodes.
func (t *Table) clean() {
	for _, r := range t.Rows {
		for i := range r.Cells {
			r.Cells[i].Text = plain.Line(r.Cells[i].Text)
		}
	}
}

func (t *Table) widths() []int {
	widths := make([]int, len(t.Head))
	for i, h := range t.Head {
		widths[i] = utf8.RuneCountInString(h)
	}
	for _, r := range t.Rows {
		for i, c := range r.Cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.Text))
		}
	}
	return widths
}

// fit makes columns narrower until the line fits: first the one that may be cut,
// then whichever is widest.
func (t *Table) fit(widths []int, width int) {
	if width <= 0 {
		return
	}
	over := len(gap)*(len(widths)-1) - width
	for _, w := range widths {
		over += w
	}
	const least = 6
	if t.Narrow > 0 && over > 0 {
		cut := min(over, max(0, widths[t.Narrow-1]-least))
		widths[t.Narrow-1] -= cut
		over -= cut
	}
	for ; over > 0; over-- {
		widest := 0
		for i := range widths {
			if widths[i] > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= least {
			return
		}
		widths[widest]--
	}
}

func line(b *strings.Builder, cells []Cell, widths []int, colour bool) {
	for i, c := range cells {
		text := Cut(c.Text, widths[i])
		last := i == len(cells)-1
		b.WriteString(Paint(text, c.Style, colour))
		if !last {
			b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text)) + gap)
		}
	}
	b.WriteString("\n")
}

// Cut makes a text one line of at most so many characters, the last of which then
// is "…".
func Cut(text string, width int) string {
	text = plain.Line(text)
	if utf8.RuneCountInString(text) <= width || width <= 0 {
		return text
	}
	r := []rune(text)
	return string(r[:width-1]) + "…"
}

// Wrap breaks a text into lines of so many characters, between words. 0 or less
// leaves it in one line.
func Wrap(text string, width int) []string {
	text = plain.Line(text)
	if width <= 0 {
		return []string{text}
	}
	var lines []string
	now := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case now == "":
			now = word
		case utf8.RuneCountInString(now)+1+utf8.RuneCountInString(word) <= width:
			now += " " + word
		default:
			lines = append(lines, now)
			now = word
		}
	}
	if now != "" {
		lines = append(lines, now)
	}
	return lines
}

// Paint puts a text into a style's colour, if colour is wanted.
func Paint(text string, s Style, colour bool) string {
	codes := map[Style]string{Good: "32", Bad: "1;31", Warn: "33", Dim: "2", Bold: "1"}
	if !colour || codes[s] == "" || text == "" {
		return text
	}
	return "\x1b[" + codes[s] + "m" + text + "\x1b[0m"
}

// Pad fills a text up to a width.
func Pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}
