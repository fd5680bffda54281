// Package drivers makes the driver of the one kind that a document names for a service,
// and holds the one connection to each outside program that drivers of a kind share.
//
// It must not know when a service is started or stopped: the manager does.
package drivers

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"

	"mainstay/reconcile/managed"
	"mainstay/reconcile/service"
	"mainstay/reconcile/service/address"
	"mainstay/reconcile/service/command"
	"mainstay/reconcile/service/compose"
	"mainstay/reconcile/service/oneshot"
	"mainstay/reconcile/service/process"
	"mainstay/reconcile/service/systemd"
	"mainstay/spec"
)

// Drivers makes drivers. It may be used by several goroutines.
type Drivers struct {
	state string
	log   *slog.Logger

	busOnce, engineOnce sync.Once
	bus                 *systemd.Bus
	engine              *compose.Engine
}

// New returns the drivers of one agent, which keep what they have to remember below
// its state folder. It connects to nothing.
func New(state string, log *slog.Logger) *Drivers { return &Drivers{state: state, log: log} }

// Of makes the driver of a service.
func (d *Drivers) Of(want spec.Service, as managed.Identity) (service.Driver, error) {
	folder := filepath.Join(d.state, "services", as.Name)
	switch {
	case want.Process != nil:
		return process.New(process.Config{
			Marker:  strings.Join([]string{as.Deployment, as.Node, as.Name}, "/"),
			Process: *want.Process, Folder: folder, Log: d.log,
		})
	case want.Command != nil:
		return command.New(command.Config{Commands: *want.Command, Folder: folder, Log: d.log}), nil
	case want.Run != nil:
		return oneshot.New(oneshot.Config{Run: *want.Run, Folder: folder, Log: d.log}), nil
	case want.Address != nil:
		return address.New(address.Config{Address: *want.Address, Folder: folder, Log: d.log})
	case want.Systemd != "":
		return d.Units().Unit(want.Systemd), nil
	case want.Compose != nil:
		return d.containers().Service(*want.Compose, folder), nil
	}
	return nil, errors.New("no kind of service is named")
}

// Units is the one connection to systemd, made when first needed.
func (d *Drivers) Units() *systemd.Bus {
	d.busOnce.Do(func() { d.bus = systemd.NewBus(d.log) })
	return d.bus
}

// containers is the one connection to the Docker engine, made when first needed.
func (d *Drivers) containers() *compose.Engine {
	d.engineOnce.Do(func() { d.engine = compose.NewEngine(d.log, filepath.Join(d.state, "compose.json")) })
	return d.engine
}
