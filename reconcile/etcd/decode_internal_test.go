package etcd

import (
	"strings"
	"testing"

	"mainstay/reconcile/git"
	"mainstay/spec/cluster"
)

// Whatever stands in a note, it is read as it was written or not at all.
func FuzzNote(f *testing.F) {
	f.Add(encode(git.Sheet{Commit: "tree x\n\nsubject\n", File: `{"seq":1}`}))
	f.Add(format + "-1\nx")
	f.Add(format + "99999999999999999999\nx")
	f.Fuzz(func(t *testing.T, value string) {
		s, err := decode("refs/mainstay/d/claim/r", strings.Repeat("a", 40), value)
		if err != nil {
			return
		}
		again, err := decode(s.Ref, s.ID, encode(s))
		if err != nil || again != s {
			t.Errorf("%q is read as %+v, and that as %+v, %v", value, s, again, err)
		}
		n := git.NewNotes()
		n.Take(git.NewNotary("", ""), s)
		if len(n.Claims) > 0 {
			t.Errorf("%q is believed under a hash that is not its own", value)
		}
	})
}

// Whatever stands in a key, it is one of ours or none.
func FuzzKey(f *testing.F) {
	p := place{cluster.Place{Prefix: "voice"}}
	f.Add("voice/head/paris/claim/xivo")
	f.Add("voice/head/paris/news/commit")
	f.Add("voice/note/paris/claim/xivo/" + strings.Repeat("0", 16) + "-" + strings.Repeat("a", 40))
	f.Fuzz(func(t *testing.T, key string) {
		if ref := p.refOf(key); ref != "" && p.headKey(ref) != key {
			t.Errorf("%q is %q, whose key is %q", key, ref, p.headKey(ref))
		}
		prefix := p.changesKey("refs/mainstay/paris/claim/xivo")
		if seq, id, ok := numberOf(key, prefix); ok && strings.HasPrefix(key, prefix) && !strings.EqualFold(p.changeKey("refs/mainstay/paris/claim/xivo", seq, id), key) {
			t.Errorf("%q is change %d of %s", key, seq, id)
		}
	})
}
