package git

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"hash"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"

	"mainstay/reconcile/git/failure"
)

// The budgets of one fetch, in bytes as they are in memory. A pack of zeros is a
// thousand times smaller than what it unpacks to, so that its own size says
// nothing.
const (
	// noteBudget is for claims and reports, noteCost more for each one asked for.
	noteBudget = 1 << 20
	noteCost   = 8 << 10
	// documentBudget is for a document and everything beside it.
	documentBudget = 16 << 20
	// objectCost is what an object takes besides its content.
	objectCost = 512
	// maxWork bounds what is unpacked only to be dropped.
	maxWork = 256 << 20
)

// budget is what a store may hold: in all, and of one object. Larger objects are
// dropped while they arrive.
type budget struct {
	total, object int64
	// commits drops everything else.
	commits bool
}

// packed is a git object in memory.
type packed struct {
	kind    plumbing.ObjectType
	content []byte
	id      plumbing.Hash
}

// Hash is part of plumbing.EncodedObject.
func (o *packed) Hash() plumbing.Hash { return o.id }

// Type is part of plumbing.EncodedObject.
func (o *packed) Type() plumbing.ObjectType { return o.kind }

// SetType is part of plumbing.EncodedObject. An object does not change.
func (o *packed) SetType(plumbing.ObjectType) {}

// Size is part of plumbing.EncodedObject.
func (o *packed) Size() int64 { return int64(len(o.content)) }

// SetSize is part of plumbing.EncodedObject. An object does not change.
func (o *packed) SetSize(int64) {}

// Reader is part of plumbing.EncodedObject.
func (o *packed) Reader() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(o.content)), nil
}

// Writer is part of plumbing.EncodedObject. An object does not change.
func (o *packed) Writer() (io.WriteCloser, error) { return nil, errors.ErrUnsupported }

// unpacking is one pass over a pack as it arrives: nothing of it is kept but the
// objects that are.
type unpacking struct {
	*store
	scanner *packfile.Scanner
	spent   int64
	work    int64
	// at are the objects by their offset, nil for one that was dropped. Among
	// commits, what is not there was dropped.
	at      map[int64]*packed
	waiting []waiting // for an object that comes later
}

// waiting is a delta whose base has not come yet.
type waiting struct {
	base   plumbing.Hash
	delta  []byte
	offset int64
}

// unpack reads a pack and keeps what fits the budget.
func (s *store) unpack(in io.Reader) error {
	sum := &trailing{sum: sha1.New()}
	in = io.TeeReader(in, sum)
	u := &unpacking{store: s, scanner: packfile.NewScanner(in), at: map[int64]*packed{}}
	err := guard(func() error {
		if err := u.all(); err != nil {
			return err
		}
		_, err := io.Copy(io.Discard, in)
		return err
	})
	if err == nil && !sum.matches() {
		err = errors.New("its checksum does not match")
	}
	if err == nil || errors.Is(err, packfile.ErrEmptyPackfile) {
		return nil
	}
	var e *failure.Error
	if errors.As(err, &e) || errors.Is(err, failure.ErrTooLarge) {
		return err
	}
	return damaged("pack", failure.Scrub(err))
}

func (u *unpacking) all() error {
	_, count, err := u.scanner.Header()
	if err != nil {
		return err
	}
	if !u.budget.commits && int64(count) > u.budget.total/objectCost {
		return tooLarge("it has %d objects", count)
	}
	for range count {
		head, err := u.scanner.NextObjectHeader()
		if err != nil {
			return err
		}
		if err := u.next(head); err != nil {
			return err
		}
	}
	return u.settle()
}

// next takes in one object.
func (u *unpacking) next(head *packfile.ObjectHeader) error {
	if head.Length > u.budget.object || !head.Type.IsDelta() && u.budget.commits && head.Type != plumbing.CommitObject {
		u.drop(head.Offset)
		return u.skip(head.Length)
	}
	var content bytes.Buffer
	if _, _, err := u.scanner.NextObject(&content); err != nil {
		return err
	}
	if !head.Type.IsDelta() {
		return u.keepObject(head.Offset, head.Type, content.Bytes())
	}
	base, known := u.base(head)
	switch {
	case known && base == nil:
		u.drop(head.Offset) // of one that was dropped
		return u.worked(head.Length)
	case known:
		return u.patch(head.Offset, base, content.Bytes())
	case head.Type == plumbing.OFSDeltaObject:
		return errors.New("a delta of an object that is not in it")
	}
	if u.budget.commits { // of a tree or a file, most likely
		u.drop(head.Offset)
		return u.worked(head.Length)
	}
	u.waiting = append(u.waiting, waiting{head.Reference, content.Bytes(), head.Offset})
	return u.spend(head.Length)
}

