package record

import (
	"bytes"
	"testing"

	"mainstay/e2e/attack"
)

// FuzzPasses reads what may lie in the files of saved passes: lines that are none are
// left out, and what was read is written and read again as the same.
func FuzzPasses(f *testing.F) {
	for _, text := range []string{
		`{"entry":{"decision":{"status":"Active"}}}` + "\n" + `{"repeated":3}` + "\n", `{"entries":[{"decision":{"status":"Held"}}]}`,
		`{"decision":{"status":"Failed"}}`, "{\n}\nnull\n[1]\n" + `{"repeated":-1}`, `{"entry":null,"repeated":9}`, "\x00\xff\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		attack.Cheap(t, func() {
			entries, err := ReadEntries(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if most := bytes.Count(data, []byte("{")); len(entries) > most+bytes.Count(data, []byte("null")) {
				t.Errorf("%d entries of %d values", len(entries), most)
			}
		})
	})
}
