package change

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/spec"
)

// However a document is written, a pause is one word of its history, and the way back
// leaves nothing of it.
func TestAPauseIsOneWord(t *testing.T) {
	pauses := newVersions()
	for seed := range uint64(100) {
		before := random(seed).write("main", "")
		paused := apply(t, before, Word{Active: spec.Main, Pause: "a"})
		want := strings.Replace(before, `"side": "main" }`, `"side": "main", paused: true }`, 1)
		if strings.Contains(paused, `"paused"`) {
			want = strings.Replace(want, "paused: true", `"paused": true`, 1)
		}
		if diff := cmp.Diff(want, paused); diff != "" {
			t.Error(diff)
		}
		if back := apply(t, paused, Word{Active: spec.Main, Resume: "a"}); back != before {
			t.Errorf("not the same after the way back:\n%s", cmp.Diff(before, back))
		}
		pauses.add(string(rune('a'+seed%26))+string(rune('a'+seed/26)), before, paused)
	}
	for name, got := range pauses.numstat(t) {
		if got != "1 1" {
			t.Errorf("a pause changes %s lines:\n%s", got, pauses.after[name])
		}
	}
}

func TestPausesInEveryLayout(t *testing.T) {
	for _, c := range []struct{ name, before, after string }{
		{"in a flow", "nodes:\n  a: { role: r, side: main } # why\n", "nodes:\n  a: { role: r, side: main, paused: true } # why\n"},
		{"in a block", "nodes:\n  a:\n    role: r # why\n    side: main\n  b:\n    role: r\n", "nodes:\n  a:\n    role: r # why\n    side: main\n    paused: true\n  b:\n    role: r\n"},
		{"in a block that ends the file", "nodes:\n  a:\n    role: r\n    side: main", "nodes:\n  a:\n    role: r\n    paused: true\n    side: main"},
		{"with the line ends of the file", "nodes:\r\n  a:\r\n    role: r\r\n", "nodes:\r\n  a:\r\n    role: r\r\n    paused: true\r\n"},
		{"behind a word, not a list", "nodes:\n  a:\n    role: r\n    tags:\n      - x\n", "nodes:\n  a:\n    role: r\n    paused: true\n    tags:\n      - x\n"},
		{"not behind many lines", "nodes:\n  a:\n    role: r\n    note: |\n      x\n      y\n", "nodes:\n  a:\n    role: r\n    paused: true\n    note: |\n      x\n      y\n"},
		{"in place of another word", "nodes:\n  a: { paused: false, role: r }\n", "nodes:\n  a: { paused: true, role: r }\n"},
		{"there already", "nodes:\n  a: { paused: true, role: r }\n", "nodes:\n  a: { paused: true, role: r }\n"},
		{"as JSON", `{"nodes": {"a": {"role": "r"}}}`, `{"nodes": {"a": {"role": "r", "paused": true}}}`},
		{"behind a merge", "x: &x {side: main}\nnodes:\n  a: {<<: *x, role: r}\n", "x: &x {side: main}\nnodes:\n  a: {<<: *x, role: r, paused: true}\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := Edit([]byte(c.before), Word{Pause: "a"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.after, string(out)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A pause that ends says when, behind its word; one that does not takes that out again.
func TestAPauseThatEndsSaysWhen(t *testing.T) {
	at := time.Date(2026, 11, 28, 7, 0, 0, 0, time.FixedZone("", 3600))
	for _, c := range []struct{ name, before, after, open string }{
		{"in a flow", "nodes:\n  a: { role: r }\n", "nodes:\n  a: { role: r, paused: true, until: \"2026-11-28T06:00:00Z\" }\n", "nodes:\n  a: { role: r, paused: true }\n"},
		{"in a block", "nodes:\n  a:\n    role: r\n", "nodes:\n  a:\n    role: r\n    paused: true\n    until: \"2026-11-28T06:00:00Z\"\n", "nodes:\n  a:\n    role: r\n    paused: true\n"},
		{"as JSON", `{"nodes": {"a": {"role": "r"}}}`, `{"nodes": {"a": {"role": "r", "paused": true, "until": "2026-11-28T06:00:00Z"}}}`, `{"nodes": {"a": {"role": "r", "paused": true}}}`},
		{"another end", "nodes:\n  a: { role: r, until: 2026-01-01T00:00:00Z, paused: true }\n", "nodes:\n  a: { role: r, paused: true, until: \"2026-11-28T06:00:00Z\" }\n", "nodes:\n  a: { role: r, paused: true }\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := Edit([]byte(c.before), Word{Pause: "a", Until: at})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.after, string(out)); diff != "" {
				t.Error(diff)
			}
			if out, err = Edit(out, Word{Pause: "a"}); err != nil || string(out) != c.open {
				t.Errorf("without an end: %v\n%s", err, out)
			}
			if out, err = Edit([]byte(c.after), Word{Resume: "a"}); err != nil || strings.Contains(string(out), "until") || strings.Contains(string(out), "paused") {
				t.Errorf("resumed: %v\n%s", err, out)
			}
		})
	}
}

// The reason of a pause that stands in the document goes with it: it would be refused
// alone.
func TestResumingTakesThePauseOut(t *testing.T) {
	for _, c := range []struct{ name, before, after string }{
		{"in a flow", "nodes:\n  a: { role: r, paused: true, reason: new disk, side: main }\n", "nodes:\n  a: { role: r, side: main }\n"},
		{"in a block", "nodes:\n  a:\n    role: r\n    paused: true # since May\n    reason: \"new: disk\"\n    side: main\n", "nodes:\n  a:\n    role: r\n    side: main\n"},
		{"not there", "nodes:\n  a: { role: r }\n", "nodes:\n  a: { role: r }\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := Edit([]byte(c.before), Word{Resume: "a"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.after, string(out)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAPauseThatIsNotAloneIsLeftToThePerson(t *testing.T) {
	for name, before := range map[string]string{
		"a node that others share":     "nodes:\n  a: &n {role: r}\n  b: *n\n",
		"a node that is elsewhere":     "x: &n {role: r}\nnodes:\n  a: *n\n",
		"no such node":                 "nodes:\n  b: {role: r}\n",
		"no nodes":                     "active: main\n",
		"a node with no word":          "nodes:\n  a: {tags: [x]}\n",
		"a word that is no yes nor no": "nodes:\n  a: {paused: \"true\"}\n",
	} {
		t.Run(name, func(t *testing.T) {
			if out, err := Edit([]byte(before), Word{Pause: "a"}); !errors.Is(err, ErrByHand) {
				t.Errorf("got %v\n%s", err, out)
			}
		})
	}
	if out, err := Edit([]byte("x: &x {paused: true}\nnodes:\n  a: {<<: *x, role: r}\n"), Word{Resume: "a"}); !errors.Is(err, ErrByHand) {
		t.Errorf("a pause that comes from elsewhere: %v\n%s", err, out)
	}
}

// A switch that is written as an alias is left so by a change of something else.
func TestAPauseLeavesTheSwitchAsItIsWritten(t *testing.T) {
	const before = "x: &m main\nactive: *m\nnodes:\n  a: {role: r}\n"
	out, err := Edit([]byte(before), Word{Pause: "a"})
	if want := strings.Replace(before, "role: r", "role: r, paused: true", 1); err != nil || string(out) != want {
		t.Errorf("%v\n%s", err, out)
	}
}
