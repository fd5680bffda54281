package git

import (
	"context"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"

	"mainstay/reconcile/git/content"
)

// Lone reads a commit that has one small file of a name and nothing else, from the
// repository itself: the commit as git stores it, and the file. Who signed it is for the
// caller to find out. Errors are as those of Revision.
func (d Document) Lone(ctx context.Context, ref, hash, file string) (commit, text []byte, err error) {
	st := noteStore(1)
	r := d.remote
	if err := r.fetchRef(ctx, r.dialers[0], question{ref: ref, hash: hash}, fetchRequest{depth: 1}, st); err != nil {
		return nil, nil, refusal{hinted(err)}
	}
	c, err := st.commit(hash)
	if err == nil {
		commit, err = st.raw(plumbing.CommitObject, c.Hash)
	}
	if err == nil {
		_, text, err = st.onlyFile(c.TreeHash, file, content.MaxClaim)
	}
	if err != nil {
		return nil, nil, refusal{fmt.Errorf("%s: %w", ref, err)}
	}
	return commit, text, nil
}
