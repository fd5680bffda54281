package git

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/git/packet"
	"mainstay/reconcile/git/signature"
	"mainstay/reconcile/git/transport"
	"mainstay/reconcile/git/trust"
)

// verify checks who signed a commit, when signatures are wanted, and returns
// who it was. The file is read each time, so that a signer can be taken away
// without a restart.
func (r *Remote) verify(st *store, hash string) (string, error) {
	if r.signers == "" {
		return "", nil
	}
	raw, err := st.raw(plumbing.CommitObject, plumbing.NewHash(hash))
	if err != nil {
		return "", err
	}
	allowed, err := r.allowed()
	if err != nil {
		return "", err
	}
	who, err := signature.Verify(raw, allowed)
	if err != nil {
		return "", &failure.Error{
			Kind: failure.ErrSignature, Step: "verify", At: hash, Err: failure.Scrub(err),
			Advice: "push a commit in its place that a key of " + r.signers + " signed (git commit --amend -S)",
		}
	}
	return packet.Message([]byte(who.Name)), nil
}

// allowed reads who may sign commits.
func (r *Remote) allowed() (signature.Signers, error) {
	allowed, err := signature.Read(r.signers)
	if err != nil {
		err = &failure.Error{Kind: failure.ErrSignature, Step: "read", At: r.signers, Err: err, Advice: "correct verify.allowedSigners in the agent file"}
	}
	return allowed, err
}

// nearest is how many generations are fetched at first when commits are verified: the
// newest commit and what it came after, most often the accepted one.
const nearest = 2

// withHistory makes all at hand that Vouch looks at: the commits since the accepted
// one and those right before them, with their files.
func (r *Remote) withHistory(ctx context.Context, d transport.Dialer, q question, v *Revision) (*Revision, error) {
	since, err := trust.Between(history{v.store}, q.hash, q.known)
	for steps := depths(); err == nil && since.Open && !v.store.whole() && len(steps) > 0; steps = steps[1:] {
		if err := r.fetchRef(ctx, d, q, fetchRequest{depth: steps[0], filter: "tree:0", commits: true}, v.store); err != nil {
			return nil, err
		}
		since, err = trust.Between(history{v.store}, q.hash, q.known)
	}
	if err != nil {
		return nil, err
	}
	if since.Depth <= nearest {
		v.since = since
		return v, nil
	}
	signer := v.Signer
	v.store = nil // one store at a time is in memory
	if v, err = r.revisionAt(ctx, d, q, since.Depth); err != nil {
		if errors.Is(err, failure.ErrTooLarge) {
			return nil, &failure.Error{Kind: failure.ErrTooLarge, Step: "verify", At: fmt.Sprintf("the %d commits since %.12s", len(since.Commits), q.known), Err: failure.Scrub(err),
				Advice: "if the branch is right as it is, run `mainstay accept " + q.hash + "` on the node"}
		}
		return nil, err
	}
	v.Signer, v.since = signer, since
	return v, nil
}

// Vouch verifies every commit since the accepted one that changed one of the files, and
// returns which of them may not be a part of what is accepted, and why. The first file
// is the document, of a deployment; branch is the short name of its branch.
func (v *Revision) Vouch(deployment, branch string, files []string) error {
	r := v.remote
	if r.signers == "" {
		return nil
	}
	allowed, err := r.allowed()
	if err != nil {
		return err
	}
	q := trust.Question{
		Tip: v.Commit, Since: v.since, Document: files[0], Files: files, Deployment: deployment, Branch: branch,
		Signers: allowed, Policy: r.policy, Now: r.now(), Skew: r.skew,
	}
	err = q.Judge(history{v.store})
	var refused *trust.Refused
	if !errors.As(err, &refused) {
		return err
	}
	if refused.Ahead {
		return &failure.Error{Kind: failure.ErrAhead, Step: "verify", At: refused.Commit, Err: failure.Scrub(refused.Why),
			Advice: "are the clocks of this machine and of whoever committed right?"}
	}
	advice := "push a commit in its place that is right"
	if v.since != nil {
		advice += fmt.Sprintf(", or, if the branch is right as it is, run `mainstay accept %.12s` on each node", v.Commit)
	}
	return &failure.Error{Kind: failure.ErrSignature, Step: "verify", At: refused.Commit, Err: failure.Scrub(refused.Why), Advice: advice}
}

// history is a store as it is judged by.
type history struct{ store *store }

// Commit is part of trust.History.
func (h history) Commit(id string) (*trust.Commit, error) {
	c, err := h.store.commit(id)
	if err != nil || c == nil {
		return nil, err
	}
	raw, err := h.store.raw(plumbing.CommitObject, c.Hash)
	if err != nil {
		return nil, err
	}
	out := &trust.Commit{ID: id, Raw: raw}
	for _, p := range c.ParentHashes {
		out.Parents = append(out.Parents, p.String())
	}
	return out, nil
}

// Find is part of trust.History.
func (h history) Find(commit, path string) (found string, err error) {
	v, err := newRevision(h.store, commit)
	if err != nil {
		return "", err
	}
	err = guard(func() error {
		tree, parts := v.tree, strings.Split(path, "/")
		for i, part := range parts {
			at := entryOf(tree, part)
			switch {
			case at == nil:
				return nil
			case i == len(parts)-1:
				found = at.Mode.String() + " " + at.Hash.String()
				return nil
			case at.Mode != filemode.Dir:
				return nil
			}
			if tree, err = object.GetTree(h.store.objects, at.Hash); err != nil {
				return damaged("tree of "+commit, failure.Scrub(err))
			}
		}
		return nil
	})
	return found, err
}

// entryOf is what a folder has under a name. One that has two of that name has what the
// reader of files takes: the last one.
func entryOf(tree *object.Tree, name string) *object.TreeEntry {
	for i := len(tree.Entries) - 1; i >= 0; i-- {
		if tree.Entries[i].Name == name {
			return &tree.Entries[i]
		}
	}
	return nil
}

// Read is part of trust.History.
func (h history) Read(commit, path string) ([]byte, error) {
	v, err := newRevision(h.store, commit)
	if err != nil {
		return nil, err
	}
	return v.Read(path)
}
