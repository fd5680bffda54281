package forecast

import (
	"fmt"
	"strings"
)

// around is how many unchanged lines a diff shows around a change.
const around = 3

// mostCells bounds the comparison of two files, in pairs of lines. Above it all
// of one is replaced by all of the other.
const mostCells = 4 << 20

// Diff is a unified diff of two texts, empty when they are the same.
func Diff(name, before, after string) string {
	if before == after {
		return ""
	}
	edits := compare(lines(before), lines(after))
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", name, name)
	for _, h := range hunks(edits) {
		h.write(&b, edits)
	}
	return b.String()
}

// edited is one line of a comparison: kept ' ', taken out '-' or put in '+'.
type edited struct {
	op   byte
	text string
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
}

// compare finds the longest common run of lines.
func compare(a, b []string) []edited {
	var out []edited
	add := func(op byte, ls []string) {
		for _, l := range ls {
			out = append(out, edited{op, strings.TrimSuffix(l, "\n")})
		}
	}
	if len(a)*len(b) > mostCells {
		add('-', a)
		add('+', b)
		return out
	}
	for i, j := range matches(a, b) {
		switch {
		case i >= 0 && j >= 0:
			add(' ', a[i:i+1])
		case i >= 0:
			add('-', a[i:i+1])
		default:
			add('+', b[j:j+1])
		}
	}
	return out
}

// matches walks both lists: a pair of indexes for a common line, -1 on one side
// for a line of the other alone.
func matches(a, b []string) func(yield func(i, j int) bool) {
	length := make([][]int, len(a)+1)
	for i := range length {
		length[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if strings.TrimSuffix(a[i], "\n") == strings.TrimSuffix(b[j], "\n") {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	return func(yield func(i, j int) bool) {
		i, j, more := 0, 0, true
		for more && (i < len(a) || j < len(b)) {
			switch {
			case i < len(a) && j < len(b) && strings.TrimSuffix(a[i], "\n") == strings.TrimSuffix(b[j], "\n"):
				more = yield(i, j)
				i, j = i+1, j+1
			case j == len(b) || i < len(a) && length[i+1][j] >= length[i][j+1]:
				more = yield(i, -1)
				i++
			default:
				more = yield(-1, j)
				j++
			}
		}
	}
}

// hunk is a stretch of a comparison that is shown.
type hunk struct{ from, to int }

func hunks(edits []edited) []hunk {
	var out []hunk
	for i, e := range edits {
		if e.op == ' ' {
			continue
		}
		from, to := max(0, i-around), min(len(edits), i+around+1)
		if n := len(out); n > 0 && from <= out[n-1].to {
			out[n-1].to = to
		} else {
			out = append(out, hunk{from, to})
		}
	}
	return out
}

func (h hunk) write(b *strings.Builder, edits []edited) {
	count := func(from, to int, not byte) int {
		n := 0
		for _, e := range edits[from:to] {
			if e.op != not {
				n++
			}
		}
		return n
	}
	at := func(not byte) string {
		start, n := count(0, h.from, not), count(h.from, h.to, not)
		if n > 0 {
			start++
		}
		return fmt.Sprintf("%d,%d", start, n)
	}
	fmt.Fprintf(b, "@@ -%s +%s @@\n", at('+'), at('-'))
	for _, e := range edits[h.from:h.to] {
		fmt.Fprintf(b, "%c%s\n", e.op, e.text)
	}
}
