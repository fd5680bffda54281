package git

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"

	"mainstay/reconcile/git/content"
	"mainstay/reconcile/git/failure"
)

// store holds fetched objects for the length of one call.
type store struct {
	objects *memory.Storage
	budget  budget
	// tips are the commits fetched by name, cut those whose parents were left
	// out.
	tips []string
	cut  map[string]bool
	// dropped says that something was too large to be kept.
	dropped bool
}

// newStore returns a store for a document and what it names.
func newStore() *store { return storeOf(budget{total: documentBudget, object: maxFile}) }

// noteStore returns a store for so many claims and reports.
func noteStore(notes int) *store {
	return storeOf(budget{total: min(noteBudget+int64(notes)*noteCost, documentBudget), object: content.MaxReport + 1})
}

func storeOf(b budget) *store {
	return &store{objects: memory.NewStorage(), budget: b, cut: map[string]bool{}}
}

func (s *store) edge() []string { return slices.Sorted(maps.Keys(s.cut)) }

// whole reports whether nothing of the history was left out.
func (s *store) whole() bool { return len(s.cut) == 0 }

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

// varint reads a size of a delta. One that does not fit is as large as can be.
func varint(b []byte) (int64, []byte) {
	var n uint64
	for i, c := range b {
		if i > 7 {
			return maxWork + 1, nil
		}
		n |= uint64(c&0x7f) << (7 * i)
		if c&0x80 == 0 {
			return int64(n), b[i+1:]
		}
	}
	return 0, nil
}

func tooLarge(format string, args ...any) error {
	return &failure.Error{
		Kind: failure.ErrTooLarge, Step: "fetch", Err: fmt.Errorf(format, args...),
		Advice: "keep the deployment in a small repository of its own",
	}
}

// missing is the error of an object that was not sent, or was not kept.
func (s *store) missing(what string) error {
	if s.dropped {
		return tooLarge("%s is not there: the server sent objects that are larger than %d bytes", what, s.budget.object)
	}
	return damaged(what, errors.New("not there"))
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
		return nil, damaged("commit "+hash, failure.Scrub(err))
	}
	return c, nil
}

// raw returns the bytes of an object.
func (s *store) raw(t plumbing.ObjectType, hash plumbing.Hash) ([]byte, error) {
	o, err := s.objects.EncodedObject(t, hash)
	if err != nil {
		return nil, damaged(t.String()+" "+hash.String(), failure.Scrub(err))
	}
	r, err := o.Reader()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	return io.ReadAll(r)
}
