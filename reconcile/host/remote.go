package host

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/git"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// repository reads the document of one branch.
type repository struct {
	remote *git.Remote
	branch string
}

func (r repository) List(ctx context.Context) (reconcile.Listing, error) {
	l, err := r.remote.List(ctx)
	if err != nil {
		return reconcile.Listing{}, refusal{hinted(err)}
	}
	return reconcile.Listing{Refs: l.Refs, Mirror: l.Mirror}, nil
}

func (r repository) Revision(ctx context.Context, hash, accepted string) (reconcile.Revision, error) {
	rev, err := r.remote.Revision(ctx, git.Branch(r.branch), hash, accepted)
	if err != nil {
		return nil, refusal{hinted(err)}
	}
	return fileReader{rev}, nil
}

// fileReader marks what is wrong with a commit itself as permanent.
type fileReader struct{ *git.Revision }

func (f fileReader) Read(path string) ([]byte, error) {
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
	for _, e := range []error{git.ErrRewound, git.ErrSignature, git.ErrTooLarge, git.ErrNotFound} {
		if errors.Is(r.error, e) {
			return true
		}
	}
	return false
}

// Kind is the type of condition that the error is told as, or empty for one that
// has none of its own.
func (r refusal) Kind() string {
	for _, k := range []struct {
		is   error
		kind string
	}{
		{git.ErrRewound, plan.CondRewound}, {git.ErrSignature, plan.CondSignatureRefused},
		{git.ErrNotFound, plan.CondDocumentMissing}, {git.ErrTooLarge, plan.CondDocumentTooLarge},
		{git.ErrDamaged, plan.CondCommitDamaged}, {git.ErrMoved, plan.CondCommitMoved}, {git.ErrNoBranch, plan.CondNoBranch},
		{git.ErrAuth, plan.CondGitAccessDenied}, {git.ErrHostKey, plan.CondGitAccessDenied},
		{git.ErrUnreachable, plan.CondGitUnreachable},
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

// coordination keeps claims and reports on a remote, and the chains of the
// claims it has read on disk (R10).
type coordination struct {
	remote *git.Remote
	chains *git.ChainStore
	log    *slog.Logger
	// last is the commit of the newest report this agent published.
	last *string
}

func (c coordination) List(ctx context.Context) (reconcile.Listing, error) {
	l, err := c.remote.ListPrimary(ctx)
	return reconcile.Listing{Refs: l.Refs}, hinted(err)
}

func (c coordination) Claim(ctx context.Context, ref, hash string, known plan.Tip) (reconcile.ClaimRead, error) {
	r, err := c.remote.Claim(ctx, ref, hash, known)
	if errors.Is(err, git.ErrMoved) {
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
	return reconcile.ClaimRead{Tip: r.Tip, Descends: r.Descends, Rerooted: r.Rerooted}, nil
}

// movedClaim reads a claim that changed between the listing and the read. What
// is read then is newer than the look it belongs to, which is the safe side.
func (c coordination) movedClaim(ctx context.Context, ref string, known plan.Tip) (git.ClaimRead, error) {
	l, err := c.remote.ListPrimary(ctx)
	if err != nil {
		return git.ClaimRead{}, err
	}
	return c.remote.Claim(ctx, ref, l.Refs[ref], known)
}

func (c coordination) PushClaim(ctx context.Context, ref string, p plan.Push) error {
	_, err := c.remote.PushClaim(ctx, ref, p)
	return hinted(err)
}

func (c coordination) Restorable(_ context.Context, ref, _ string, known plan.Tip) bool {
	t, err := c.chains.Tip(ref)
	return err == nil && known.ID != "" && t.ID == known.ID
}

func (c coordination) Restore(ctx context.Context, ref string, _ plan.Tip) error {
	l, err := c.remote.ListPrimary(ctx)
	if err != nil {
		return hinted(err)
	}
	_, err = c.remote.Restore(ctx, ref, l.Refs[ref], c.chains)
	return hinted(err)
}

func (c coordination) Reports(ctx context.Context, refs map[string]string) (map[string]plan.Report, map[string]error) {
	reports, errs := c.remote.Reports(ctx, refs)
	for ref, err := range errs {
		if errors.Is(err, git.ErrMoved) {
			delete(errs, ref) // the next look reads the newer one
		}
	}
	return reports, errs
}

func (c coordination) Publish(ctx context.Context, ref string, r plan.Report) error {
	id, err := c.remote.PublishReport(ctx, ref, r, *c.last)
	if err == nil {
		*c.last = id
	}
	return hinted(err)
}

// openRepository opens the document's repository of an agent file.
func openRepository(f *spec.AgentFile, timeout time.Duration, log *slog.Logger) (*git.Remote, error) {
	r := f.Repository
	return git.Open(git.Options{
		URL: r.URL, Mirrors: r.Mirrors, SSHKey: r.SSHKey, TokenFile: r.TokenFile, KnownHosts: r.KnownHosts,
		CAFile: r.CAFile, AllowedSigners: f.Verify.AllowedSigners, SignKey: f.SigningKey(), NodeKeys: f.Verify.Nodes, Timeout: timeout, Log: log,
	})
}

// openCoordination opens where claims and reports live, and says whether that
// is the document's repository. Without one (R8) the remote is nil.
func openCoordination(f *spec.AgentFile, repo *git.Remote, timeout time.Duration, log *slog.Logger) (*git.Remote, bool, error) {
	c := f.Coordination
	switch {
	case c.Off():
		return nil, false, nil
	case c.URL == "" || c.URL == f.Repository.URL:
		return repo, true, nil
	}
	r, err := git.Open(git.Options{URL: c.URL, SSHKey: c.SSHKey, TokenFile: c.TokenFile,
		KnownHosts: c.KnownHosts, CAFile: c.CAFile, SignKey: f.SigningKey(), NodeKeys: f.Verify.Nodes, Timeout: timeout, Log: log})
	return r, false, err
}
