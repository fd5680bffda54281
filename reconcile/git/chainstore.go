package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/state"
)

// ChainStore keeps on disk the changes of claims that this node has read, with
// their objects, so that it can push them again should the server lose them
// (R10). It holds the newest few thousand of each claim. It may be used by
// several goroutines.
type ChainStore struct {
	state *state.Folder
	save  func(name string, v any) error
	mu    sync.Mutex
}

// NewChainStore keeps chains in a state folder.
func NewChainStore(s *state.Folder) *ChainStore { return &ChainStore{state: s, save: s.Save} }

const mostNewest = 64 // changes in the small file of a claim, at most

// chain is what is kept of one claim: its links, newest first.
type chain struct {
	Ref   string `json:"ref"`
	Links []Link `json:"links"`
}

// Extend remembers the links of a read that descends from what is remembered, or
// starts again from a read that does not. Call it with claims that are believed,
// and never with one that went back.
//
// A damaged file is set aside and started anew, and the state.ErrDamaged returned. What is
// new goes to a small file of its own, because whoever acts on the claim waits for this. It
// is written first, with all that the large one lacks, so that a machine which dies at any
// time leaves the newest change in it.
func (c *ChainStore) Extend(ref string, read ClaimChain) error {
	if len(read.Links) == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	newest, wrong := c.part(newestName(ref))
	if wrong != nil && !errors.Is(wrong, state.ErrDamaged) {
		return wrong
	}
	links, goesOn := grown(read.Links, newest.Links)
	if err := c.save(newestName(ref), chain{ref, links}); err != nil || goesOn && len(links) <= mostNewest {
		return errors.Join(wrong, err)
	}
	kept, err := c.part(chainName(ref))
	if err = errors.Join(wrong, err); err != nil && !errors.Is(err, state.ErrDamaged) {
		return err
	}
	links, _ = grown(links, kept.Links)
	if failed := c.save(chainName(ref), chain{ref, links}); failed != nil {
		return errors.Join(err, failed)
	}
	return errors.Join(err, c.save(newestName(ref), chain{ref, links[:1]}))
}

// Tip returns the newest remembered change of a claim, and the zero Tip when
// none is remembered.
func (c *ChainStore) Tip(ref string) (plan.Tip, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept, err := c.load(ref)
	if err != nil || len(kept.Links) == 0 {
		return plan.Tip{}, err
	}
	return kept.Links[0].Tip, nil
}

// load is all that is kept of a claim: the newest changes are in the large file too when they
// were brought there last, and alone count when they do not go on from it. A large file
// without them is older than what was known.
func (c *ChainStore) load(ref string) (chain, error) {
	kept, err := c.part(chainName(ref))
	newest, wrong := c.part(newestName(ref))
	if len(newest.Links) > 0 {
		kept.Links, _ = grown(newest.Links, kept.Links)
	} else if len(kept.Links) > 0 && wrong == nil {
		wrong = fmt.Errorf("the newest changes of %s: %w", ref, state.ErrDamaged)
	} else if err == nil && wrong == nil {
		err = c.state.Missing(chainName(ref), newestName(ref))
	}
	return kept, errors.Join(err, wrong)
}

func (c *ChainStore) part(name string) (chain, error) {
	var kept chain
	if err := c.state.Load(name, &kept); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return chain{}, err
	}
	return kept, nil
}

func chainName(ref string) string  { return "chain " + ref }
func newestName(ref string) string { return "newest " + ref }

// grown is newer with older after it, when it goes on from that, and else newer alone.
func grown(newer, older []Link) (links []Link, goesOn bool) {
	known, seen := map[string]bool{}, map[string]bool{}
	for _, l := range older {
		known[l.Tip.ID] = true
	}
	for _, l := range newer {
		seen[l.Tip.ID] = true
		goesOn = goesOn || known[l.Tip.ID] || slices.ContainsFunc(l.Parents, func(p string) bool { return known[p] })
	}
	links = slices.Concat(newer, slices.DeleteFunc(slices.Clone(older), func(l Link) bool { return !goesOn || seen[l.Tip.ID] }))
	return links[:min(len(links), maxChain)], goesOn
}

// Restore pushes again the newest change this node remembers of a claim that
// went back (R10): listed is where a listing shows ref, or empty when it is
// gone. Like every change it is made without force, so it is refused when
// somebody changed the claim in the meantime. It returns the change the ref is
// then at.
//
// failure.ErrRewound means that it cannot be mended this way: what is listed is not an
// older change of the remembered claim, or nothing is remembered. A person has
// to vouch for a claim then. Other errors as for PushClaim.
func (r *Remote) Restore(ctx context.Context, ref, listed string, c *ChainStore) (plan.Tip, error) {
	newest, missing, err := c.Missing(ref, listed)
	if err != nil {
		return plan.Tip{}, err
	}
	u := update{ref: ref, old: listed, next: newest.ID}
	for _, l := range missing {
		u.objects = append(u.objects, l.objects()...)
	}
	_, err = r.push(ctx, "restore the claim", u, nil)
	return newest, err
}

// missingSince returns the links that a ref at listed lacks.
func missingSince(links []Link, listed string) ([]Link, error) {
	if len(links) == 0 {
		return nil, errors.New("this node remembers nothing of it")
	}
	if listed == "" {
		return links, nil
	}
	at := slices.IndexFunc(links, func(l Link) bool { return l.Tip.ID == listed || slices.Contains(l.Parents, listed) })
	if at < 0 {
		return nil, fmt.Errorf("%s is no older change of the one this node knows, seq %d", listed, links[0].Tip.Seq)
	}
	if links[at].Tip.ID == listed {
		return links[:at], nil
	}
	return links[:at+1], nil
}

func (l Link) objects() []plumbing.EncodedObject {
	return []plumbing.EncodedObject{
		encoded(plumbing.CommitObject, l.Commit), encoded(plumbing.TreeObject, l.Tree), encoded(plumbing.BlobObject, l.Blob),
	}
}
