package compose

import (
	"context"
	"errors"
	"fmt"

	"github.com/moby/moby/client"

	"mainstay/reconcile/service"
)

// errLost is a connection that went away in the middle of an order.
var errLost = fmt.Errorf("%w: the connection to the docker engine was lost", service.ErrUnavailable)

// explain turns the error of a call into one that wraps the contract's
// sentinels. The engine's errors tell their kind by a method.
func (l *link) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ended := service.Ended(ctx); ended != nil {
		return ended
	}
	var notAllowed interface{ Forbidden() }
	switch {
	case l.ctx.Err() != nil:
		return errLost
	case client.IsErrConnectionFailed(err):
		return fmt.Errorf("%w: %w", service.ErrUnavailable, err)
	case isNotFound(err):
		return fmt.Errorf("%w: %w", service.ErrNotFound, err)
	case errors.As(err, &notAllowed):
		return fmt.Errorf("%w: %w", service.ErrRefused, err)
	}
	return fmt.Errorf("the docker engine says: %w", err)
}

func isNotFound(err error) bool {
	var notFound interface{ NotFound() }
	return errors.As(err, &notFound)
}
