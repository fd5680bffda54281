package git

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"mainstay/reconcile"
	"mainstay/reconcile/git/content"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/git/signature"
	"mainstay/reconcile/plan"
)

const (
	claimFile = "claim.json"
	// maxChain bounds how many changes of a claim are read or kept.
	maxChain = 4096
	// firstLook is how many changes are fetched before it is known how many are
	// needed: a node that polls misses few.
	firstLook = 8
)

// ClaimChain is a claim as read, with the changes that were read of it.
type ClaimChain struct {
	reconcile.ClaimRead
	// Links are the changes that were read, newest first, for a ChainStore.
	Links []Link
}

// Link is one change of a claim with the objects that make it up.
type Link struct {
	Tip     plan.Tip
	Parents []string
	// Commit, Tree and Blob are the objects as git stores them.
	Commit, Tree, Blob []byte
}

// Change is one change of a claim, with who signed it.
type Change struct {
	plan.Tip
	Signer signature.NoteSigner
}

// Claim reads the claim that a listing of the repository itself showed at ref,
// and checks that it descends from the one last known (R10). The zero known
// means that none was ever seen. An empty hash is a ref that does not exist: a
// free claim, which descends from nothing but itself.
//
// A claim that is no claim, or whose seq does not grow with every change, is
// failure.ErrDamaged. Other errors: failure.ErrMoved, failure.ErrTooLarge, failure.ErrUnreachable, failure.ErrAuth,
// failure.ErrHostKey.
func (r *Remote) Claim(ctx context.Context, ref, hash string, known plan.Tip) (ClaimChain, error) {
	if hash == "" {
		return ClaimChain{ClaimRead: reconcile.ClaimRead{Descends: known.ID == ""}}, nil
	}
	if hash == known.ID {
		return ClaimChain{ClaimRead: reconcile.ClaimRead{Tip: known, Descends: true}}, nil
	}
	depth := firstLook
	if known.ID == "" {
		depth = maxChain
	}
	st, q := noteStore(depth), question{ref, hash, known.ID}
	read, err := r.claimAt(ctx, q, known, depth, st)
	if err != nil || read.Descends || st.whole() || read.Tip.Seq <= known.Seq {
		return read.rerootedSince(known), err
	}
	// Every change adds one to seq, so it is known how far away the known one is.
	depth = int(min(read.Tip.Seq-known.Seq+1, maxChain))
	st.budget = noteStore(depth).budget
	read, err = r.claimAt(ctx, q, known, depth, st)
	return read.rerootedSince(known), err
}

func (r *Remote) claimAt(ctx context.Context, q question, known plan.Tip, depth int, st *store) (ClaimChain, error) {
	f := fetchRequest{depth: depth, filter: "blob:limit=65537"}
	if !r.made.Load().into(st, q) {
		if err := r.fetchRef(ctx, r.dialers[0], q, f, st); err != nil {
			return ClaimChain{}, err
		}
	}
	return r.chainOf(st, q.ref, q.hash, known)
}

// chainOf reads what a store holds of a claim, from a change of it back to the known one.
func (r Notary) chainOf(st *store, ref, hash string, known plan.Tip) (ClaimChain, error) {
	links, err := st.links(hash, known.ID)
	if err == nil {
		err = growing(links, known)
	}
	if err == nil {
		err = r.ownChanges(ref, links, known)
	}
	if err != nil {
		return ClaimChain{}, fmt.Errorf("claim %s: %w", ref, err)
	}
	newest := links[0]
	found := known.ID == "" || slices.ContainsFunc(links, func(l Link) bool { return slices.Contains(l.Parents, known.ID) })
	return ClaimChain{ClaimRead: reconcile.ClaimRead{Tip: newest.Tip, Descends: found}, Links: links}, nil
}

func (c ClaimChain) rerootedSince(known plan.Tip) ClaimChain {
	c.Rerooted = slices.ContainsFunc(c.Links, func(l Link) bool {
		return l.Tip.Action == plan.Reroot && l.Tip.Seq > known.Seq
	})
	return c
}

// links decodes the changes from hash back to known, or as far as they are at
// hand, newest first.
func (s *store) links(hash, known string) ([]Link, error) {
	var links []Link
	var failed error
	err := s.walk(hash, func(c *object.Commit) bool {
		if c.Hash.String() == known {
			return false
		}
		var l Link
		if l, failed = s.link(c); failed == nil {
			links = append(links, l)
		}
		return failed == nil && len(links) < maxChain
	})
	if err = errors.Join(failed, err); err != nil {
		return nil, err
	}
	if len(links) == 0 {
		return nil, damaged("commit "+hash, errors.New("not there"))
	}
	return links, nil
}

func (s *store) link(c *object.Commit) (Link, error) {
	l := Link{Tip: plan.Tip{ID: c.Hash.String()}}
	for _, p := range c.ParentHashes {
		l.Parents = append(l.Parents, p.String())
	}
	var err error
	if l.Commit, err = s.raw(plumbing.CommitObject, c.Hash); err != nil {
		return l, err
	}
	if l.Tree, l.Blob, err = s.onlyFile(c.TreeHash, claimFile, content.MaxClaim); err != nil {
		return l, err
	}
	if l.Tip.Claim, err = content.DecodeClaim(l.Blob); err != nil {
		return l, damaged(claimFile+" of "+l.Tip.ID, err)
	}
	return l, nil
}

