package observer

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

// The measures of a picture, in pixels.
const (
	labelWidth = 190
	chartWidth = 900
	rowHeight  = 22
	barHeight  = 14
	head       = 64
	markHeight = 13
)

// picture is a drawing under way.
type picture struct {
	strings.Builder
	*Recording
	row    map[int]int // by track, its row from the top
	top    int         // where the rows begin
	bottom int         // and end
}

// WriteSVG draws the recording: a row for each track, bars coloured by side,
// double activity in red, and the marks as lines across.
func (r *Recording) WriteSVG(w io.Writer) error {
	p := &picture{Recording: r, row: map[int]int{}, top: head + markHeight*len(r.Marks)}
	rows := r.rows()
	for row, track := range rows {
		p.row[track] = row
	}
	p.bottom = p.top + rowHeight*len(rows)
	const width = labelWidth + chartWidth + 20
	fmt.Fprintf(p, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="sans-serif" font-size="11">`+"\n",
		width, p.bottom+30)
	p.WriteString(`<rect width="100%" height="100%" fill="#fff"/>` + "\n")
	p.drawHead()
	p.drawRows(rows)
	p.drawTime()
	for _, o := range r.Overlaps() {
		p.drawOverlap(o)
	}
	for _, s := range r.Spans {
		p.drawSpan(s)
	}
	p.drawMarks()
	p.WriteString("</svg>\n")
	_, err := io.WriteString(w, p.String())
	return err
}

// drawHead writes the title, what was measured, and what the colours mean.
func (p *picture) drawHead() {
	fmt.Fprintf(p, `<text x="10" y="22" font-size="15" font-weight="bold">%s</text>`+"\n", escape(p.Title))
	median, longest := p.Gap()
	fmt.Fprintf(p, `<text x="10" y="40" fill="#555">seen from outside the agents every %d ms (longest gap %d ms), double-active %.2f s</text>`+"\n",
		median.Milliseconds(), longest.Milliseconds(), p.Double().Seconds())
	x := labelWidth + chartWidth - 190
	for _, word := range []string{"main", "standby", "neither"} {
		fmt.Fprintf(p, `<rect x="%d" y="13" width="10" height="10" rx="2" fill="%s"/><text x="%d" y="22">%s</text>`+"\n",
			x, colour(word), x+14, word)
		x += 70
	}
}

// drawOverlap shades the rows of a group while more than one of them was up.
func (p *picture) drawOverlap(o Overlap) {
	for track, row := range p.row {
		if p.Tracks[track].Group == o.Group {
			fmt.Fprintf(p, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="#fc8181"><title>%s on both sides</title></rect>`+"\n",
				p.x(o.From), p.top+row*rowHeight, p.x(o.To)-p.x(o.From), rowHeight, escape(o.Group))
		}
	}
}

// drawRows names the rows and shades every other group of them.
func (p *picture) drawRows(rows []int) {
	shaded, group := false, ""
	for row, track := range rows {
		t, y := p.Tracks[track], p.top+row*rowHeight
		if name := cmp.Or(t.Group, "shared"); name != group {
			shaded, group = !shaded, name
		}
		if shaded {
			fmt.Fprintf(p, `<rect x="0" y="%d" width="100%%" height="%d" fill="#f5f7fa"/>`+"\n", y, rowHeight)
		}
		fmt.Fprintf(p, `<text x="10" y="%d">%s</text>`+"\n", y+barHeight+1, escape(t.Name))
	}
}

// x is where a moment is.
func (r *Recording) x(at time.Duration) float64 {
	return labelWidth + chartWidth*float64(at)/float64(max(r.Length, 1))
}

func (p *picture) drawSpan(s Span) {
	t := p.Tracks[s.Track]
	y := p.top + p.row[s.Track]*rowHeight + (rowHeight-barHeight)/2
	left, width := p.x(s.From), p.x(s.To)-p.x(s.From)
	fmt.Fprintf(p, `<rect x="%.1f" y="%d" width="%.1f" height="%d" rx="2" fill="%s"><title>%s: %s, %.2f s to %.2f s</title></rect>`+"\n",
		left, y, max(width, 1), barHeight, colour(cmp.Or(t.Side, s.Value)), escape(t.Name), escape(s.Value), s.From.Seconds(), s.To.Seconds())
	if width > float64(7*len(s.Value)) {
		fmt.Fprintf(p, `<text x="%.1f" y="%d" fill="#fff" font-size="10">%s</text>`+"\n", left+4, y+barHeight-3, escape(s.Value))
	}
}

func colour(side string) string {
	switch {
	case strings.HasPrefix(side, "main"):
		return "#2b6cb0"
	case strings.HasPrefix(side, "standby"):
		return "#c05621"
	}
	return "#718096"
}

// drawTime draws the axis with about ten steps.
func (p *picture) drawTime() {
	step := time.Second
	for _, next := range []time.Duration{2, 5, 10, 30, 60, 120, 300} {
		if p.Length/step > 12 {
			step = next * time.Second
		}
	}
	for at := time.Duration(0); at <= p.Length; at += step {
		fmt.Fprintf(p, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#e2e8f0"/>`+"\n", p.x(at), p.top, p.x(at), p.bottom)
		fmt.Fprintf(p, `<text x="%.1f" y="%d" fill="#555" text-anchor="middle">%d s</text>`+"\n", p.x(at), p.bottom+16, int(at.Seconds()))
	}
}

func (p *picture) drawMarks() {
	for i, m := range p.Marks {
		y := head + markHeight*i
		fmt.Fprintf(p, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#1a202c" stroke-dasharray="3 3"/>`+"\n", p.x(m.At), y, p.x(m.At), p.bottom)
		anchor, x := "start", p.x(m.At)+3
		if m.At > p.Length*2/3 {
			anchor, x = "end", p.x(m.At)-3
		}
		fmt.Fprintf(p, `<text x="%.1f" y="%d" text-anchor="%s">%s</text>`+"\n", x, y+4, anchor, escape(m.Text))
	}
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder takes everything
	return b.String()
}
