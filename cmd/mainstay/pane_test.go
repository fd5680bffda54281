package main

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// pane is what a terminal shows of what a program wrote: so many lines of so many
// characters. What is longer goes on in the next line, what is too much scrolls
// away. It knows the few escapes that are used here.
type pane struct {
	mu         sync.Mutex
	rows, cols int
	lines      [][]rune
	y, x       int
	rest       []byte
	// coloured says that a colour was asked for.
	coloured bool
}

func newPane(rows, cols int) *pane {
	return &pane{rows: rows, cols: cols, lines: make([][]rune, rows)}
}

// text is what is seen, without the white space at the ends.
func (p *pane) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	for _, l := range p.lines {
		b.WriteString(strings.TrimRight(string(l), " ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

var escape = regexp.MustCompile(`^\x1b\[([0-9;]*)([A-Za-z])`)

// take carries out what a program wrote.
func (p *pane) take(more []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := append(p.rest, more...)
	for len(text) > 0 && utf8.FullRune(text) {
		if m := escape.FindSubmatch(text); m != nil {
			p.move(string(m[2]), string(m[1]))
			text = text[len(m[0]):]
			continue
		}
		r, n := utf8.DecodeRune(text)
		if r == '\x1b' && len(text) < len("\x1b[1;31m") {
			break
		}
		p.put(r)
		text = text[n:]
	}
	p.rest = slices.Clone(text)
}

func (p *pane) put(r rune) {
	switch r {
	case '\r':
		p.x = 0
	case '\n':
		p.down()
	default:
		if p.x == p.cols {
			p.x = 0
			p.down()
		}
		for len(p.lines[p.y]) <= p.x {
			p.lines[p.y] = append(p.lines[p.y], ' ')
		}
		p.lines[p.y][p.x] = r
		p.x++
	}
}

func (p *pane) down() {
	if p.y++; p.y == p.rows {
		p.lines = append(p.lines[1:], nil)
		p.y--
	}
}

func (p *pane) move(what, by string) {
	switch what {
	case "m":
		p.coloured = true
	case "H":
		p.y, p.x = 0, 0
	case "A":
		n, _ := strconv.Atoi(by)
		p.y = max(0, p.y-n)
	case "K":
		p.lines[p.y] = p.lines[p.y][:min(p.x, len(p.lines[p.y]))]
	case "J":
		p.lines[p.y] = p.lines[p.y][:min(p.x, len(p.lines[p.y]))]
		for i := p.y + 1; i < p.rows; i++ {
			p.lines[i] = nil
		}
	}
}
