package address

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"mainstay/reconcile/service"
)

// Ask is how an address is asked for. RFC 5227 takes some seconds for it; a switch cannot,
// and does not have to, since a claim was won before.
type Ask struct {
	// Questions is how many are sent, Gap the time between two, and Last the time to
	// listen after the last.
	Questions int
	Gap, Last time.Duration
}

// defaultAsk takes 400 ms.
var defaultAsk = Ask{Questions: 3, Gap: 100 * time.Millisecond, Last: 200 * time.Millisecond}

// longest is how long it takes when nobody answers.
func (a Ask) longest() time.Duration {
	return time.Duration(max(a.Questions-1, 0))*a.Gap + a.Last
}

// listenStep is how long a cancelled question may still be listened for.
const listenStep = 20 * time.Millisecond

// whoHas asks for an address on the network and returns who answered. Nobody is not known
// to be there then, nor not to be. Own are the addresses of this machine.
func (a Ask) whoHas(ctx context.Context, w wire, from device, own []net.HardwareAddr, ip netip.Addr) (net.HardwareAddr, error) {
	for i := range a.Questions {
		if err := w.send(question(from.hardware, ip)); err != nil {
			return nil, fmt.Errorf("send on %s: %w", from.name, err)
		}
		wait := a.Gap
		if i == a.Questions-1 {
			wait = a.Last
		}
		who, err := listen(ctx, w, from, own, ip, time.Now().Add(wait))
		if who != nil || err != nil {
			return who, err
		}
	}
	return nil, nil
}

// hardware are the addresses by which this machine answers: at least that of the interface
// that asks, when the others cannot be listed. A rival is told of too much then, and none
// too little.
func (d *Driver) hardware(ctx context.Context, on device) []net.HardwareAddr {
	all, err := d.kernel.hardware(ctx)
	if err != nil {
		d.log.Debug("what else of this machine may answer is not known", "address", d.prefix, "error", err)
	}
	return append(all, on.hardware)
}

// listen hears what others say about an address until then.
func listen(ctx context.Context, w wire, on device, own []net.HardwareAddr, ip netip.Addr, until time.Time) (net.HardwareAddr, error) {
	buffer := make([]byte, largest)
	for {
		if err := service.Ended(ctx); err != nil {
			return nil, err
		}
		now := time.Now()
		if !now.Before(until) {
			return nil, nil
		}
		step := now.Add(listenStep)
		if step.After(until) {
			step = until
		}
		n, err := w.receive(buffer, step)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("receive on %s: %w", on.name, err)
		}
		if who := claimant(buffer[:n], own, ip); who != nil {
			return who, nil
		}
	}
}
