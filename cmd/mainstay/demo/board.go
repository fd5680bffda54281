package demo

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"mainstay/cmd/mainstay/ui"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plain"
	"mainstay/reconcile/plan"
)

// board shows the nodes: as a table that is drawn again and again on a
// terminal, as one line for each change elsewhere.
type board struct {
	out     io.Writer
	live    bool
	width   int
	plain   bool
	title   string
	start   time.Time
	last    map[string]string
	drawing ui.Live
}

func newBoard(o Options) *board {
	return &board{out: o.Out, live: o.Live, width: o.Width, plain: o.Plain, start: time.Now(), last: map[string]string{}, drawing: ui.Live{Out: o.Out}}
}

// section begins a new part of the story.
func (b *board) section(title string) {
	b.title = title
	b.drawing.Leave()
	fmt.Fprintf(b.out, "\n%s\n", title)
}

// say prints a line below the board.
func (b *board) say(format string, args ...any) {
	b.drawing.Leave()
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
	table := ui.Table{Head: []string{"NODE", "SIDE", "STATUS", "CLAIM", "WHY"}, Narrow: 5}
	for _, r := range rs {
		table.Rows = append(table.Rows, ui.Row{Cells: []ui.Cell{
			{Text: r.Node}, {Text: cmp.Or(string(r.Side), "-")}, {Text: string(r.Status), Style: style(r.Status)}, {Text: fleet.ClaimOf(&r)},
			{Text: ui.Cut(r.Reason, longestReason)},
		}})
	}
	var text bytes.Buffer
	_ = table.Draw(&text, b.width, !b.plain)
	_ = b.drawing.Draw(text.String(), 0)
}

// longestReason bounds the last column, in characters.
const longestReason = 42

func line(r plan.Report) string {
	return strings.TrimRight(fmt.Sprintf("%-13s %-8s %-13s %-22s %s", r.Node, cmp.Or(string(r.Side), "-"), r.Status, fleet.ClaimOf(&r), plain.Line(r.Reason)), " ")
}

func style(s plan.Status) ui.Style {
	switch s {
	case plan.Active:
		return ui.Good
	case plan.Inactive:
		return ui.Dim
	case plan.Failed:
		return ui.Bad
	}
	return ui.Warn
}
