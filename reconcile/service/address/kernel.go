package address

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// callBound is the most that one question to the kernel takes; it answers at once unless
// the machine is in trouble.
const callBound = 2 * time.Second

// kernel is what the driver asks of this machine and orders it to do. Every call is
// bounded by its context and by callBound.
type kernel interface {
	// addresses lists where this machine has the address: all of its interfaces. An
	// error means that it could not be listed, and nothing is known then.
	addresses(ctx context.Context, ip netip.Addr) ([]place, error)
	// device looks up an interface by its name; service.ErrNotFound says that there is
	// none.
	device(ctx context.Context, name string) (device, error)
	// hardware lists the Ethernet addresses of this machine's interfaces, all of them.
	hardware(ctx context.Context) ([]net.HardwareAddr, error)
	// add puts an address on an interface. The kernel does not check for duplicates.
	add(ctx context.Context, to device, prefix netip.Prefix) error
	// remove takes an address away, and nothing else with it.
	remove(ctx context.Context, from place) error
	// permitted is an error when this process may not change addresses.
	permitted() error
	// watch calls changed after every change of addresses and interfaces, and once as
	// soon as they are noticed, until ctx ends or nothing is told any more.
	watch(ctx context.Context, changed func()) error
	// open is the way to the network behind an interface, for what is about one address.
	open(on device, ip netip.Addr) (wire, error)
}

// wire sends and receives whole Ethernet frames.
type wire interface {
	send(frame []byte) error
	// receive returns the next frame into buffer; os.ErrDeadlineExceeded says that none
	// came until then.
	receive(buffer []byte, until time.Time) (int, error)
	close()
}

// place is where this machine has an address.
type place struct {
	on     string // the interface's name
	index  int
	prefix netip.Prefix
	// checking says that the kernel still looks for duplicates, and duplicate that it
	// found one: it does not use the address.
	checking, duplicate bool
}

// device is an interface.
type device struct {
	name     string
	index    int
	hardware net.HardwareAddr
	// up says that somebody set it up and that it has a carrier.
	up bool
	// ethernet says that others on it are found by ARP and neighbour discovery.
	ethernet bool
}
