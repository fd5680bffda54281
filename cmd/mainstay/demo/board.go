package demo

import (
	"fmt"
	"io"
	"strings"
	"time"

	"mainstay/reconcile/plan"
)

// board shows the nodes: as a table that is drawn again and again on a
// terminal, as one line for each change elsewhere.
type board struct {
	out   io.Writer
	live  bool
	width int
	plain bool
	title string
	start time.Time
	drawn int
	last  map[string]string
}

func newBoard(o Options) *board {
	return &board{out: o.Out, live: o.Live, width: o.Width, plain: o.Plain, start: time.Now(), last: map[string]string{}}
}

// section begins a new part of the story.
func (b *board) section(title string) {
	b.title, b.drawn = title, 0
	fmt.Fprintf(b.out, "\n%s\n", title)
}

// say prints a line below the board.
func (b *board) say(format string, args ...any) {
	b.drawn = 0
	fmt.Fprintf(b.out, format+"\n", args...)
}

// show shows one look at all nodes.
func (b *board) show(rs []plan.Report) {
	if b.live {
		b.draw(rs)
		return
	}
	for _, r := range rs {
		text := line(r)
		if b.last[r.Node] != text {
			b.last[r.Node] = text
			fmt.Fprintf(b.out, "%7.2fs  %s\n", time.Since(b.start).Seconds(), text)
		}
	}
}

func (b *board) draw(rs []plan.Report) {
	var s strings.Builder
	if b.drawn > 0 {
		fmt.Fprintf(&s, "\x1b[%dA", b.drawn)
	}
	fmt.Fprintf(&s, "  %-13s %-8s %-13s %-21s %s\x1b[K\n", "NODE", "SIDE", "STATUS", "CLAIM", "WHY")
	for _, r := range rs {
		fmt.Fprintf(&s, "  %-13s %-8s %s %-21s %s\x1b[K\n",
			r.Node, dash(string(r.Side)), b.paint(r.Status), claim(r), b.cut(r.Reason))
	}
	b.drawn = len(rs) + 1
	io.WriteString(b.out, s.String())
}

// before is how many characters of a line come before its last column.
const before = 2 + 13 + 1 + 8 + 1 + 13 + 1 + 21 + 1

// cut shortens the last column to what has room: a line that is broken would
// spoil the drawing in place.
func (b *board) cut(text string) string {
	room := 42
	if b.width > 0 {
		room = max(1, min(room, b.width-before))
	}
	if r := []rune(text); len(r) > room {
		return string(r[:room-1]) + "…"
	}
	return text
}

func (b *board) paint(s plan.Status) string {
	text := fmt.Sprintf("%-13s", s)
	if b.plain {
		return text
	}
	return colour(s) + text + "\x1b[0m"
}

func line(r plan.Report) string {
	return strings.TrimRight(fmt.Sprintf("%-13s %-8s %-13s %-22s %s", r.Node, dash(string(r.Side)), r.Status, claim(r), r.Reason), " ")
}

// claim says who holds the claim of an exclusive role, under which number and
// by which guarantee; for a shared node it says where it points.
func claim(r plan.Report) string {
	switch {
	case r.Side == "" && r.Serving != "":
		return "points at " + string(r.Serving)
	case r.Side == "" || r.Holder == "":
		return "-"
	case r.Holder == plan.HeldByNone:
		return fmt.Sprintf("#%d free", r.Seq)
	}
	return fmt.Sprintf("#%d %s %s", r.Seq, r.Holder, r.Guarantee)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func colour(s plan.Status) string {
	switch s {
	case plan.Active:
		return "\x1b[32m"
	case plan.Inactive:
		return "\x1b[2m"
	case plan.Failed:
		return "\x1b[31m"
	}
	return "\x1b[33m"
}
