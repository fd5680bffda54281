package git

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"mainstay/reconcile/git/content"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/git/signature"
	"mainstay/reconcile/plan"
)

// Notary makes claims and reports into notes and reads them again: commits of one
// file, signed by this node, and checked against the nodes' own keys. It asks nobody,
// so that a place of claims that is no git server holds the very notes that git would:
// the same IDs, the same chains, the same signatures, and the same word on what is
// damaged.
type Notary struct{ signKey, nodeKeys string }

// NewNotary signs with a key and believes the nodes whose keys a file names, as
// Options.SignKey and Options.NodeKeys say.
func NewNotary(signKey, nodeKeys string) Notary { return Notary{signKey, nodeKeys} }

// Sheet is a note as a store that is no git server holds it: the commit and its one
// file, as git stores them. Its ID is the commit's hash.
type Sheet struct{ ID, Ref, Commit, File string }

// claims reports whether a ref is that of a claim.
func claims(ref string) bool {
	_, name, _ := bytes.Cut([]byte(ref[min(len(ref), len(ownPrefix)):]), []byte("/"))
	return bytes.HasPrefix(name, []byte("claim/"))
}

func (o noteObjects) sheet(ref string) (Sheet, error) {
	s := Sheet{ID: o.ID, Ref: ref}
	for _, part := range []struct {
		into *string
		from plumbing.EncodedObject
	}{{&s.Commit, o.commit}, {&s.File, o.blob}} {
		r, err := part.from.Reader()
		if err != nil {
			return s, fmt.Errorf("encode %s: %w", ref, err)
		}
		var b bytes.Buffer
		if _, err := b.ReadFrom(r); err != nil {
			return s, fmt.Errorf("encode %s: %w", ref, err)
		}
		*part.into = b.String()
	}
	return s, nil
}

// Change is the note of a change of the claim at ref. A reroot also has the claim last
// believed as a parent, when with is true.
func (r Notary) Change(ref string, p plan.Push, with bool) (Sheet, error) {
	parents := []string{p.Parent}
	if with && p.Claim.Action == plan.Reroot && p.Known != p.Parent {
		parents = append(parents, p.Known)
	}
	o, err := r.claimNote(ref, p, parents...)
	if err != nil {
		return Sheet{}, err
	}
	return o.sheet(ref)
}

// Report is the note of a report for a ref.
func (r Notary) Report(ref string, rep plan.Report) (Sheet, error) {
	o, err := r.reportNote(ref, rep)
	if err != nil {
		return Sheet{}, err
	}
	return o.sheet(ref)
}

// Sheet is a link as a store that is no git server holds it.
func (l Link) Sheet(ref string) Sheet {
	return Sheet{ID: l.Tip.ID, Ref: ref, Commit: string(l.Commit), File: string(l.Blob)}
}

// storeOfSheets holds notes to be read. A note goes by what it holds, not by what it
// was called: one that holds anything else is not there, and neither is what is too
// large of one, so that it damages no other.
func storeOfSheets(sheets []Sheet) (*store, error) {
	st := noteStore(0)
	for _, s := range sheets {
		name, limit := reportFile, content.MaxReport
		if claims(s.Ref) {
			name, limit = claimFile, content.MaxClaim
		}
		if len(s.Commit) > content.MaxClaim {
			continue
		}
		blob := encoded(plumbing.BlobObject, []byte(s.File))
		tree := &plumbing.MemoryObject{}
		of := object.Tree{Entries: []object.TreeEntry{{Name: name, Mode: filemode.Regular, Hash: blob.Hash()}}}
		if err := of.Encode(tree); err != nil {
			return nil, fmt.Errorf("read %s: %w", s.Ref, err)
		}
		objects := []plumbing.EncodedObject{tree, encoded(plumbing.CommitObject, []byte(s.Commit))}
		if len(s.File) <= limit {
			objects = append(objects, blob)
		}
		for _, o := range objects {
			if _, err := st.objects.SetEncodedObject(o); err != nil {
				return nil, damaged(s.Ref, failure.Scrub(err))
			}
		}
	}
	return st, nil
}

// ReadClaim reads the claim at ref, which is at hash, from those of its changes that
// are at hand, as Remote.Claim does.
func (r Notary) ReadClaim(ref, hash string, sheets []Sheet, known plan.Tip) (ClaimChain, error) {
	st, err := storeOfSheets(sheets)
	if err != nil {
		return ClaimChain{}, err
	}
	read, err := r.chainOf(st, ref, hash, known)
	return read.rerootedSince(known), err
}

// ReadChanges reads the newest changes of the claim at ref, as Remote.Chain does.
func (r Notary) ReadChanges(ref, hash string, sheets []Sheet, limit int) ([]Change, error) {
	st, err := storeOfSheets(sheets)
	if err != nil {
		return nil, err
	}
	return r.changesOf(st, ref, hash, limit)
}

// Take reads one claim or report and adds it to those that were read, or says why it
// cannot be read. Nothing is said of how a claim came about.
func (n Notes) Take(r Notary, s Sheet) {
	st, err := storeOfSheets([]Sheet{s})
	if err != nil {
		n.Errors[s.Ref] = err
		return
	}
	if c, err := st.commit(s.ID); err != nil || c == nil {
		n.Errors[s.Ref] = damaged(s.Ref, errors.Join(errors.New("what it holds is not what it is called"), err))
		return
	}
	r.take(n, st, s.Ref, s.ID)
}

// NewNotes is nothing read so far.
func NewNotes() Notes {
	return Notes{Claims: map[string]plan.Tip{}, Reports: map[string]plan.Report{}, Errors: map[string]error{}}
}

// Missing returns the newest change that is remembered of a claim, and those that a
// place lacks which is at listed, newest first, so that they can be put there again (R10). It is an error of failure.ErrRewound
// when listed is no older change of what is remembered.
func (c *ChainStore) Missing(ref, listed string) (newest plan.Tip, missing []Link, err error) {
	c.mu.Lock()
	kept, err := c.load(ref)
	c.mu.Unlock()
	if err != nil {
		return plan.Tip{}, nil, err
	}
	missing, err = missingSince(kept.Links, listed)
	if err != nil {
		return plan.Tip{}, nil, &failure.Error{
			Kind: failure.ErrRewound, Step: "restore the claim", At: ref, Err: err,
			Advice: "find out what happened to the repository; then run `mainstay accept --claim --attest \"…\"` on the node that should hold it",
		}
	}
	return kept.Links[0].Tip, missing, nil
}

// changesOf reads what a store holds of a claim, with who signed each change.
func (r Notary) changesOf(st *store, ref, hash string, limit int) ([]Change, error) {
	var keys []signature.NodeKey
	if r.nodeKeys != "" {
		var err error
		if keys, err = r.readNodeKeys(); err != nil {
			return nil, err
		}
	}
	var tips []Change
	var failed error
	err := st.walk(hash, func(c *object.Commit) bool {
		var l Link
		if l, failed = st.link(c); failed == nil {
			who := signature.WhoSigned(l.Commit, trailerRef+ref, keys, func(k signature.NodeKey) bool { return mayMake(k, ref, l.Tip.Claim) })
			tips = append(tips, Change{l.Tip, who})
		}
		return failed == nil && len(tips) < limit
	})
	slices.SortStableFunc(tips, func(a, b Change) int { return compare(b.Seq, a.Seq) })
	return tips, errors.Join(failed, err)
}
