package spec

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// The quick search for the line with the name finds what the pattern over the whole text
// finds, in texts made of what could lead it astray.
func TestTheNameIsFoundWhereThePatternFindsIt(t *testing.T) {
	slow := regexp.MustCompile(`(?m)` + nameLine.String())
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	parts := []string{"name", "name: paris", "\n", "\r\n", `"`, `'`, " ", "\t", ":", "#", "nam", "e", "x", "paris", "-", "name:name", "\n\n"}
	found := 0
	for range 20000 {
		var text strings.Builder
		for range r.IntN(14) {
			text.WriteString(parts[r.IntN(len(parts))])
		}
		data := []byte(text.String())
		want := slow.FindAllSubmatchIndex(data, -1)
		got := nameAt(data)
		if len(got) != len(want) {
			t.Fatalf("%q: %d lines, the pattern finds %d", data, len(got), len(want))
		}
		for i, at := range got {
			found++
			if at != [2]int{want[i][2], want[i][3]} {
				t.Fatalf("%q: %v, the pattern finds %v", data, at, want[i])
			}
		}
	}
	if found < 100 {
		t.Fatalf("only %d names in all texts", found)
	}
}
