package git

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"
)

const (
	// maxInflated bounds the objects of one fetch, in bytes: a pack of zeros is a
	// thousand times smaller than what it unpacks to.
	maxInflated = 256 << 20
	// maxObjects bounds their number.
	maxObjects = 1 << 20
)

// store holds fetched objects for the length of one call.
type store struct {
	objects *memory.Storage
	// tips are the commits fetched by name, cut those whose parents were left
	// out.
	tips []string
	cut  map[string]bool
}

func newStore() *store {
	return &store{objects: memory.NewStorage(), cut: map[string]bool{}}
}

func (s *store) edge() []string { return slices.Sorted(maps.Keys(s.cut)) }

// whole reports whether nothing of the history was left out.
func (s *store) whole() bool { return len(s.cut) == 0 }

// add unpacks a pack, after a look at how much that will be.
func (s *store) add(pack []byte) error {
	err := guard(func() error {
		if err := weigh(pack); err != nil {
			return err
		}
		return packfile.UpdateObjectStorage(s.objects, bytes.NewReader(pack))
	})
	if err == nil || errors.Is(err, packfile.ErrEmptyPackfile) {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return damaged("pack", scrub(err))
}

// guard turns a panic of a parser into an error: what it parses was written by
// others, and an agent that keeps services alive must outlive it.
func guard(parse func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = damaged("git object", fmt.Errorf("the parser gave up: %v", p))
		}
	}()
	return parse()
}

// weigh adds up what the objects of a pack will take, without keeping any.
func weigh(pack []byte) error {
	sc := packfile.NewScanner(bytes.NewReader(pack))
	_, count, err := sc.Header()
	if err != nil {
		return err
	}
	body := max(0, len(pack)-sha1.Size)
	if sum := sha1.Sum(pack[:body]); !bytes.Equal(sum[:], pack[body:]) {
		return errors.New("its checksum does not match")
	}
	if count > maxObjects {
		return tooLarge("the history has more than %d objects", maxObjects)
	}
	var total int64
	for range count {
		n, err := weighNext(sc)
		if err != nil {
			return err
		}
		if total += n; n < 0 || total > maxInflated {
			return tooLarge("the files take more than %d MiB", maxInflated>>20)
		}
	}
	return nil
}

func weighNext(sc *packfile.Scanner) (int64, error) {
	head, err := sc.NextObjectHeader()
	if err != nil {
		return 0, err
	}
	if !head.Type.IsDelta() || head.Length > maxInflated {
		return head.Length, nil
	}
	var delta prefix
	if _, _, err := sc.NextObject(&delta); err != nil {
		return 0, err
	}
	_, rest := varint(delta.bytes)
	target, _ := varint(rest)
	return head.Length + target, nil
}

// prefix keeps the first bytes written to it: a delta says there how large its
// result is.
type prefix struct{ bytes []byte }

func (p *prefix) Write(b []byte) (int, error) {
	if room := 32 - len(p.bytes); room > 0 {
		p.bytes = append(p.bytes, b[:min(room, len(b))]...)
	}
	return len(b), nil
}

// varint reads a size of a delta. One that does not fit is as large as can be.
func varint(b []byte) (int64, []byte) {
	var n uint64
	for i, c := range b {
		if i > 7 {
			return maxInflated + 1, nil
		}
		n |= uint64(c&0x7f) << (7 * i)
		if c&0x80 == 0 {
			return int64(n), b[i+1:]
		}
	}
	return 0, nil
}

func tooLarge(format string, args ...any) error {
	return &Error{
		Kind: ErrTooLarge, Step: "fetch", Err: fmt.Errorf(format, args...),
		Advice: "keep the deployment in a small repository of its own",
	}
}

// commit returns a commit of the store, or nil when it was left out.
func (s *store) commit(hash string) (*object.Commit, error) {
	var c *object.Commit
	err := guard(func() (err error) {
		c, err = object.GetCommit(s.objects, plumbing.NewHash(hash))
		return err
	})
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, damaged("commit "+hash, scrub(err))
	}
	return c, nil
}

// raw returns the bytes of an object.
func (s *store) raw(t plumbing.ObjectType, hash plumbing.Hash) ([]byte, error) {
	o, err := s.objects.EncodedObject(t, hash)
	if err != nil {
		return nil, damaged(t.String()+" "+hash.String(), scrub(err))
	}
	r, err := o.Reader()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	return io.ReadAll(r)
}

// readAll is for servers that send a pack with nothing around it.
func readAll(in *bufio.Reader) ([]byte, error) { return io.ReadAll(in) }
