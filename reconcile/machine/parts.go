package machine

import (
	"context"
	"log/slog"

	"mainstay/reconcile/machine/drivers"
	"mainstay/spec"
)

// Parts is what the services, files and probes of one machine share: the agent's
// own file, the log, and what makes drivers.
type Parts struct {
	ctx     context.Context
	file    *spec.AgentFile
	log     *slog.Logger
	wake    func()
	drivers *drivers.Drivers
}

// NewParts returns the parts of a machine. What they begin ends with ctx; they
// call wake whenever something was seen to change.
func NewParts(ctx context.Context, file *spec.AgentFile, log *slog.Logger, wake func()) *Parts {
	return &Parts{ctx: ctx, file: file, log: log, wake: wake, drivers: drivers.New(file.State, log)}
}
