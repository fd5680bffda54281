package change

import (
	"testing"

	"mainstay/e2e/attack"
	"mainstay/spec"
)

// FuzzEdit rewrites documents of strangers: what comes out declares the side and
// says nothing else that is new, or there is an error; within a bound of time and
// memory.
func FuzzEdit(f *testing.F) {
	for _, text := range []string{
		"active: main\n", "active: main # why\nname: paris\n", "{active: main, fenced: standby}", "\"active\": &a main\nx: *a\n",
		"active: |\n  main\n", "? active\n: main\n", "a: &a [*a]\nactive: main\n", "\xef\xbb\xbfactive: main\r\n", "active: !!str main\n...\n---\nactive: x\n",
	} {
		f.Add([]byte(text), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, fenced bool) {
		if len(data) > 64<<10 {
			return
		}
		word := Word{Active: spec.Standby, Unfence: !fenced}
		if fenced {
			word.Fenced = spec.Main
		}
		var out []byte
		var err error
		attack.Cheap(t, func() { out, err = Edit(data, word) })
		if err != nil {
			return
		}
		got, err := values(out)
		if err != nil || got["active"] != "standby" {
			t.Fatalf("%q becomes %q: %v", data, out, err)
		}
		if again, err := Edit(out, word); err != nil || string(again) != string(out) {
			t.Errorf("a second time %q becomes %q: %v", out, again, err)
		}
	})
}

// FuzzPause does the same with a node's pause.
func FuzzPause(f *testing.F) {
	for _, text := range []string{
		"nodes:\n  a: { role: r, side: main }\n", "nodes:\n  a:\n    role: r # why\n    paused: false\n", "{nodes: {a: {role: r, paused: true, reason: x}}}", "nodes:\n  a: &a {role: r}\n  b: *a\n",
		"nodes:\n  ? a\n  : role: r\n", "nodes:\n  a:\n    role: |\n      r\n    reason: x\n    paused: true", "\xef\xbb\xbfnodes: { a: {\r\n \"role\": \"r\",\r\n \"paused\": true } }\r\n", "nodes:\n  a: {role: r, tags: [x]}\n", "nodes: {a: {<<: {paused: true}}}", "nodes:\n  ? a\n  : 0000: 000000",
	} {
		f.Add([]byte(text), true)
		f.Add([]byte(text), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, paused bool) {
		if len(data) > 64<<10 {
			return
		}
		word := Word{Resume: "a"}
		if paused {
			word = Word{Pause: "a"}
		}
		var out []byte
		var err error
		attack.Cheap(t, func() { out, err = Edit(data, word) })
		if err != nil {
			return
		}
		got, err := values(out)
		if n := nodeOf(got, "a"); err != nil || paused && n == nil || (n["paused"] == true) != paused {
			t.Fatalf("%q becomes %q: %v", data, out, err)
		}
		if again, err := Edit(out, word); err != nil || string(again) != string(out) {
			t.Errorf("a second time %q becomes %q: %v", out, again, err)
		}
	})
}
