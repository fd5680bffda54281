package observer

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// columns is the width of the chart of a text.
const columns = 80

// WriteText writes a chart, one line for each track, and then every change and
// mark in its order.
func (r *Recording) WriteText(w io.Writer) error {
	var b strings.Builder
	median, longest := r.Gap()
	fmt.Fprintf(&b, "%s\n%.1f s, %d looks, one every %d ms, longest gap %d ms, double-active %.1f s\n\n",
		r.Title, r.Length.Seconds(), len(r.Gaps)+1, median.Milliseconds(), longest.Milliseconds(), r.Double().Seconds())
	width := 0
	for _, t := range r.Tracks {
		width = max(width, len(t.Name))
	}
	for _, i := range r.rows() {
		fmt.Fprintf(&b, "%-*s |%s|\n", width, r.Tracks[i].Name, r.bar(i))
	}
	b.WriteString("\n")
	for _, e := range r.events() {
		fmt.Fprintf(&b, "%8.2f s  %s\n", e.At.Seconds(), e.Text)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// bar is one line of the chart: the first letter of the value that a track had
// at the middle of each column.
func (r *Recording) bar(track int) string {
	line := []byte(strings.Repeat(".", columns))
	for i := range line {
		at := r.Length * time.Duration(2*i+1) / (2 * columns)
		for _, s := range r.Spans {
			if s.Track == track && s.From <= at && at < s.To {
				line[i] = letter(s.Value, r.Tracks[track].Side)
			}
		}
	}
	return string(line)
}

func letter(value, side string) byte {
	switch text := cmp.Or(side, value); {
	case strings.HasPrefix(text, "main"):
		return 'M'
	case strings.HasPrefix(text, "standby"):
		return 'S'
	}
	return '#'
}

// events are the marks and the changes of all tracks, in their order.
func (r *Recording) events() []Mark {
	all := make([]Mark, 0, len(r.Marks)+2*len(r.Spans))
	for _, m := range r.Marks {
		all = append(all, Mark{m.At, "== " + m.Text})
	}
	follows := map[Mark]bool{}
	for _, s := range r.Spans {
		follows[Mark{s.From, r.Tracks[s.Track].Name}] = true
	}
	for _, s := range r.Spans {
		name := r.Tracks[s.Track].Name
		all = append(all, Mark{s.From, name + ": " + s.Value})
		if s.To < r.Length && !follows[Mark{s.To, name}] {
			all = append(all, Mark{s.To, name + ": down"})
		}
	}
	slices.SortStableFunc(all, func(a, b Mark) int { return cmp.Compare(a.At, b.At) })
	return all
}
