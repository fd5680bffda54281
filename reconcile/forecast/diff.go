package forecast

import (
	"bytes"

	"github.com/rogpeppe/go-internal/diff"

	"mainstay/reconcile/plain"
)

// Diff is a unified diff of two texts, empty when they are the same.
func Diff(name, before, after string) string {
	if before == after {
		return ""
	}
	name = plain.Line(name)
	out := diff.Diff(name, []byte(before), name, []byte(after))
	// Its first line names the files once more.
	_, rest, _ := bytes.Cut(out, []byte("\n"))
	return string(rest)
}
