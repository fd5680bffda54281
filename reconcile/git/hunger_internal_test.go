package git

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"mainstay/reconcile/git/content"
	"mainstay/reconcile/git/packet"
	"mainstay/reconcile/git/transport"
)

// stream is what a server says piece by piece: it is never in memory as a whole.
type stream struct {
	piece func(i int) []byte
	n, i  int
	rest  []byte
}

func (s *stream) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.i == s.n {
			return 0, io.EOF
		}
		s.rest = s.piece(s.i)
		s.i++
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// many is a pack of so many blobs of one byte.
func many(count int) io.Reader {
	var z bytes.Buffer
	z.WriteByte(blobKind<<4 | 1)
	w := zlib.NewWriter(&z)
	_, _ = w.Write([]byte("x"))
	_ = w.Close()
	head := append([]byte("PACK\x00\x00\x00\x02"), binary.BigEndian.AppendUint32(nil, uint32(count))...)
	return io.MultiReader(bytes.NewReader(head), &stream{n: count, piece: func(int) []byte { return z.Bytes() }})
}

// repeated is a JSON object whose lists are all made of so many empty values.
func repeated(head, list string, n int) []byte {
	return []byte(head + `,"` + list + `":[` + strings.TrimSuffix(strings.Repeat("{},", n), ",") + `]}`)
}

const (
	smallReport = `{"deployment":"d","node":"n","instance":"i","status":"Active"`
	smallClaim  = `{"seq":%d,"holder":"main","node":"n","instance":"i","action":"renew"`
)

// grownChain is a chain of claims, each as large as it may be, and how it is read.
func grownChain() error {
	st := noteStore(maxChain)
	var parents []string
	for seq := range 200 {
		o, err := note{file: claimFile, author: "n", content: repeated(fmt.Sprintf(smallClaim, seq+1), "phases", 21_000), parents: parents}.objects()
		if err != nil {
			return err
		}
		for _, object := range o.list() {
			if _, err := st.objects.SetEncodedObject(object); err != nil {
				return err
			}
		}
		parents = []string{o.ID}
	}
	_, err := st.links(parents[0], "")
	return err
}

// folded is a commit whose folders hold the same folder again and again: a few
// hundred bytes with ten to the power of depth files.
func folded(depth int) (*store, string, error) {
	st := newStore()
	keep := func(o plumbing.EncodedObject) plumbing.Hash {
		h, _ := st.objects.SetEncodedObject(o)
		return h
	}
	at, mode := keep(encoded(plumbing.BlobObject, []byte("x"))), "100644"
	for range depth {
		var tree bytes.Buffer
		for i := range 10 {
			fmt.Fprintf(&tree, "%s %d.yaml\x00%s", mode, i, at[:])
		}
		at, mode = keep(encoded(plumbing.TreeObject, tree.Bytes())), "40000"
	}
	commit := keep(encoded(plumbing.CommitObject, []byte("tree "+at.String()+"\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\n\nx\n")))
	return st, commit.String(), nil
}

// backwards is a pack of deltas, each before what it is a delta of.
func backwards(count int) []byte {
	text := func(i int) []byte { return fmt.Appendf(nil, "%08d", i) }
	entries := make([]entry, count)
	for i := range count - 1 {
		base := plumbing.ComputeHash(plumbing.BlobObject, text(i+1))
		delta := append([]byte{8, 8, 8}, text(i)...)
		entries[i] = entry{kind: refDeltaKind, size: uint64(len(delta)), base: base[:], content: delta}
	}
	entries[count-1] = entry{kind: blobKind, size: 8, content: text(count - 1)}
	return handMade(&testing.T{}, uint32(count), entries...)
}

// served is what a server may say besides a pack.
func served() map[string]func() error {
	refs := func(length, n int) func() error {
		return func() error {
			_, err := readLsRefs(transport.NewMeter(&stream{n: n, piece: func(i int) []byte {
				return packet.Format("%040x refs/mainstay/%0*d\n", i, length, i)
			}}))
			return err
		}
	}
	return map[string]func() error{
		"refs with long names": refs(60_000, 2000),
		"many refs":            refs(20, 2_000_000),
		"where history ends": func() error {
			return readShallow(bufio.NewReader(transport.NewMeter(&stream{n: 2_000_000, piece: func(i int) []byte {
				return packet.Format("shallow %040x\n", i)
			}})), newStore())
		},
		"a long word where history ends": func() error {
			return readShallow(bufio.NewReader(transport.NewMeter(&stream{n: 2000, piece: func(i int) []byte {
				return packet.Format("shallow %060000d\n", i)
			}})), newStore())
		},
		"small objects beside commits": func() error {
			st := newStore()
			st.budget.commits = true
			return st.unpack(many(1_200_000))
		},
		"an answer to a push": func() error {
			_, err := packet.Sideband(transport.NewMeter(&stream{n: 2000, piece: func(int) []byte { return packet.Format("\x01%060000d", 1) }}))
			return err
		},
		"a report of empty services": func() error {
			for range 6 {
				if _, err := content.DecodeReport(repeated(smallReport, "services", 85_000)); err != nil {
					return err
				}
			}
			return nil
		},
		"claims of empty phases": grownChain,
		"folders in folders": func() error {
			st, commit, err := folded(9)
			if err != nil {
				return err
			}
			v, err := newRevision(st, commit)
			if err == nil {
				_, err = v.Files()
			}
			return err
		},
		"deltas before their bases": func() error { return newStore().add(backwards(14_000)) },
		"headers": func() error {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := w.(http.Hijacker).Hijack()
				if err != nil {
					return
				}
				defer func() { _ = conn.Close() }()
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
				_, _ = io.Copy(conn, &stream{n: 1 << 20, piece: func(i int) []byte { return fmt.Appendf(nil, "%x:1\r\n", i) }})
			}))
			defer s.Close()
			r, err := Open(Options{URL: s.URL})
			if err == nil {
				_, err = r.List(context.Background())
			}
			return err
		},
	}
}
