package schema

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mainstay/e2e/attack"
)

// reading reads a file and returns the values below "x" as JSON, or its problems.
func reading(t *testing.T, text string) string {
	t.Helper()
	root, problem := parse("d", []byte(text))
	if problem != nil {
		return problem.String()
	}
	c := converter{doc: &Document{File: "d", root: root}}
	value, _ := c.value(root, nil, 0)
	if len(c.problems) == 0 {
		value = c.content([]byte(text))
	}
	if len(c.problems) > 0 {
		return c.problems[0].String()
	}
	b, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWhatTheStrictReaderDoesNotSeeIsSeen(t *testing.T) {
	for text, want := range map[string]string{
		"active: on\n":               `{"active":"on"}`,
		"a: [off, yes, No, y, true]": `{"a":["off","yes","No","y",true]}`,
		"a: &x off\nb: *x\n":         `{"a":"off","b":"off"}`,
		"port: 010\n":                `{"port":8}`,
		"a: 2026-01-02\n":            `{"a":"2026-01-02"}`,
		"a: 12345678901234567\n":     `{"a":12345678901234567}`,
		"a: 1e2\n":                   `{"a":100}`,
		"a: ~\n":                     `{"a":null}`,
		"a: 1\n---\nb: 2\n":          "d:2:1: a second YAML document begins here",
		"a: 1\na: 2\n":               "d:2:1: a: is given twice, first in line 1",
		"":                           "d:1:1: the file is empty",
		"on: 1\nn: 2\n":              `{"n":2,"on":1}`,
	} {
		if diff := cmp.Diff(want, reading(t, text)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestKeysAreWantedInTheirExactCase(t *testing.T) {
	problems := validate(Deployment, "d", []byte(strings.Replace(small, "active", "ACTIVE", 1)))
	if len(problems) != 1 || problems[0].Rule != RuleUnknownKey {
		t.Error(problems)
	}
}

// FuzzReading holds the strict reader to the nodes: whatever is accepted is the
// same to both.
func FuzzReading(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("a: [on, 0o7, 010, 1_0, .5, 0x1f, ~, 2026-01-02, !!str 5, &x y, *x, 'z', \"\\u00e9\"]\nb: |\n  x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		attack.Cheap(t, func() {
			d, problems := Read(Deployment, "f", data)
			for _, p := range problems {
				if p.Rule == RuleInternal {
					t.Fatalf("%#v", p)
				}
			}
			if d != nil && d.Value == nil {
				t.Fatal("a document without a value")
			}
		})
	})
}
