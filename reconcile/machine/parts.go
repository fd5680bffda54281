package machine

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"

	"mainstay/reconcile/service/compose"
	"mainstay/reconcile/service/systemd"
	"mainstay/spec"
)

// Parts is what the services, files and probes of one machine share: the agent's
// own file, the log, and one connection to each outside program.
type Parts struct {
	ctx  context.Context
	file *spec.AgentFile
	log  *slog.Logger
	wake func()

	busOnce, engineOnce sync.Once
	bus                 *systemd.Bus
	engine              *compose.Engine
}

// NewParts returns the parts of a machine. What they begin ends with ctx; they
// call wake whenever something was seen to change.
func NewParts(ctx context.Context, file *spec.AgentFile, log *slog.Logger, wake func()) *Parts {
	return &Parts{ctx: ctx, file: file, log: log, wake: wake}
}

// units is the one connection to systemd, made when first needed.
func (p *Parts) units() *systemd.Bus {
	p.busOnce.Do(func() { p.bus = systemd.NewBus(p.log) })
	return p.bus
}

// containers is the one connection to the Docker engine, likewise.
func (p *Parts) containers() *compose.Engine {
	p.engineOnce.Do(func() { p.engine = compose.NewEngine(p.log, filepath.Join(p.file.State, "compose.json")) })
	return p.engine
}
