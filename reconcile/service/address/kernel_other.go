//go:build !linux

package address

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"mainstay/reconcile/service"
)

// elsewhere is a kernel that is not driven.
type elsewhere struct{}

func thisKernel() kernel { return elsewhere{} }

var errElsewhere = fmt.Errorf("%w: floating addresses are driven on Linux only", service.ErrUnavailable)

func (elsewhere) addresses(context.Context, netip.Addr) ([]place, error) { return nil, errElsewhere }
func (elsewhere) device(context.Context, string) (device, error)         { return device{}, errElsewhere }
func (elsewhere) hardware(context.Context) ([]net.HardwareAddr, error)   { return nil, errElsewhere }
func (elsewhere) add(context.Context, device, netip.Prefix) error        { return errElsewhere }
func (elsewhere) remove(context.Context, place) error                    { return errElsewhere }
func (elsewhere) permitted() error                                       { return errElsewhere }
func (elsewhere) watch(ctx context.Context, _ func()) error              { <-ctx.Done(); return ctx.Err() }
func (elsewhere) open(device, netip.Addr) (wire, error)                  { return nil, errElsewhere }
