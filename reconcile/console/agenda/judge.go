package agenda

import (
	"context"
	"errors"
	"fmt"

	"mainstay/reconcile/change"
	"mainstay/reconcile/console"
	"mainstay/reconcile/console/kept"
)

// pushed is a push that has an end.
type pushed struct {
	hash, branch string
	err          error
}

// judged says what came of a push. A push that took all of its time is looked up within
// a bound of its own.
func judged(ctx context.Context, pen console.Pen, one kept.Order, p pushed) kept.Order {
	ctx, cancel := context.WithTimeout(ctx, pushBound)
	defer cancel()
	if p.err == nil {
		one.State, one.Result = kept.Done, p.hash
		return one
	}
	if text, refused := change.NotTaken(p.err); refused {
		one.State, one.Said = kept.Refused, "the server takes no push to "+p.branch+": "+text
		return one
	}
	one.State, one.Said = kept.Refused, p.err.Error()
	if errors.Is(p.err, change.ErrNotCommitted) {
		return one
	}
	arrived, lookErr := pen.Has(ctx, p.branch, p.hash)
	switch {
	case lookErr != nil:
		one.State, one.Said = kept.Unsure, fmt.Sprintf("it is not known whether %s was pushed: %v; %v", p.hash, p.err, lookErr)
	case !arrived && errors.Is(p.err, context.DeadlineExceeded):
		// A push that was broken off may be on its way inside the server.
		one.State, one.Said = kept.Unsure, fmt.Sprintf("the push of %s took too long; %s does not have it yet, and a slow server may still take it", p.hash, p.branch)
	case arrived:
		one.State, one.Said, one.Result = kept.Done, "", p.hash
	}
	return one
}
