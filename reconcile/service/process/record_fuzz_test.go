package process

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"mainstay/e2e/attack"
)

// FuzzRecord reads what may lie in the record of a process: it is one JSON value, or it
// counts as none and is set aside.
func FuzzRecord(f *testing.F) {
	for _, text := range []string{`{"marker":"m","boot":"b","pid":7,"start":9}`, `{"pid":-1,"start":18446744073709551615}`, `{"pid":1e9}`, `null`, `[]`, ``, "\x00"} {
		f.Add([]byte(text))
	}
	d := &Driver{folder: f.TempDir(), log: slog.New(slog.DiscardHandler)}
	path := filepath.Join(d.folder, recordFile)
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		attack.Cheap(t, func() {
			r, err := d.readRecord()
			if err != nil {
				t.Fatal(err)
			}
			_, err = os.Stat(path)
			if there := err == nil; there != (r != nil) || there && !json.Valid(data) {
				t.Errorf("%q is read as %+v, and the file is there: %v", data, r, there)
			}
		})
	})
}