// onlyFile returns a tree that has one file, and the file.
func (s *store) onlyFile(hash plumbing.Hash, name string, limit int64) (tree, blob []byte, err error) {
	var t *object.Tree
	err = guard(func() (err error) {
		t, err = object.GetTree(s.objects, hash)
		return err
	})
	if err != nil {
		return nil, nil, damaged("tree "+hash.String(), failure.Scrub(err))
	}
	if len(t.Entries) != 1 || t.Entries[0].Name != name || t.Entries[0].Mode != filemode.Regular {
		return nil, nil, damaged("tree "+hash.String(), fmt.Errorf("it is not made of %s alone", name))
	}
	o, err := s.objects.EncodedObject(plumbing.BlobObject, t.Entries[0].Hash)
	if err != nil || o.Size() > limit {
		return nil, nil, damaged(name, fmt.Errorf("it is missing or larger than %d bytes", limit))
	}
	if blob, err = s.raw(plumbing.BlobObject, t.Entries[0].Hash); err != nil {
		return nil, nil, err
	}
	tree, err = s.raw(plumbing.TreeObject, hash)
	return tree, blob, err
}

// growing checks what every change must keep: seq is one more than its parent's,
// or, after a person vouched for the claim, at least more.
func growing(links []Link, known plan.Tip) error {
	seqs := map[string]uint64{known.ID: known.Seq}
	for _, l := range links {
		seqs[l.Tip.ID] = l.Tip.Seq
	}
	for _, l := range links {
		for _, p := range l.Parents {
			before, at := seqs[p]
			if at && (l.Tip.Seq <= before || l.Tip.Seq != before+1 && l.Tip.Action != plan.Reroot) {
				return damaged(claimFile+" of "+l.Tip.ID, fmt.Errorf("seq %d after %d", l.Tip.Seq, before))
			}
		}
	}
	return nil
}

// Chain reads the newest changes of a claim, newest first, at most limit: the
// audit log of every failover. A zero limit reads all there are, within reason.
// When an older change is damaged it returns the newer ones and failure.ErrDamaged.
func (r *Remote) Chain(ctx context.Context, ref, hash string, limit int) ([]Change, error) {
	if limit <= 0 || limit > maxChain {
		limit = maxChain
	}
	st := noteStore(limit)
	f := fetchRequest{depth: limit, filter: "blob:limit=65537"}
	if err := r.fetchRef(ctx, r.dialers[0], question{ref: ref, hash: hash}, f, st); err != nil {
		return nil, err
	}
	return r.changesOf(st, ref, hash, limit)
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// ClaimNote returns the ID of the commit that PushClaim makes of p at ref when it
// has no second parent. The same push always has the same ID, unless an ECDSA key
// signs it.
func (r Notary) ClaimNote(ref string, p plan.Push) (id string, err error) {
	o, err := r.claimNote(ref, p, p.Parent)
	return o.ID, err
}

func (r Notary) claimNote(ref string, p plan.Push, parents ...string) (noteObjects, error) {
	text, err := content.EncodeClaim(p.Claim)
	if err != nil {
		return noteObjects{}, err
	}
	n := note{file: claimFile, content: text, author: p.Claim.Node, message: content.ClaimMessage(p), when: p.Claim.At, ref: ref}
	if n.signer, err = r.noteSigner(); err != nil {
		return noteObjects{}, err
	}
	for _, parent := range parents {
		if parent != "" {
			n.parents = append(n.parents, parent)
		}
	}
	return n.objects()
}

// PushClaim makes the change p of the claim at ref: a commit with p.Claim whose
// parent is p.Parent, which the ref must still be at. Of all changes of one
// parent exactly one is ever carried out. A reroot also has
// the claim last believed as a parent, when the server still has it.
//
// An error is failure.ErrUnknown when nobody can say whether the change was or will be
// made: list again. Every other error means it was not made and will not be;
// failure.ErrRefused that the ref was no longer at p.Parent, or that the server forbids
// the change.
func (r *Remote) PushClaim(ctx context.Context, ref string, p plan.Push) (id string, err error) {
	if p.Claim.Action == plan.Reroot && p.Known != "" && p.Known != p.Parent {
		id, err := r.pushNote(ctx, ref, p, p.Known)
		if !errors.Is(err, failure.ErrRefused) {
			return id, err
		}
	}
	return r.pushNote(ctx, ref, p)
}

func (r *Remote) pushNote(ctx context.Context, ref string, p plan.Push, more ...string) (string, error) {
	o, err := r.claimNote(ref, p, append([]string{p.Parent}, more...)...)
	if err != nil {
		return "", err
	}
	r.made.Store(&made{parent: p.Parent, noteObjects: o})
	u := update{ref: ref, old: p.Parent, next: o.ID, objects: o.list()}
	return r.push(ctx, "push the claim", u, nil)
}
