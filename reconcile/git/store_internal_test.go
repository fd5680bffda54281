package git

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"mainstay/e2e/attack"
	"mainstay/reconcile/git/failure"
)

// entry is one object of a hand-made pack.
type entry struct {
	kind    byte
	size    uint64 // as declared
	base    []byte // for deltas: what names the base
	content []byte
}

func handMade(t testing.TB, count uint32, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("PACK\x00\x00\x00\x02")
	b.Write(binary.BigEndian.AppendUint32(nil, count))
	z := zlib.NewWriter(nil)
	for _, e := range entries {
		first, rest := e.kind<<4|byte(e.size&0xf), e.size>>4
		for ; rest > 0; rest >>= 7 {
			b.WriteByte(first | 0x80)
			first = byte(rest & 0x7f)
		}
		b.WriteByte(first)
		b.Write(e.base)
		z.Reset(&b)
		if _, err := z.Write(e.content); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	sum := sha1.Sum(b.Bytes())
	b.Write(sum[:])
	return b.Bytes()
}

const (
	blobKind     = 3
	ofsDeltaKind = 6
	refDeltaKind = 7
)

// A pack that would take more memory than allowed is refused before it does.
func TestAPackBombIsRefusedUnopened(t *testing.T) {
	attack.Row(t, "hostile server", "a pack that says it is huge", "refused unopened")
	base := entry{kind: blobKind, size: 4, content: []byte("base")}
	// A delta of a few bytes that says its result is a terabyte.
	huge := entry{kind: ofsDeltaKind, size: 8, base: []byte{17}, content: []byte{4, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 0x91}}
	for name, pack := range map[string][]byte{
		"an object of a terabyte": handMade(t, 1, entry{kind: blobKind, size: 1 << 40, content: []byte("x")}),
		"a delta to a terabyte":   handMade(t, 2, base, huge),
		"a billion objects":       handMade(t, 1<<30, base),
	} {
		if err := newStore().add(pack); !errors.Is(err, failure.ErrTooLarge) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	zeros := bytes.Repeat([]byte{0}, 1<<20)
	lying := handMade(t, 1, entry{kind: blobKind, size: 10, content: zeros})
	if err := newStore().add(lying); !errors.Is(err, failure.ErrDamaged) {
		t.Errorf("an object larger than it says: got %v", err)
	}
}

func TestADamagedPackIsAnError(t *testing.T) {
	attack.Row(t, "hostile server", "a damaged pack", "an error, no crash")
	o, err := note{file: "claim.json", content: []byte(strings.Repeat("{}", 100)), author: "n"}.objects()
	if err != nil {
		t.Fatal(err)
	}
	pack, err := packOf(o.list())
	if err != nil {
		t.Fatal(err)
	}
	if err := newStore().add(pack); err != nil {
		t.Fatalf("whole: %v", err)
	}
	for n := range len(pack) {
		if err := newStore().add(pack[:n]); err == nil && n > 0 {
			t.Errorf("cut to %d of %d bytes: taken", n, len(pack))
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		bad := bytes.Clone(pack)
		bad[random.IntN(len(bad)-20)] ^= byte(1 + random.IntN(255))
		st := newStore()
		if err := st.add(bad); err != nil {
			continue
		}
		// Whatever was taken is named by its content, so a flipped bit cannot
		// pass for what was asked for.
		if c, err := st.commit(o.ID); err == nil && c != nil {
			if _, blob, err := st.onlyFile(c.TreeHash, "claim.json", 1000); err == nil && string(blob) != strings.Repeat("{}", 100) {
				t.Fatal("altered content under the same name")
			}
		}
	}
}

func FuzzPack(f *testing.F) {
	o, err := note{file: "claim.json", content: []byte("{}"), author: "n"}.objects()
	if err != nil {
		f.Fatal(err)
	}
	pack, err := packOf(o.list())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(pack[:len(pack)-sha1.Size])
	delta := handMade(f, 2, entry{kind: blobKind, size: 4, content: []byte("base")},
		entry{kind: ofsDeltaKind, size: 4, base: []byte{17}, content: []byte{4, 4, 0x90, 4}})
	f.Add(delta[:len(delta)-sha1.Size])
	f.Fuzz(func(t *testing.T, body []byte) {
		attack.Cheap(t, func() {
			sum := sha1.Sum(body)
			pack := append(body, sum[:]...)
			st := newStore()
			if err := st.add(pack); err != nil {
				return
			}
			for hash := range st.objects.Commits {
				c, err := st.commit(hash.String())
				if err == nil && c != nil {
					_, _ = st.link(c)
					_, _ = st.report("refs/x", hash.String())
				}
			}
			for hash := range st.objects.Trees {
				_, _, _ = st.onlyFile(hash, "x", 10)
			}
			if _, err := newRevision(st, plumbing.ZeroHash.String()); err == nil {
				t.Error("a revision of nothing")
			}
		})
	})
}

// add unpacks a whole pack.
func (s *store) add(pack []byte) error { return s.unpack(bytes.NewReader(pack)) }
