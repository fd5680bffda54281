package git

import (
	"context"

	"mainstay/reconcile"
	"mainstay/reconcile/plan"
)

// Place is where claims and reports are kept: a Remote, or a store that is no git
// server and holds the same notes. Every call is bounded. The errors are of the classes
// of package failure, and a place that a claim cannot be read from says so: it never
// answers that there is none.
type Place interface {
	// URL names the place without credentials, and Close drops idle connections.
	URL() string
	// Close leaves it usable.
	Close()
	// Narrow limits every listing from now on to the claims and reports of one
	// deployment, and to a branch if there are any.
	Narrow(branch, deployment string)
	// ListPrimary names every claim and report, and the hash it is at. It shows what was
	// there at some moment after it was called, or later.
	ListPrimary(ctx context.Context) (reconcile.Listing, error)
	// Claim is Remote.Claim.
	Claim(ctx context.Context, ref, hash string, known plan.Tip) (ClaimChain, error)
	// PushClaim is Remote.PushClaim.
	PushClaim(ctx context.Context, ref string, p plan.Push) (id string, err error)
	// Restore is Remote.Restore.
	Restore(ctx context.Context, ref, listed string, c *ChainStore) (plan.Tip, error)
	// Reports is Remote.Reports.
	Reports(ctx context.Context, listed map[string]string) (map[string]plan.Report, map[string]error)
	// PublishReport is Remote.PublishReport.
	PublishReport(ctx context.Context, ref string, rep plan.Report, last string) (string, error)
	// Notes is Remote.Notes.
	Notes(ctx context.Context, listed map[string]string) Notes
	// Chain is Remote.Chain.
	Chain(ctx context.Context, ref, hash string, limit int) ([]Change, error)
}

var _ Place = (*Remote)(nil)
