package etcd_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"mainstay/e2e/etcdserver"
	"mainstay/e2e/gitserver"
	"mainstay/reconcile/coordinationtest"
	"mainstay/reconcile/etcd"
	"mainstay/reconcile/git"
	"mainstay/reconcile/plan"
)

// TestAFakeClusterIsAPlaceOfClaims runs where no etcd is installed. What is broken on
// purpose is held against it, so it must pass what the real one passes.
func TestAFakeClusterIsAPlaceOfClaims(t *testing.T) {
	coordinationtest.Run(t, onFake)
	coordinationtest.RunFaults(t, onFake)
}

func onFake(t *testing.T) coordinationtest.Server {
	f := etcdserver.NewFake(1)
	faults := &gitserver.Failing{Changes: changes}
	return placeOf("etcd://"+f.Serve(t, faults.Option())+"/voice", f, faults)
}

// keeper is what a test does to a cluster from outside.
type keeper interface {
	Get(key string) string
	Put(key, value string)
	Delete(key string)
	Keys(prefix string) []string
}

// changes tells whether a request changes something: a transaction with a put.
func changes(r *http.Request) bool {
	b, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(b))
	return strings.HasSuffix(r.URL.Path, "/txn") && bytes.Contains(b, []byte("request_put"))
}

// The keys of a place whose prefix is voice, as they are documented.
func headKey(ref string) string { return "voice/head/" + strings.TrimPrefix(ref, "refs/mainstay/") }
func noteKey(ref string) string { return "voice/note/" + strings.TrimPrefix(ref, "refs/mainstay/") }
func changeKey(ref string, seq uint64, id string) string {
	return fmt.Sprintf("%s/%016x-%s", noteKey(ref), seq, id)
}

func placeOf(url string, k keeper, faults coordinationtest.Faults) coordinationtest.Server {
	return coordinationtest.Server{
		Open: func(t *testing.T, o coordinationtest.Options) git.Place {
			c, err := etcd.Open(etcd.Options{URL: url, SignKey: o.SignKey, NodeKeys: o.NodeKeys, Timeout: o.Timeout})
			if err != nil {
				t.Fatal(err)
			}
			return c
		},
		Put: func(_ *testing.T, ref, hash string) {
			if hash == "" {
				k.Delete(headKey(ref))
				for _, key := range k.Keys(noteKey(ref)) {
					k.Delete(key)
				}
				return
			}
			k.Put(headKey(ref), hash)
		},
		Copy: func(_ *testing.T, from, to string, tip plan.Tip) {
			k.Put(changeKey(to, tip.Seq, tip.ID), k.Get(changeKey(from, tip.Seq, tip.ID)))
			k.Put(headKey(to), tip.ID)
		},
		Write: func(_ *testing.T, ref, content string) string {
			file, key := "report.json", func(string) string { return noteKey(ref) }
			if strings.Contains(ref, "/claim/") {
				file, key = "claim.json", func(id string) string { return changeKey(ref, 1, id) }
			}
			id, note := foreign(file, content)
			k.Put(key(id), note)
			k.Put(headKey(ref), id)
			return id
		},
		Faults: faults,
	}
}

// foreign is a note that nobody of ours wrote, with the ID that git gives it.
func foreign(file, content string) (id, note string) {
	blob := sum("blob", content)
	tree := sum("tree", "100644 "+file+"\x00"+string(blob))
	commit := "tree " + hex.EncodeToString(tree) + "\nauthor x <x@example.org> 1700000000 +0000\n" +
		"committer x <x@example.org> 1700000000 +0000\n\nforeign\n"
	return hex.EncodeToString(sum("commit", commit)), fmt.Sprintf("mainstay note 1 %d\n%s%s", len(commit), commit, content)
}

func sum(kind, content string) []byte {
	s := sha1.Sum(fmt.Appendf(nil, "%s %d\x00%s", kind, len(content), content))
	return s[:]
}
