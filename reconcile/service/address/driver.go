package address

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/run"
	"mainstay/reconcile/service"
	"mainstay/spec/floating"
)

// startBound bounds a start whose caller sets no bound, and observeBound a look.
const (
	startBound   = 30 * time.Second
	observeBound = 5 * time.Second
)

// mostLate is how much longer than planned a question may take: an order that a frozen
// agent goes on with later may be one that nobody gives any more (R1).
const mostLate = 3 * time.Second

// lookAgain is how often a stop looks whether an address is gone that would not go, and
// watchAgain how soon a watch that broke is begun anew.
const (
	lookAgain  = 50 * time.Millisecond
	watchAgain = time.Second
)

// Config is what a Driver needs to know.
type Config struct {
	Address floating.Address
	// Folder is this service's own below the state folder. It keeps that an address was
	// not announced to the end for the next run of the agent; empty keeps that in memory.
	Folder string
	// Ask is how the address is asked for; the zero is three questions in 400 ms. Again
	// is when it is announced once more, counted from the first time; nil is four times
	// within 5 s.
	Ask   Ask
	Again []time.Duration
	// Rivals is the time between two looks for another machine that has the address
	// too, 10s.
	Rivals time.Duration
	// Log gets what cannot be returned. It may be nil.
	Log *slog.Logger

	kernel kernel
	late   time.Duration
}

// Driver drives one address. Use New.
type Driver struct {
	want   floating.Address
	prefix netip.Prefix
	ask    Ask
	again  []time.Duration
	rivals time.Duration
	kernel kernel
	late   time.Duration
	log    *slog.Logger
	// untold is there from before the address is added until it is announced to the end.
	untold *service.Mark
	// unfinished says that an agent which ended did not announce to the end.
	unfinished atomic.Bool

	seeking atomic.Bool

	mu     sync.Mutex
	series *series
	// seek is the newest look for a rival, and stopping keeps another from beginning:
	// no question is asked of the side that takes over.
	seek     *series
	stopping bool
	rival    rivalry
}

var (
	_ service.Driver = (*Driver)(nil)
	_ service.ByHand = (*Driver)(nil)
)

