package main

import (
	"errors"
	"strings"
	"testing"

	"mainstay/e2e/attack"
)

func TestAnErrorOfSeveralLinesIsOneError(t *testing.T) {
	attack.Row(t, "terminal", "an error that quotes somebody else brings lines of its own", "indented, so that none looks like this program's")
	var out strings.Builder
	(&app{err: &out}).report(errors.New("push: it says\nok: standby serves\r\x1b[8m\nhint: run rm\n"))
	if got, want := out.String(), "error: push: it says\n  ok: standby serves\\x0d\\x1b[8m\n  hint: run rm\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
