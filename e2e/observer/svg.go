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

// WriteSVG draws the recording: a row for each track, bars coloured by side,
// double activity in red, and the marks as lines across.
func (r *Recording) WriteSVG(w io.Writer) error {
	var b strings.Builder
	top := head + markHeight*len(r.Marks)
	height := top + rowHeight*len(r.Tracks) + 40
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">`+"\n",
		labelWidth+chartWidth+20, height)
	b.WriteString(`<rect width="100%" height="100%" fill="#fff"/>` + "\n")
	fmt.Fprintf(&b, `<text x="10" y="22" font-size="15" font-weight="bold">%s</text>`+"\n", escape(r.Title))
	median, longest := r.Gap()
	fmt.Fprintf(&b, `<text x="10" y="40" fill="#555">seen from outside the agents every %d ms (longest gap %d ms), double-active %.1f s</text>`+"\n",
		median.Milliseconds(), longest.Milliseconds(), r.Double().Seconds())
	r.drawTime(&b, top)
	for i, t := range r.Tracks {
		y := top + i*rowHeight
		fmt.Fprintf(&b, `<text x="10" y="%d">%s</text>`+"\n", y+barHeight, escape(t.Name))
	}
	for _, s := range r.Spans {
		r.drawSpan(&b, s, top)
	}
	for _, o := range r.Overlaps() {
		fmt.Fprintf(&b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="#e53e3e" fill-opacity="0.35"><title>%s on both sides</title></rect>`+"\n",
			r.x(o.From), top, r.x(o.To)-r.x(o.From), rowHeight*len(r.Tracks), escape(o.Group))
	}
	r.drawMarks(&b, top)
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// x is where a moment is.
func (r *Recording) x(at time.Duration) float64 {
	return labelWidth + chartWidth*float64(at)/float64(max(r.Length, 1))
}

func (r *Recording) drawSpan(b *strings.Builder, s Span, top int) {
	t := r.Tracks[s.Track]
	y := top + s.Track*rowHeight + (rowHeight-barHeight)/2
	left, width := r.x(s.From), r.x(s.To)-r.x(s.From)
	fmt.Fprintf(b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" rx="2" fill="%s"><title>%s: %s, %.2f s to %.2f s</title></rect>`+"\n",
		left, y, max(width, 1), barHeight, colour(cmp.Or(t.Side, s.Value)), escape(t.Name), escape(s.Value), s.From.Seconds(), s.To.Seconds())
	if width > float64(7*len(s.Value)) {
		fmt.Fprintf(b, `<text x="%.1f" y="%d" fill="#fff" font-size="10">%s</text>`+"\n", left+4, y+barHeight-3, escape(s.Value))
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
func (r *Recording) drawTime(b *strings.Builder, top int) {
	step := time.Second
	for _, next := range []time.Duration{2, 5, 10, 30, 60, 120, 300} {
		if r.Length/step > 12 {
			step = next * time.Second
		}
	}
	bottom := top + rowHeight*len(r.Tracks)
	for at := time.Duration(0); at <= r.Length; at += step {
		fmt.Fprintf(b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#e2e8f0"/>`+"\n", r.x(at), top, r.x(at), bottom)
		fmt.Fprintf(b, `<text x="%.1f" y="%d" fill="#555" text-anchor="middle">%d s</text>`+"\n", r.x(at), bottom+16, int(at.Seconds()))
	}
}

func (r *Recording) drawMarks(b *strings.Builder, top int) {
	bottom := top + rowHeight*len(r.Tracks)
	for i, m := range r.Marks {
		y := head + markHeight*i
		fmt.Fprintf(b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#1a202c" stroke-dasharray="3 3"/>`+"\n", r.x(m.At), y, r.x(m.At), bottom)
		anchor, x := "start", r.x(m.At)+3
		if m.At > r.Length*2/3 {
			anchor, x = "end", r.x(m.At)-3
		}
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="%s">%s</text>`+"\n", x, y+4, anchor, escape(m.Text))
	}
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder takes everything
	return b.String()
}