// New makes a driver. It is an error for an address that has problems.
func New(c Config) (*Driver, error) {
	prefix, err := c.Address.Prefix()
	if err != nil {
		return nil, fmt.Errorf("address: %w", err)
	}
	d := &Driver{
		want: c.Address, prefix: prefix, ask: cmp.Or(c.Ask, defaultAsk), again: c.Again, rivals: cmp.Or(c.Rivals, defaultRivals), late: cmp.Or(c.late, mostLate),
		kernel: c.kernel, log: c.Log, untold: announceMark(c),
	}
	d.unfinished.Store(d.untold.Get().Is)
	if d.again == nil {
		d.again = defaultAgain
	}
	if d.kernel == nil {
		d.kernel = thisKernel()
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	return d, nil
}

// Observe looks at all interfaces: an address that is on another one than it should be is
// answered for by this machine too, and is not down.
func (d *Driver) Observe(ctx context.Context) (service.State, error) {
	ctx, cancel := service.Bound(ctx, observeBound)
	defer cancel()
	places, err := d.kernel.addresses(ctx, d.prefix.Addr())
	if err != nil {
		return service.State{Run: plan.RunUnsure}, err
	}
	if len(places) == 0 {
		return service.State{Run: plan.Stopped}, nil
	}
	at := d.own(places)
	if at < 0 {
		return service.State{Run: plan.Starting, Holdoff: true, Detail: fmt.Sprintf("%s is on %s of this machine, not on %s",
			d.prefix.Addr(), places[0].on, d.want.Interface)}, nil
	}
	switch p := places[at]; {
	case p.duplicate:
		return service.State{Run: plan.Starting, Holdoff: true, Detail: fmt.Sprintf(
			"%s is on %s, and the kernel does not use it: it found another machine that has it", d.prefix.Addr(), p.on)}, nil
	case p.checking:
		return service.State{Run: plan.Starting, Detail: fmt.Sprintf("the kernel still asks whether another machine has %s", d.prefix.Addr())}, nil
	}
	return service.State{Run: plan.Running, Rival: d.contested(), Unhealthy: d.unhealthy(ctx, places, at)}, nil
}

// own is which of the places is on the interface where the address should be, or -1.
func (d *Driver) own(places []place) int {
	on := func(p place) bool { return p.on == d.want.Interface }
	exact := func(p place) bool { return on(p) && p.prefix == d.prefix }
	if at := slices.IndexFunc(places, exact); at >= 0 {
		return at
	}
	return slices.IndexFunc(places, on)
}

// unhealthy says what is not as it should be with an address that is there.
func (d *Driver) unhealthy(ctx context.Context, places []place, at int) string {
	for i, p := range places {
		if i != at {
			return fmt.Sprintf("it is also there as %s on %s", p.prefix, p.on)
		}
	}
	if p := places[at]; p.prefix != d.prefix {
		return fmt.Sprintf("it is there as %s, and the document says %s: after \"%s\" the agent adds it as it should be", p.prefix, d.prefix, d.byHand(p))
	}
	switch dev, err := d.kernel.device(ctx, d.want.Interface); {
	case err != nil:
		return err.Error()
	case !dev.up:
		return d.want.Interface + " is down or has no carrier: nobody reaches " + d.prefix.Addr().String() + " there"
	}
	return ""
}

// Start asks for the address on the network, adds it if nobody answers, and announces it.
func (d *Driver) Start(ctx context.Context) error {
	ctx, cancel := service.Bound(ctx, startBound)
	defer cancel()
	places, err := d.kernel.addresses(ctx, d.prefix.Addr())
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	if at := d.own(places); at >= 0 && !places[at].duplicate {
		return nil
	}
	if err := d.start(ctx, places); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	return nil
}

// Possible is an error when nobody could start the address on this machine as it is. It
// asks for nothing on the network.
func (d *Driver) Possible(ctx context.Context) error {
	on, err := d.usable(ctx)
	if err != nil {
		return err
	}
	w, err := d.kernel.open(on, d.prefix.Addr())
	if err != nil {
		return fmt.Errorf("%s cannot be asked for on %s: %w", d.prefix.Addr(), on.name, err)
	}
	w.close()
	return d.kernel.permitted()
}

// usable is the interface, when the address can be asked for there.
func (d *Driver) usable(ctx context.Context) (device, error) {
	ip := d.prefix.Addr()
	on, err := d.kernel.device(ctx, d.want.Interface)
	switch {
	case err != nil:
		return on, err
	case !on.ethernet:
		return on, fmt.Errorf("%w: %s cannot be asked for on %s, which is no Ethernet", service.ErrRefused, ip, on.name)
	case !on.up:
		return on, fmt.Errorf("%s is down or has no carrier: %s cannot be asked for there, and is not added", on.name, ip)
	}
	return on, nil
}

// start is Start of what is not on its interface, or not used there.
func (d *Driver) start(ctx context.Context, places []place) error {
	ip := d.prefix.Addr()
	on, err := d.usable(ctx)
	if err != nil {
		return err
	}
	w, err := d.kernel.open(on, ip)
	if err != nil {
		return fmt.Errorf("%s cannot be asked for on %s, and is not added: %w", ip, on.name, err)
	}
	d.unfinished.Store(false)
	d.mu.Lock()
	d.stopping = false
	d.mu.Unlock()
	added := false
	defer func() {
		if !added {
			w.close()
		}
	}()
	for _, p := range places {
		if err := d.kernel.remove(ctx, p); err != nil {
			return err
		}
	}
	if err := d.free(ctx, w, on); err != nil {
		return err
	}
	d.untold.Begin()
	if err := d.kernel.add(ctx, on, d.prefix); err != nil {
		d.untold.Clear()
		return err
	}
	d.untold.End(nil)
	added = true
	return d.announce(w, on)
}

// free is an error unless the address was asked for and nobody answered.
func (d *Driver) free(ctx context.Context, w wire, on device) error {
	ip := d.prefix.Addr()
	own := d.hardware(ctx, on)
	due := service.SystemClock{}.Boot() + d.ask.longest() + d.late
	who, err := d.ask.whoHas(ctx, w, on, own, ip)
	switch {
	case err == nil && who == nil && service.SystemClock{}.Boot() > due:
		return fmt.Errorf("%w: this agent or this machine stood still while %s was asked for: it is not added", service.ErrTimeout, ip)
	case err != nil:
		return fmt.Errorf("%s could not be asked for, and is not added: %w", ip, err)
	case who != nil:
		return fmt.Errorf("%s is in use by %s on %s, and is not added", ip, who, on.name)
	}
	d.log.Info("nobody answered for the address, which does not prove that it is free", "address", ip, "interface", on.name)
	return nil
}

// Stop removes the address from every interface and looks that it is gone.
func (d *Driver) Stop(ctx context.Context) error {
	ctx, cancel := service.Bound(ctx, service.DefaultStop)
	defer cancel()
	if err := d.stop(ctx); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	d.untold.Clear()
	return nil
}

func (d *Driver) stop(ctx context.Context) error {
	if err := d.quiet(ctx); err != nil {
		return err
	}
	for {
		places, err := d.kernel.addresses(ctx, d.prefix.Addr())
		if err != nil || len(places) == 0 {
			return err
		}
		for _, p := range places {
			if err := d.kernel.remove(ctx, p); err != nil {
				return err
			}
		}
		left, err := d.kernel.addresses(ctx, d.prefix.Addr())
		if err != nil || len(left) == 0 {
			return err
		}
		pause := time.NewTimer(lookAgain)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return fmt.Errorf("%w: %s is still on %s: does something else add it again?", service.Ended(ctx), d.prefix.Addr(), left[0].on)
		}
	}
}

// StopByHand is what a person types to take the address away.
func (d *Driver) StopByHand() string {
	return d.byHand(place{on: d.want.Interface, prefix: d.prefix})
}

func (d *Driver) byHand(p place) string {
	return run.Quote("ip", "address", "del", p.prefix.String(), "dev", p.on)
}

// Watch wakes after every change of the machine's addresses and interfaces.
func (d *Driver) Watch(ctx context.Context, wake func()) error {
	d.resume(ctx)
	go d.seekRivals(ctx, wake)
	for {
		err := d.kernel.watch(ctx, wake)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		d.log.Warn("changes of addresses are not told any more", "address", d.prefix, "error", err)
		again := time.NewTimer(watchAgain)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return ctx.Err()
		}
	}
}
