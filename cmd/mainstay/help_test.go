package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// Help is read where trouble is: on a small terminal too, and it says how the
// command ends.
func TestHelpFitsASmallTerminalAndTellsExitCodes(t *testing.T) {
	a := &app{}
	for _, c := range append(a.command().Commands(), a.command()) {
		if c.Hidden {
			continue
		}
		args := strings.Fields(c.CommandPath())[1:]
		var out bytes.Buffer
		if code := run(append(args, "--help"), nil, &out, &out); code != exitDone {
			t.Errorf("%s: exit code %d", c.Name(), code)
		}
		for l := range strings.Lines(out.String()) {
			if utf8.RuneCountInString(strings.TrimSpace(l)) > 80 {
				t.Errorf("%s: too wide: %s", c.CommandPath(), l)
			}
		}
		if c.Name() != "help" && !strings.Contains(out.String(), "EXIT STATUS\n  0  ") {
			t.Errorf("%s tells no exit codes", c.CommandPath())
		}
	}
}
