package main

import (
	"bytes"
	"context"
	"io"
	"os"

	"golang.org/x/term"

	"mainstay/cmd/mainstay/ui"
)

// ctrlC is what a terminal sends that passes every key on.
const ctrlC = 3

// untilKey lets q, or Ctrl-C, end the context while a person watches on a terminal. It
// returns where to write meanwhile, and what puts the terminal back.
func (a *app) untilKey(ctx context.Context) (context.Context, io.Writer, func()) {
	in, ok := a.in.(*os.File)
	if !ok || !ui.IsTerminal(in) || !ui.IsTerminal(a.out) {
		return ctx, a.out, func() {}
	}
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return ctx, a.out, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		var key [1]byte
		for {
			n, err := in.Read(key[:])
			if err != nil || n > 0 && (key[0] == 'q' || key[0] == 'Q' || key[0] == ctrlC) {
				cancel()
				return
			}
		}
	}()
	return ctx, returning{a.out}, func() {
		cancel()
		_ = term.Restore(int(in.Fd()), before)
	}
}

// returning writes to a terminal that does not begin a line at its start by itself.
type returning struct{ out io.Writer }

func (r returning) Write(text []byte) (int, error) {
	_, err := r.out.Write(bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")))
	return len(text), err
}
