package git

import (
	"context"
	"errors"
	"log/slog"

	"mainstay/reconcile"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
)

// Document is the repository of the document, as the loop asks for it: one branch
// of a remote. Its errors say the condition they are told as.
type Document struct {
	remote *Remote
	branch string
}

var (
	_ reconcile.Repository = Document{}
	_ reconcile.Narrower   = Document{}
)

// NewDocument reads the document from a branch of a remote.
func NewDocument(r *Remote, branch string) Document { return Document{r, branch} }

// List implements reconcile.Repository.
func (d Document) List(ctx context.Context) (reconcile.Listing, error) {
	l, err := d.remote.List(ctx)
	if err != nil {
		return l, refusal{hinted(err)}
	}
	return l, nil
}

// Narrow implements reconcile.Narrower.
func (d Document) Narrow(deployment string) { d.remote.Narrow(Branch(d.branch), deployment) }

// Revision implements reconcile.Repository.
func (d Document) Revision(ctx context.Context, hash, accepted string) (reconcile.Revision, error) {
	rev, err := d.remote.Revision(ctx, Branch(d.branch), hash, accepted)
	if err != nil {
		return nil, refusal{hinted(err)}
	}
	return documentFiles{rev, d.branch}, nil
}

// documentFiles are the files of a commit, whose errors say their condition too.
type documentFiles struct {
	*Revision
	branch string
}

// Vouch is part of reconcile.Vouched.
func (f documentFiles) Vouch(deployment string, files []string) error {
	if err := f.Revision.Vouch(deployment, f.branch, files); err != nil {
		return refusal{hinted(err)}
	}
	return nil
}

// Read implements reconcile.Revision.
func (f documentFiles) Read(path string) ([]byte, error) {
	b, err := f.Revision.Read(path)
	if err != nil {
		return nil, refusal{err}
	}
	return b, nil
}

// refusal is an error with the condition that it is told as.
type refusal struct{ error }

// Unwrap returns the error itself.
func (r refusal) Unwrap() error { return r.error }

// Permanent reports whether the same commit will be refused again.
func (r refusal) Permanent() bool {
	for _, e := range []error{failure.ErrRewound, failure.ErrSignature, failure.ErrTooLarge, failure.ErrNotFound} {
		if errors.Is(r.error, e) {
			return true
		}
	}
	return false
}

// Condition is the type of condition that the error is told as, or empty for one
// that has none of its own.
func (r refusal) Condition() string {
	for _, k := range []struct {
		is   error
		kind string
	}{
		{failure.ErrRewound, plan.CondRewound}, {failure.ErrSignature, plan.CondSignatureRefused}, {failure.ErrAhead, plan.CondSignatureRefused},
		{failure.ErrNotFound, plan.CondDocumentMissing}, {failure.ErrTooLarge, plan.CondDocumentTooLarge},
		{failure.ErrDamaged, plan.CondCommitDamaged}, {failure.ErrMoved, plan.CondCommitMoved}, {failure.ErrNoBranch, plan.CondNoBranch},
		{failure.ErrAuth, plan.CondGitAccessDenied}, {failure.ErrHostKey, plan.CondGitAccessDenied},
		{failure.ErrUnreachable, plan.CondGitUnreachable},
	} {
		if errors.Is(r.error, k.is) {
			return k.kind
		}
	}
	return ""
}

// hinted appends what a person should do to an error's text.
func hinted(err error) error {
	var h interface{ Hint() string }
	if err == nil || !errors.As(err, &h) || h.Hint() == "" {
		return err
	}
	return advised{err, h.Hint()}
}

type advised struct {
	error
	hint string
}

func (a advised) Error() string { return a.error.Error() + " (" + a.hint + ")" }
func (a advised) Unwrap() error { return a.error }

// Coordination keeps claims and reports in a place, as the loop asks for them,
// and the chains of the claims it has read on disk (R10).
type Coordination struct {
	remote Place
	chains *ChainStore
	log    *slog.Logger
	// last is the commit of the newest report this agent published.
	last string
}

var (
	_ reconcile.Coordination = (*Coordination)(nil)
	_ reconcile.Narrower     = (*Coordination)(nil)
)

// NewCoordination keeps claims and reports in a place, such as the repository that a
// Remote names first.
func NewCoordination(r Place, chains *ChainStore, log *slog.Logger) *Coordination {
	return &Coordination{remote: r, chains: chains, log: log}
}

// List implements reconcile.Coordination.
func (c *Coordination) List(ctx context.Context) (reconcile.Listing, error) {
	l, err := c.remote.ListPrimary(ctx)
	return l, hinted(err)
}

// Narrow implements reconcile.Narrower. On a repository that holds the document too,
// the branch stays as it was narrowed to.
func (c *Coordination) Narrow(deployment string) { c.remote.Narrow("", deployment) }

// Claim implements reconcile.Coordination.
func (c *Coordination) Claim(ctx context.Context, ref, hash string, known plan.Tip) (reconcile.ClaimRead, error) {
	r, err := c.remote.Claim(ctx, ref, hash, known)
	if errors.Is(err, failure.ErrMoved) {
		r, err = c.movedClaim(ctx, ref, known)
	}
	if err != nil {
		return reconcile.ClaimRead{}, hinted(err)
	}
	if known.ID == "" || r.Descends || r.Rerooted {
		if err := c.chains.Extend(ref, r); err != nil {
			c.log.Warn("keep the claim's chain", "ref", ref, "error", err)
		}
	}
	return r.ClaimRead, nil
}

// movedClaim reads a claim that changed between the listing and the read. What
// is read then is newer than the look it belongs to, which is the safe side.
func (c *Coordination) movedClaim(ctx context.Context, ref string, known plan.Tip) (ClaimChain, error) {
	l, err := c.remote.ListPrimary(ctx)
	if err != nil {
		return ClaimChain{}, err
	}
	return c.remote.Claim(ctx, ref, l.Refs[ref], known)
}

// PushClaim implements reconcile.Coordination.
func (c *Coordination) PushClaim(ctx context.Context, ref string, p plan.Push) error {
	_, err := c.remote.PushClaim(ctx, ref, p)
	return hinted(err)
}

// Restorable implements reconcile.Coordination.
func (c *Coordination) Restorable(_ context.Context, ref, _ string, known plan.Tip) (bool, error) {
	t, err := c.chains.Tip(ref)
	return err == nil && known.ID != "" && t.ID == known.ID, err
}

// Restore implements reconcile.Coordination.
func (c *Coordination) Restore(ctx context.Context, ref string, _ plan.Tip) error {
	l, err := c.remote.ListPrimary(ctx)
	if err != nil {
		return hinted(err)
	}
	_, err = c.remote.Restore(ctx, ref, l.Refs[ref], c.chains)
	return hinted(err)
}

// Reports implements reconcile.Coordination.
func (c *Coordination) Reports(ctx context.Context, refs map[string]string) (map[string]plan.Report, map[string]error) {
	reports, errs := c.remote.Reports(ctx, refs)
	for ref, err := range errs {
		if errors.Is(err, failure.ErrMoved) {
			delete(errs, ref) // the next look reads the newer one
		}
	}
	return reports, errs
}

// Publish implements reconcile.Coordination.
func (c *Coordination) Publish(ctx context.Context, ref string, r plan.Report) error {
	id, err := c.remote.PublishReport(ctx, ref, r, c.last)
	if err == nil {
		c.last = id
	}
	return hinted(err)
}