// base finds what a delta is to be applied to; nil when that was dropped.
func (u *unpacking) base(head *packfile.ObjectHeader) (*packed, bool) {
	if head.Type == plumbing.OFSDeltaObject {
		o, known := u.at[head.OffsetReference]
		return o, known || u.budget.commits
	}
	return u.byHash(head.Reference)
}

func (u *unpacking) byHash(id plumbing.Hash) (*packed, bool) {
	o, known := u.objects.Objects[id].(*packed)
	return o, known
}

// settle applies the deltas that came before their bases. One whose base was
// dropped, or never came, is dropped.
func (u *unpacking) settle() error {
	of := map[plumbing.Hash][]waiting{}
	for _, w := range u.waiting {
		of[w.base] = append(of[w.base], w)
	}
	left := len(u.waiting)
	var bases []*packed
	for id := range of {
		if base, known := u.byHash(id); known {
			bases = append(bases, base)
		}
	}
	for len(bases) > 0 {
		base := bases[len(bases)-1]
		bases = bases[:len(bases)-1]
		for _, w := range of[base.id] {
			if err := u.patch(w.offset, base, w.delta); err != nil {
				return err
			}
			left--
			if made := u.at[w.offset]; made != nil && of[made.id] != nil {
				bases = append(bases, made)
			}
		}
		delete(of, base.id)
	}
	if left > 0 && !u.dropped {
		return errors.New("a delta of an object that is not in it")
	}
	return nil
}

// drop notes that an object is not kept. Among commits that is most of a large
// repository, and needs no memory.
func (u *unpacking) drop(offset int64) {
	u.dropped = true
	if !u.budget.commits {
		u.at[offset] = nil
	}
}

func (u *unpacking) patch(offset int64, base *packed, delta []byte) error {
	_, rest := varint(delta)
	size, _ := varint(rest)
	if size > u.budget.object {
		u.drop(offset)
		return u.worked(size)
	}
	content, err := packfile.PatchDelta(base.content, delta)
	if err != nil {
		return err
	}
	return u.keepObject(offset, base.kind, content)
}

// keepObject stores an object.
func (u *unpacking) keepObject(offset int64, kind plumbing.ObjectType, content []byte) error {
	if err := u.spend(int64(len(content))); err != nil {
		return err
	}
	o := &packed{kind: kind, content: bytes.Clone(content), id: plumbing.ComputeHash(kind, content)}
	u.at[offset] = o
	_, err := u.objects.SetEncodedObject(o)
	return err
}

// skip reads over an object.
func (u *unpacking) skip(length int64) error {
	if err := u.worked(length); err != nil {
		return err
	}
	_, _, err := u.scanner.NextObject(io.Discard)
	return err
}

func (u *unpacking) spend(n int64) error {
	if u.spent += n + objectCost; u.spent > u.budget.total {
		return tooLarge("what was sent takes more than %d KiB of memory", u.budget.total>>10)
	}
	return nil
}

func (u *unpacking) worked(n int64) error {
	if u.work += n; n < 0 || u.work > maxWork {
		return tooLarge("the files take more than %d MiB", maxWork>>20)
	}
	return nil
}

// trailing adds up everything but the last bytes, which are the sum that the
// sender made.
type trailing struct {
	sum  hash.Hash
	last []byte
}

// Write is part of io.Writer.
func (t *trailing) Write(p []byte) (int, error) {
	all := append(t.last, p...)
	cut := max(0, len(all)-sha1.Size)
	_, _ = t.sum.Write(all[:cut])
	t.last = append(t.last[:0:0], all[cut:]...)
	return len(p), nil
}

func (t *trailing) matches() bool { return bytes.Equal(t.sum.Sum(nil), t.last) }
