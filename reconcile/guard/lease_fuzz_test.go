package guard

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"mainstay/e2e/attack"
)

// FuzzLease reads what may lie in the lease file: it is believed only with its own sum,
// and only in the boot in which it was written.
func FuzzLease(f *testing.F) {
	for _, kept := range []string{`{"boot":"b","agent":7}`, `{"boot":"other"}`, `null`, `{"boot":"b","until":-1}`} {
		whole, err := json.Marshal(sealed{json.RawMessage(kept), sum([]byte(kept))})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(whole)
	}
	f.Add([]byte(`{"kept":{"boot":"b"},"sum":""}`))
	f.Add([]byte{})
	file := Beside(filepath.Join(f.TempDir(), "socket"), "b")
	f.Fuzz(func(t *testing.T, whole []byte) {
		if err := os.WriteFile(file.path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		attack.Cheap(t, func() {
			kept, err := file.Read()
			if err != nil {
				return
			}
			var s sealed
			if json.Unmarshal(whole, &s) != nil || sum(s.Kept) != s.Sum {
				t.Errorf("%q is believed: %+v", whole, kept)
			}
			if kept.Boot != "b" && kept.Boot != "" {
				t.Errorf("%q is of another boot", whole)
			}
		})
	})
}
