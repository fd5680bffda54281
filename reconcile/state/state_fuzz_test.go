package state

import (
	"bytes"
	"encoding/json"
	"testing"

	"mainstay/e2e/attack"
)

// FuzzState reads what may lie in a state file: nothing is used but what Save
// wrote for that very name.
func FuzzState(f *testing.F) {
	good := func(name, value string) []byte {
		return []byte(magic + digest(name, []byte(value)) + "\n" + value)
	}
	f.Add("memory", good("memory", `{"a":1}`))
	f.Add("memory", good("other", `{"a":1}`))
	f.Add("memory", []byte(magic))
	f.Add("memory", []byte("mainstay-state 1 x\nnull"))
	f.Fuzz(func(t *testing.T, name string, whole []byte) {
		attack.Cheap(t, func() {
			data, err := checked(name, bytes.Clone(whole))
			if err == nil {
				var v any
				_ = json.Unmarshal(data, &v)
				if !bytes.Contains(whole, []byte(digest(name, data))) {
					t.Errorf("%q is believed for %q", whole, name)
				}
			}
		})
	})
}
