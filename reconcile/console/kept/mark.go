package kept

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// mostMarked is how many things a mark tells apart; more are one thing together.
const mostMarked = 100

// MarkOf names things that are wrong, in any order, in a form that fits into a page and
// a file. It is empty for none.
func MarkOf(wrong []string) string {
	if len(wrong) > mostMarked {
		wrong = slices.Sorted(slices.Values(wrong))
		wrong = []string{strings.Join(wrong, "\n")}
	}
	names := make([]string, len(wrong))
	for i, w := range wrong {
		sum := sha256.Sum256([]byte(w))
		names[i] = hex.EncodeToString(sum[:6])
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ".")
}

// Covers says whether something is wrong now, and nothing that was not wrong before.
func Covers(before, now string) bool {
	if now == "" {
		return false
	}
	known := strings.Split(before, ".")
	for name := range strings.SplitSeq(now, ".") {
		if !slices.Contains(known, name) {
			return false
		}
	}
	return true
}
