package ui

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mainstay/e2e/attack"
)

// Whatever is given to it, a screen writes nothing that a terminal would obey but
// colours of its own.
func TestNothingForeignReachesTheScreen(t *testing.T) {
	attack.Row(t, "terminal", "control characters in what a table or a screen shows", "cleaned on the way out")
	const foreign = "a\x1b[2J\nb\u202ec"
	var b bytes.Buffer
	s := Screen{Out: &b, Width: 60}
	s.Say(Plain, "%s", foreign)
	s.Cut(Plain, "%s", foreign)
	s.Item(Plain, "lead ", foreign)
	s.Raw(Plain, foreign)
	table := Table{Head: []string{"A", "B"}, Rows: []Row{{Cells: []Cell{{Text: foreign}, {Text: "x"}}, Notes: []Cell{{Text: foreign}}}}}
	if err := table.Draw(&b, 60, false); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\u202e") || strings.Count(b.String(), "\n") != 7 {
		t.Errorf("got %q", b.String())
	}
}

func TestALiveTextIsDrawnOverItself(t *testing.T) {
	var b bytes.Buffer
	l := Live{Out: &b}
	for _, text := range []string{"one\ntwo\n", "three\n"} {
		if err := l.Draw(text, 0); err != nil {
			t.Fatal(err)
		}
	}
	l.Leave()
	if err := l.Draw("1\n2\n3\n4\n", 3); err != nil {
		t.Fatal(err)
	}
	want := "one\x1b[K\ntwo\x1b[K\n\x1b[J" + "\x1b[2Athree\x1b[K\n\x1b[J" + "1\x1b[K\n… 3 lines more, make the window higher\x1b[K\n\x1b[J"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}
