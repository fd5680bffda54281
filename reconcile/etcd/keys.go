package etcd

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"mainstay/reconcile/git"
	"mainstay/spec/cluster"
)

// place is a cluster with the keys that are kept there.
type place struct{ cluster.Place }

// ownRefs is what the refs of claims and reports begin with, in the loop's words.
const ownRefs = "refs/mainstay/"

// headKey is the key that names the newest note of a ref by its hash.
func (p place) headKey(ref string) string { return p.heads("") + strings.TrimPrefix(ref, ownRefs) }

// heads is what the head keys of a deployment begin with, or of all.
func (p place) heads(deployment string) string {
	if deployment == "" {
		return p.Prefix + "/head/"
	}
	return p.Prefix + "/head/" + strings.TrimPrefix(git.RefsOf(deployment), ownRefs)
}

// reportKey keeps the one report of a ref, and changesKey begins the keys of all
// changes of a claim.
func (p place) reportKey(ref string) string {
	return p.Prefix + "/note/" + strings.TrimPrefix(ref, ownRefs)
}

func (p place) changesKey(ref string) string { return p.reportKey(ref) + "/" }

// changeKey keeps one change of a claim. Keys of numbers of one length are in the
// order of the numbers.
func (p place) changeKey(ref string, seq uint64, id string) string {
	return p.changesKey(ref) + fmt.Sprintf("%016x", seq) + "-" + id
}

// numberOf reads the number and the hash that a key of a change ends with.
func numberOf(key, prefix string) (seq uint64, id string, ok bool) {
	number, id, _ := strings.Cut(strings.TrimPrefix(key, prefix), "-")
	seq, err := strconv.ParseUint(number, 16, 64)
	return seq, id, err == nil && len(number) == 16 && hash(id)
}

// refOf is the ref of a head key, or nothing for a key that no node would have
// written.
func (p place) refOf(key string) string {
	rest, is := strings.CutPrefix(key, p.heads(""))
	parts := strings.Split(rest, "/")
	if !is || len(parts) != 3 || parts[1] != "claim" && parts[1] != "report" {
		return ""
	}
	for _, part := range parts {
		if part == "" || !cluster.Plain(part) {
			return ""
		}
	}
	return ownRefs + rest
}

func isClaim(ref string) bool {
	_, name, _ := strings.Cut(strings.TrimPrefix(ref, ownRefs), "/")
	return strings.HasPrefix(name, "claim/")
}

// hash reports whether a text is the full hash of a note.
func hash(text string) bool {
	return len(text) == 40 && strings.Trim(text, "0123456789abcdef") == ""
}

// listed is what a listing says of a head: the hash it names, or for something that is
// none a name for that, so that it is never taken for a head that is not there.
func listed(value string) string {
	if hash(value) {
		return value
	}
	sum := sha1.Sum([]byte("no hash: " + value))
	return hex.EncodeToString(sum[:])
}

// end is the first key after all that begin with a prefix.
func end(prefix string) string {
	b := []byte(prefix)
	b[len(b)-1]++ // a prefix ends in a slash or a letter
	return string(b)
}
