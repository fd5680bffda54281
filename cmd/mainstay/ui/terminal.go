package ui

import (
	"context"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"
)

// ScreenOf is where tables are drawn: as wide as the terminal, or else as COLUMNS
// says or 100 characters, and coloured on a terminal only.
func ScreenOf(out io.Writer) Screen {
	s := Screen{Out: out, Width: 100}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n >= 40 {
		s.Width = n
	}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.Colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			s.Width = w
		}
	}
	return s
}

// IsTerminal reports whether a reader or a writer is a terminal.
func IsTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Height is how many lines a terminal has, or 0.
func Height(out io.Writer) int {
	f, ok := out.(*os.File)
	if !ok {
		return 0
	}
	_, h, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return h
}

// Answer reads one line of what a person types, until ctx ends.
func Answer(ctx context.Context, in io.Reader) (string, error) {
	type answer struct {
		line string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		// One byte at a time, so that nothing of the next answer is taken along.
		var line []byte
		var b [1]byte
		for {
			n, err := in.Read(b[:])
			if n > 0 && b[0] == '\n' || err != nil {
				got <- answer{strings.TrimSpace(string(line)), err}
				return
			}
			line = append(line, b[:n]...)
		}
	}()
	select {
	case g := <-got:
		return g.line, g.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
